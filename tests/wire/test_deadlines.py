"""A request that says how long its caller waits: past that, nothing more is done for it, wherever it stands."""

import asyncio
from pathlib import Path

import pytest

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.clock import sleep_seconds
from gelombang_server.tickets import Ticket
from tests.support.upload_site import (
    FAST_STORE,
    STUCK_STORE,
    RawClient,
    UploadSite,
    assert_idle,
    end_of,
    jpeg,
    ledger,
    request_head,
    sha256,
    traceparent,
    until,
    upload_site,
)

BODY = jpeg(2_000)


async def put(site: UploadSite, seconds: str, person: int = 1, sent_bytes: int | None = None) -> bytes:
    """A ticket, and a PUT with this much time; `sent_bytes` of the photo, or all. The answer's first line."""
    status, ticket = await site.ask(person, BODY)
    assert status == 201, ticket
    client = await RawClient.connect(site.url)
    headers = {"Content-Type": "image/jpeg", "Content-Length": str(len(BODY)), "Request-Timeout": seconds}
    headers["traceparent"] = traceparent(person, 1, 2)
    await client.send(request_head("PUT", ticket["url"], headers) + BODY[:sent_bytes])
    line = await client.reader.readline()
    client.leave()
    return line


async def test_work_past_its_deadline_leaves_the_store(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=STUCK_STORE) as site:
        assert b" 504 " in await put(site, "0.05")
        await until(lambda: site.context.book.in_flight == 0)
        assert_idle(site)
        assert site.rows() == []
        assert site.metric("problems_total", code="deadline_passed") == 1
    assert end_of(ledger(tmp_path)[0]) == (Stage.STORE, ServerOutcome.FAILED, Code.DEADLINE_PASSED, 504)


async def test_a_body_that_is_not_whole_by_its_deadline_is_given_up(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        assert b" 504 " in await put(site, "0.05", sent_bytes=500)
        await until(lambda: site.context.book.in_flight == 0)
        assert_idle(site)
    assert end_of(ledger(tmp_path)[0]) == (Stage.BODY, ServerOutcome.FAILED, Code.DEADLINE_PASSED, 504)


async def test_a_ticket_for_a_caller_who_waits_no_more_takes_nothing_from_the_budgets(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened") as site:
        headers = site.headers(1) | {"Request-Timeout": "0"}
        wish = {"kind": "ktp", "bytes": len(BODY), "sha256": sha256(BODY)}
        async with site.client.post(f"{site.url}/api/v1/me/tickets", json=wish, headers=headers) as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (504, "deadline_passed")
        assert_idle(site)


async def test_what_is_done_in_time_is_done(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        assert b" 201 " in await put(site, "60")


async def test_a_commit_that_began_is_finished(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        site.context.sync_delay_seconds = 0.2
        told = asyncio.create_task(put(site, "0.1"))
        assert b" 504 " in await told
        await until(lambda: len(site.rows()) == 1)
    assert end_of(ledger(tmp_path)[0]) == (Stage.COMMIT, ServerOutcome.FAILED, Code.DEADLINE_PASSED, 504)


@pytest.mark.parametrize("said", ["soon", "-1", "nan", "inf", "1e9", ""])
async def test_a_deadline_that_is_no_number_of_seconds_is_refused_by_name(tmp_path: Path, said: str) -> None:
    async with upload_site(tmp_path, "hardened") as site:
        assert b" 400 " in await put(site, said)


async def test_a_site_that_does_not_obey_deadlines_ignores_them(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE, tickets={"obeys_deadlines": False}) as site:
        assert b" 201 " in await put(site, "0")


async def test_a_photo_that_a_late_loop_finds_past_its_deadline_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        received = site.desk.photo_received

        def late(ticket: Ticket) -> None:
            received(ticket)
            sleep_seconds(0.2)  # The loop does something else until nobody waits any more.

        monkeypatch.setattr(site.desk, "photo_received", late)
        assert b" 504 " in await put(site, "0.2")
        await until(lambda: site.context.book.in_flight == 0)
        assert_idle(site)
        assert site.keeper.files.gathered_bytes == 0
        assert site.rows() == []
    assert end_of(ledger(tmp_path)[0]) == (Stage.STORE, ServerOutcome.FAILED, Code.DEADLINE_PASSED, 504)
