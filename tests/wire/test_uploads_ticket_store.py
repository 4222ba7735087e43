"""An upload by ticket from its body to the store and the disk: who leaves on the way, who waits, and what has no room."""

import asyncio
import errno
import os
from pathlib import Path

import pytest

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang_server.photopart import SMALL_PIECE_BYTES, PhotoPart
from tests.support.upload_site import (
    FAST_STORE,
    SLOW_STORE,
    STUCK_STORE,
    assert_idle,
    end_of,
    jpeg,
    ledger,
    put_and_stay,
    until,
    upload_site,
)


async def test_a_client_that_leaves_in_the_body_gives_back_its_budget(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        client = await put_and_stay(site, 1, jpeg(50_000), sent_bytes=20_000)
        await until(lambda: site.context.book.in_flight == 1)
        client.leave()
        await until(lambda: site.context.book.in_flight == 0)
        assert_idle(site)
        assert site.rows() == []
    (seen,) = ledger(tmp_path)
    assert end_of(seen) == (Stage.BODY, ServerOutcome.ABANDONED, Code.CLIENT_LEFT, 499)


async def test_a_client_that_leaves_at_the_store_gives_its_turn_to_the_next(tmp_path: Path) -> None:
    photo = jpeg(50_000)
    async with upload_site(tmp_path, "hardened", store={**SLOW_STORE, "turns_limit": 1, "bandwidth_bytes_per_second": 3e5}) as site:
        leaver = await put_and_stay(site, 1, photo)
        await until(lambda: site.keeper.store.turns == 1)
        waiter = await put_and_stay(site, 2, photo)
        await until(lambda: site.keeper.store.waiting == 1)
        leaver.leave()
        await until(lambda: site.context.book.in_flight == 1)
        assert b"201" in await waiter.reader.readline()
        assert [row[1] for row in site.rows()] == [2]
        await until(lambda: site.context.book.in_flight == 0)
        assert_idle(site)
        assert site.keeper.store.used_bytes == 50_000
        waiter.leave()
    rows = {row["person"]: end_of(row) for row in ledger(tmp_path)}
    assert rows[1][:3] == (Stage.STORE, ServerOutcome.ABANDONED, Code.CLIENT_LEFT)


async def test_a_commit_that_began_is_finished_when_the_client_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = jpeg(50_000)
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        is_in_commit, may_go_on = asyncio.Event(), asyncio.Event()
        keep = PhotoPart.keep

        async def slow_keep(part: PhotoPart) -> str:
            is_in_commit.set()
            await may_go_on.wait()
            return await keep(part)

        monkeypatch.setattr(PhotoPart, "keep", slow_keep)
        client = await put_and_stay(site, 1, photo)
        await is_in_commit.wait()
        client.leave()
        await until(lambda: site.desk.unfinished == 0)
        may_go_on.set()
        await until(lambda: site.context.book.in_flight == 0)
        (row,) = site.rows()
        assert site.file_of(row) == photo
        assert (await site.ask(1, photo, number=2))[0] == 200
    rows = {row["number"]: row for row in ledger(tmp_path)}
    assert end_of(rows[1])[:3] == (Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED_UNHEARD, Code.NONE)
    assert rows[1]["bytes_kept"] == 50_000


async def test_many_slow_photos_are_written_as_they_come_and_not_held_in_memory(tmp_path: Path) -> None:
    """The budget is 64 KiB and 20 people have sent 60 KB each: what is not yet on the disk is the budget and a small piece for each, at
    most."""
    photos = [jpeg(100_000, mark=person) for person in range(20)]
    async with upload_site(tmp_path, "hardened", store=FAST_STORE, uploads={"gather_limit_bytes": 65_536}) as site:
        clients = [await put_and_stay(site, person, photo, sent_bytes=60_000) for person, photo in enumerate(photos)]
        files, folder = site.keeper.files, tmp_path / "site" / "photos"

        def received() -> int:
            return files.gathered_bytes + sum(path.stat().st_size for path in folder.rglob("*.part"))

        await until(lambda: received() == 20 * 60_000 and files.in_progress == 0)
        assert files.gathered_bytes <= 65_536 + 20 * SMALL_PIECE_BYTES
        for client, photo in zip(clients, photos, strict=True):
            await client.send(photo[60_000:])
            assert (await client.reader.readline()).split()[1] == b"201"
            client.leave()
        assert sorted(site.file_of(row) for row in site.rows()) == sorted(photos)
        assert files.gathered_bytes == 0
        assert_idle(site)


async def test_a_photo_whose_person_left_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE, uploads={"gather_limit_bytes": 1}) as site:
        folder = tmp_path / "site" / "photos"
        client = await put_and_stay(site, 1, jpeg(100_000), sent_bytes=60_000)
        await until(lambda: any(folder.rglob("*.part")))
        client.leave()
        await until(lambda: not any(path.is_file() for path in folder.rglob("*")))
        assert site.keeper.files.gathered_bytes == 0
        assert_idle(site)


async def test_a_disk_without_room_is_told_by_name_and_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write of the second piece finds no room, as a full disk would have it: 503, nothing kept, and the next photo is stored again."""

    def full_disk(descriptor: int, pieces: list[bytes]) -> int:
        if os.lseek(descriptor, 0, os.SEEK_CUR) > 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(descriptor, b"".join(pieces))

    photo = jpeg(1_000_000)
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        with monkeypatch.context() as full:
            full.setattr(os, "writev", full_disk)
            status, problem = await site.send(1, photo)
            assert (status, problem["code"]) == (503, "store_full")
            assert problem["retry_after_seconds"] > 0
        assert not [path for path in (tmp_path / "site" / "photos").rglob("*") if path.is_file()]
        assert_idle(site)
        assert (await site.send(2, photo))[0] == 201
    seen = ledger(tmp_path)[0]
    assert end_of(seen)[:3] == (Stage.BODY, ServerOutcome.REFUSED, Code.STORE_FULL)


async def test_who_waits_too_long_at_the_store_is_told_when_to_return_and_leaves_it(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=STUCK_STORE, uploads={"answer_within_seconds": 0.03}) as site:
        status, problem = await site.send(1, jpeg(5_000))
        assert (status, problem["code"]) == (504, "upload_timed_out")
        assert problem["retry_after_seconds"] > 0
        assert_idle(site)
        assert site.keeper.store.used_bytes == 0
    assert end_of(ledger(tmp_path)[0])[:3] == (Stage.STORE, ServerOutcome.FAILED, Code.UPLOAD_TIMED_OUT)


async def test_tickets_are_never_more_than_the_places_at_the_store(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store={**STUCK_STORE, "turns_limit": 1, "queue_limit": 2}) as site:
        clients = [await put_and_stay(site, person, jpeg(2_000)) for person in (1, 2, 3)]
        await until(lambda: site.keeper.store.waiting == 2)
        status, problem = await site.ask(4, jpeg(2_000))
        assert (status, problem["code"]) == (503, "uploads_busy")
        assert site.metric("store_waiting") == 2
        for client in clients:
            client.leave()
        await until(lambda: site.context.book.in_flight == 0)
        assert_idle(site)


async def test_a_full_store_tells_when_to_return(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store={**FAST_STORE, "capacity_bytes": 3_000}) as site:
        assert (await site.send(1, jpeg(2_000)))[0] == 201
        status, problem = await site.send(2, jpeg(2_000))
        assert (status, problem["code"]) == (503, "store_full")
        assert problem["retry_after_seconds"] >= 5.0
