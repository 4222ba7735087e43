"""The modelled store on a real event loop."""

import asyncio
from typing import Any

import pytest

from gelombang.clock import monotonic_us
from gelombang.profile_uploads import Store
from gelombang_server.metrics import Metrics
from gelombang_server.store import NoRoomError, NoTurnError, PhotoStore
from tests.support.upload_site import until

STORE: dict[str, Any] = {
    "bandwidth_bytes_per_second": 1_000_000.0,
    "commit_bytes": 1_000,
    "latency_seconds": 0.0,
    "capacity_bytes": 10_000_000,
    "turns_limit": 2,
    "queue_limit": 100,
}


def photo_store(**changes: Any) -> PhotoStore:
    return PhotoStore(Store.model_validate(STORE | changes), Metrics("hardened", "1", 0), monotonic_us())


async def test_a_line_before_few_turns_moves_at_the_full_bandwidth_however_late_the_timers_are() -> None:
    """40 photos of 2,000 bytes and 1,000 bytes of commit: 120,000 bytes, 120,000 us of the model, whatever the loop does meanwhile."""
    store = photo_store()
    turns = await asyncio.gather(*(store.turn(2_000) for _ in range(40)))
    whole_us = max(turn.wait_us + turn.store_us for turn in turns)
    assert 120_000 - 5_000 <= whole_us <= 120_000 + 50
    assert store.moved_bytes == pytest.approx(120_000)
    assert store.used_bytes == 80_000
    assert (store.turns, store.waiting) == (0, 0)


async def test_the_latency_is_added_after_the_turn_and_holds_no_place() -> None:
    store = photo_store(turns_limit=1, queue_limit=0, latency_seconds=0.05)
    first = asyncio.create_task(store.turn(1_000))
    await until(lambda: store.moved_bytes >= 2_000)
    second = await store.turn(1_000)
    assert (await first).store_us == pytest.approx(52_000, abs=100)
    assert second.wait_us == 0


async def test_without_a_place_nobody_waits() -> None:
    store = photo_store(turns_limit=1, queue_limit=1)
    tasks = [asyncio.create_task(store.turn(1_000_000)) for _ in range(2)]
    await until(lambda: store.waiting == 1)
    with pytest.raises(NoTurnError):
        await store.turn(1)
    assert store.used_bytes == 2_000_000
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert (store.turns, store.waiting, store.used_bytes) == (0, 0, 0)
    store.close()


async def test_a_store_without_room_takes_no_photo() -> None:
    store = photo_store(capacity_bytes=1_500)
    await store.turn(1_000)
    with pytest.raises(NoRoomError):
        await store.turn(501)
    store.forget(1_000)
    await store.turn(501)


async def test_who_is_cancelled_in_line_or_turn_leaves_the_bandwidth_to_the_others() -> None:
    store = photo_store(turns_limit=1)
    holder, in_line, last = (asyncio.create_task(store.turn(size)) for size in (10_000_000 - 2_000, 1_000, 1_000))
    await until(lambda: store.waiting == 2)
    in_line.cancel()
    holder.cancel()
    turn = await last
    assert turn.store_us == pytest.approx(2_000, abs=2)
    assert store.used_bytes == 1_000


async def test_a_stall_slows_the_store_for_its_time() -> None:
    """At a tenth of the bandwidth for 0.1 s, 12,000 bytes need 0.1 s + 2,000 us."""
    store = photo_store(stalls=[{"at_seconds": 0.0, "for_seconds": 0.1, "bandwidth_ratio": 0.1}])
    turn = await store.turn(11_000)
    assert 95_000 < turn.store_us < 102_100
