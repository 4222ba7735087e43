"""The line before the disk, on sockets: a disk that a rehearsal makes slow, and what becomes of those who stand in line for it."""

import asyncio
from pathlib import Path
from typing import Any

from gelombang.attempt import Code, ServerOutcome, Stage
from tests.support.upload_site import FAST_STORE, assert_idle, end_of, jpeg, ledger, put_and_stay, until, upload_site

SLOW_SYNC_SECONDS = 0.02
COMMITS = {"target_seconds": 0.02, "interval_seconds": 0.05, "window_photos": 8, "probe_photos": 2}
"""Two photos at once, 40 ms each (the file's sync and its directory's): a line of three has waited too long."""


def changes(**commits: Any) -> dict[str, dict[str, Any]]:
    return {"store": FAST_STORE, "api": {"commit_threads": 2}, "commits": COMMITS | commits}


async def test_who_waited_too_long_in_a_standing_line_is_told_a_time_to_come_back_and_the_line_dissolves(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", **changes()) as site:
        site.context.sync_delay_seconds = SLOW_SYNC_SECONDS
        answers = await asyncio.gather(*(site.send(person, jpeg(1_000, person)) for person in range(60)))
        refused = [answer for status, answer in answers if status == 503]
        assert {answer["code"] for answer in refused} == {"commits_busy"}
        assert all(answer["retry_after_seconds"] > 0 for answer in refused)
        assert len(refused) > 30
        assert len(site.rows()) == 60 - len(refused) > 2
        assert site.metric("shed_total", code="commits_busy") == len(refused)
        assert site.keeper.store.used_bytes == 1_000 * len(site.rows())
        assert site.metric("commit_queue") == 0
        assert_idle(site)
        site.context.sync_delay_seconds = 0.0
        assert (await site.send(99, jpeg(1_000, 99)))[0] == 201
        assert site.metric("commit_line_stands") == 0
    ends = {end_of(row) for row in ledger(tmp_path)}
    assert ends == {
        (Stage.COMMIT, ServerOutcome.REFUSED, Code.COMMITS_BUSY, 503),
        (Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201),
    }


async def test_places_are_learned_and_shown(tmp_path: Path) -> None:
    """Alone first; then as many as the disk takes at once, which here is as many as there are threads."""
    async with upload_site(tmp_path, "hardened", **changes(target_seconds=10.0, interval_seconds=10.0)) as site:
        site.context.sync_delay_seconds = 0.002
        await asyncio.gather(*(site.send(person, jpeg(1_000, person)) for person in range(40)))
        assert site.metric("commit_places_limit") == 2
        assert site.metric("commit_baseline_seconds") >= 0.004
        assert site.metric("commit_wait_seconds_count") == 40


async def test_who_leaves_the_line_costs_the_disk_nothing(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", **changes(target_seconds=10.0, interval_seconds=10.0)) as site:
        site.context.sync_delay_seconds = 0.3
        clients = [await put_and_stay(site, person, jpeg(1_000, person)) for person in range(4)]
        line = site.keeper.line
        assert line is not None
        await until(lambda: line.waiting >= 2)
        for client in clients:
            client.leave()
        await until(lambda: site.context.book.in_flight == 0)
        assert 1 <= len(site.rows()) <= 2, "what had begun is finished, the rest is forgotten"
        assert line.waiting == 0
        assert_idle(site)
