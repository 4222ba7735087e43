"""The uploads of `hardened`: ask for a ticket, then send; nothing is done for a client that left."""

from pathlib import Path
from typing import Any

import pytest

from gelombang.attempt import Code, ServerOutcome, Stage
from tests.support.upload_site import (
    FAST_STORE,
    SLOW_STORE,
    STUCK_STORE,
    assert_idle,
    end_of,
    jpeg,
    ledger,
    put_and_stay,
    sha256,
    until,
    upload_site,
)


async def test_a_photo_is_stored_with_its_digest_and_acknowledged_as_one_attempt(tmp_path: Path) -> None:
    photo = jpeg(50_000)
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        status, ticket = await site.ask(1, photo)
        assert status == 201
        assert ticket["url"].startswith(f"{site.url}/api/v1/me/photos/ktp?ticket=")
        assert (ticket["bytes_limit"], ticket["expires_in_seconds"]) == (50_000, 120.0)
        assert site.metric("ticket_budget_used_bytes", budget="admitted") == 150_000
        status, answer = await site.put(ticket["url"], photo, 1)
        assert (status, answer["sha256"], answer["bytes"]) == (201, sha256(photo), 50_000)
        (row,) = site.rows()
        assert row[:7] == (answer["photo"], 1, 1, 1, "ktp", sha256(photo), 50_000)
        assert site.file_of(row) == photo
        assert site.metric("upload_attempts_started_total", photo="ktp") == 1
        assert site.metric("upload_attempts_total", photo="ktp", stage="acknowledge", outcome="completed", code="none") == 1
        assert_idle(site)
    (seen,) = ledger(tmp_path)
    assert end_of(seen) == (Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201)
    assert (seen["exchanges"], seen["bytes_received"], seen["bytes_kept"]) == (2, 50_000, 50_000)
    for field in ("admission_us", "body_us", "digest_us", "inspect_us", "commit_us"):
        assert seen[field] > 0, field


async def test_an_oversize_photo_is_refused_before_a_byte_of_it_is_sent(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", uploads={"photo_limit_bytes": 10_000}) as site:
        status, problem = await site.ask(1, jpeg(10_001))
        assert (status, problem["code"]) == (413, "photo_too_large")
    (seen,) = ledger(tmp_path)
    assert end_of(seen) == (Stage.ADMISSION, ServerOutcome.REJECTED, Code.PHOTO_TOO_LARGE, 413)
    assert seen["bytes_received"] == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"\x89PNG" + bytes(900), "photo_wrong_format"), (jpeg(9_000)[:5_000], "photo_truncated")],
    ids=["wrong format", "truncated"],
)
async def test_a_photo_that_is_no_whole_jpeg_is_refused_and_gives_back_its_budget(tmp_path: Path, body: bytes, code: str) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        status, problem = await site.send(1, body)
        assert (status, problem["code"]) == (422, code)
        assert_idle(site)
    assert end_of(ledger(tmp_path)[0])[:2] == (Stage.INSPECT, ServerOutcome.REJECTED)


async def test_too_many_pixels_are_refused(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", uploads={"pixels_limit": 255}) as site:
        status, problem = await site.send(1, jpeg(9_000))
        assert (status, problem["code"]) == (422, "photo_too_many_pixels")


async def test_another_photo_than_the_announced_one_is_refused(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        _, ticket = await site.ask(1, jpeg(9_000, mark=1))
        status, problem = await site.put(ticket["url"], jpeg(9_000, mark=2), 1)
        assert (status, problem["code"]) == (422, "photo_digest_mismatch")
        _, ticket = await site.ask(2, jpeg(9_000))
        status, problem = await site.put(ticket["url"], jpeg(9_001), 2)
        assert (status, problem["code"]) == (422, "photo_size_mismatch")
        assert_idle(site)
    rows = ledger(tmp_path)
    assert end_of(rows[0])[:2] == (Stage.DIGEST, ServerOutcome.REJECTED)
    assert end_of(rows[1])[:2] == (Stage.HEADERS, ServerOutcome.REJECTED)


async def test_a_photo_without_a_good_ticket_is_refused(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened") as site:
        url = f"{site.url}/api/v1/me/photos/ktp"
        status, problem = await site.put(url, jpeg(900), 1)
        assert (status, problem["code"]) == (401, "ticket_missing")
        for forged in ("x", "A" * 124, "é", "%00"):
            status, problem = await site.put(f"{url}?ticket={forged}", jpeg(900), 1)
            assert (status, problem["code"]) == (401, "ticket_invalid")
        _, ticket = await site.ask(1, jpeg(900))
        status, problem = await site.put(ticket["url"].replace("ktp", "selfie"), jpeg(900), 1)
        assert (status, problem["code"]) == (401, "ticket_invalid")
        status, problem = await site.put(ticket["url"], jpeg(900), 2)
        assert (status, problem["code"]) == (401, "ticket_invalid")


async def test_a_ticket_admits_one_photo_once(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        _, ticket = await site.ask(1, jpeg(900))
        assert (await site.put(ticket["url"], jpeg(900), 1))[0] == 201
        status, problem = await site.put(ticket["url"], jpeg(900), 1)
        assert (status, problem["code"]) == (410, "ticket_expired")
        assert len(site.rows()) == 1


async def test_a_wish_that_is_not_understood_is_told_so(tmp_path: Path) -> None:
    wishes: list[tuple[dict[str, Any], str]] = [
        ({"kind": "ktp", "bytes": 5}, "field_missing"),
        ({"kind": "passport", "bytes": 5, "sha256": "a" * 64}, "field_invalid"),
        ({"kind": "ktp", "bytes": 0, "sha256": "a" * 64}, "field_invalid"),
        ({"kind": "ktp", "bytes": "5", "sha256": "a" * 64}, "field_invalid"),
        ({"kind": "ktp", "bytes": 5, "sha256": "A" * 64}, "field_invalid"),
    ]
    async with upload_site(tmp_path, "hardened") as site:
        for number, (wish, code) in enumerate(wishes, start=1):
            async with site.client.post(f"{site.url}/api/v1/me/tickets", json=wish, headers=site.headers(1, number)) as answer:
                assert (answer.status, (await answer.json(content_type=None))["code"]) == (422, code)
        async with site.client.post(f"{site.url}/api/v1/me/tickets", json=wishes[0][0]) as answer:
            assert answer.status == 401


async def test_a_lost_acknowledgement_is_repeated_at_once_and_nothing_is_stored_twice(tmp_path: Path) -> None:
    photo = jpeg(9_000)
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        _, first = await site.send(1, photo)
        status, answer = await site.ask(1, photo, number=2)
        assert (status, answer) == (200, {**first, "stored": True})
        assert len(site.rows()) == 1
        assert (await site.ask(1, jpeg(9_000, mark=1), number=3))[0] == 201
        assert (await site.ask(2, photo))[0] == 201
    rows = {(row["person"], row["number"]): row for row in ledger(tmp_path)}
    assert end_of(rows[1, 2]) == (Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 200)


async def test_a_full_budget_refuses_with_a_time_to_come_back(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=STUCK_STORE, tickets={"admitted_budget_bytes": 250_000}) as site:
        assert (await site.ask(1, jpeg(50_000)))[0] == 201
        wish = {"kind": "ktp", "bytes": 50_000, "sha256": "a" * 64}
        async with site.client.post(f"{site.url}/api/v1/me/tickets", json=wish, headers=site.headers(2)) as answer:
            problem = await answer.json(content_type=None)
            assert (answer.status, problem["code"]) == (503, "uploads_busy")
            # A store of one byte a second would need days: the longest time is told.
            assert problem["retry_after_seconds"] == 3_600.0
            assert answer.headers["Retry-After"] == "3600"
    rows = {row["person"]: end_of(row) for row in ledger(tmp_path)}
    assert rows[2] == (Stage.ADMISSION, ServerOutcome.REFUSED, Code.UPLOADS_BUSY, 503)
    assert rows[1][1] is ServerOutcome.SHUTDOWN


async def test_the_photo_that_completes_a_pair_may_use_the_whole_budget(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE, tickets={"admitted_budget_bytes": 300_000}) as site:
        assert (await site.send(1, jpeg(5_000), "selfie"))[0] == 201
        assert (await site.ask(3, jpeg(50_000)))[0] == 201
        assert (await site.ask(2, jpeg(50_000)))[0] == 503
        assert (await site.ask(1, jpeg(50_000)))[0] == 201


async def test_a_ticket_that_nobody_uses_frees_its_budget_and_then_ends_its_attempt(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", tickets={"life_seconds": 0.05}) as site:
        await site.ask(1, jpeg(900))
        assert site.desk.unfinished == 1
        await until(lambda: site.desk.unfinished == 0)
        assert_idle(site)
        await until(lambda: site.context.book.in_flight == 0)
    (seen,) = ledger(tmp_path)
    assert end_of(seen)[:3] == (Stage.BODY, ServerOutcome.ABANDONED, Code.TICKET_EXPIRED)


async def test_a_photo_that_comes_after_its_ticket_is_told_so_within_the_same_attempt(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", tickets={"life_seconds": 1.0}) as site:
        _, ticket = await site.ask(1, jpeg(900))
        await until(lambda: site.desk.unfinished == 0)
        status, problem = await site.put(ticket["url"], jpeg(900), 1)
        assert (status, problem["code"]) == (410, "ticket_expired")
        assert site.context.book.in_flight == 0
    (seen,) = ledger(tmp_path)
    assert end_of(seen) == (Stage.HEADERS, ServerOutcome.REJECTED, Code.TICKET_EXPIRED, 410)


async def test_a_newer_request_evicts_the_stale_one(tmp_path: Path) -> None:
    photo = jpeg(50_000)
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        await site.ask(1, photo)
        assert (await site.ask(1, photo, number=2))[0] == 201
        assert site.desk.unfinished == 1
        ghost = await put_and_stay(site, 3, photo, sent_bytes=20_000)
        await until(lambda: site.metric("upload_attempts_in_flight") == 2)
        _, ticket = await site.ask(3, photo, number=2)
        assert (await site.put(ticket["url"], photo, 3, number=2))[0] == 201
        await until(lambda: site.context.book.in_flight == 1)
        assert site.desk.unfinished == 1
        assert await ghost.reader.read() == b""
        ghost.leave()
    rows = {(row["person"], row["number"]): end_of(row) for row in ledger(tmp_path)}
    assert rows[1, 1][:3] == (Stage.BODY, ServerOutcome.ABANDONED, Code.CLIENT_LEFT)
    assert rows[3, 1][:3] == (Stage.BODY, ServerOutcome.ABANDONED, Code.CLIENT_LEFT)
    assert rows[3, 2][1] is ServerOutcome.COMPLETED


async def test_another_tab_voids_the_ticket_of_the_first_one_which_is_told_when_it_comes_with_its_photo(tmp_path: Path) -> None:
    photo = jpeg(50_000)
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        _, first = await site.ask(1, photo)
        _, second = await site.ask(1, photo, tab=1)
        assert site.desk.unfinished == 1
        status, problem = await site.put(first["url"], photo, 1)
        assert (status, problem["code"]) == (410, "ticket_expired")
        assert (await site.put(second["url"], photo, 1, tab=1))[0] == 201
        assert_idle(site)
    rows = {row["tab"]: end_of(row) for row in ledger(tmp_path)}
    assert rows[0] == (Stage.HEADERS, ServerOutcome.REJECTED, Code.TICKET_EXPIRED, 410)
    assert rows[1][1] is ServerOutcome.COMPLETED


async def test_a_ticket_that_another_tab_voided_and_nobody_comes_with_ends_with_its_life(tmp_path: Path) -> None:
    photo = jpeg(900)
    async with upload_site(tmp_path, "hardened", store=FAST_STORE, tickets={"life_seconds": 0.2}) as site:
        await site.ask(1, photo)
        await site.ask(1, photo, tab=1)
        await until(lambda: site.context.book.in_flight == 0)
    assert [end_of(row)[1:3] for row in ledger(tmp_path)] == [(ServerOutcome.ABANDONED, Code.TICKET_EXPIRED)] * 2


async def test_a_photo_under_way_when_another_tab_asks_is_answered_and_its_turn_goes_to_the_other(tmp_path: Path) -> None:
    photo = jpeg(50_000)
    store = {**SLOW_STORE, "turns_limit": 1, "bandwidth_bytes_per_second": 3e5}
    async with upload_site(tmp_path, "hardened", store=store) as site:
        for person, sent_bytes, stage in ((1, 20_000, Stage.BODY), (2, None, Stage.STORE)):
            client = await put_and_stay(site, person, photo, sent_bytes=sent_bytes)
            await until(lambda stage=stage: [attempt.stage for attempt in site.context.book._open] == [stage])
            _, ticket = await site.ask(person, photo, tab=1)
            assert (await client.reader.readline()).startswith(b"HTTP/1.1 410 ")
            assert (await site.put(ticket["url"], photo, person, tab=1))[0] == 201
            client.leave()
        assert_idle(site)
    rows = {(row["person"], row["tab"]): end_of(row) for row in ledger(tmp_path)}
    assert rows[1, 0] == (Stage.BODY, ServerOutcome.REJECTED, Code.TICKET_EXPIRED, 410)
    assert rows[2, 0] == (Stage.STORE, ServerOutcome.REJECTED, Code.TICKET_EXPIRED, 410)
    assert {rows[1, 1][1], rows[2, 1][1]} == {ServerOutcome.COMPLETED}


async def test_a_photo_that_is_being_made_durable_when_another_tab_asks_is_acknowledged(tmp_path: Path) -> None:
    photo = jpeg(50_000)
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        site.context.sync_delay_seconds = 0.3
        client = await put_and_stay(site, 1, photo)
        await until(lambda: [attempt.stage for attempt in site.context.book._open] == [Stage.COMMIT])
        (ticket,) = site.desk._open.values()
        ticket.is_replaced = True  # as in the moment between the other tab's request and this one's commit
        assert ticket.task is not None
        ticket.task.cancel()
        assert (await client.reader.readline()).startswith(b"HTTP/1.1 201 ")
        client.leave()
    (seen,) = ledger(tmp_path)
    assert end_of(seen)[:2] == (Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED)


async def test_a_ticket_asked_for_again_in_the_same_attempt_replaces_the_first(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        await site.ask(1, jpeg(900))
        _, ticket = await site.ask(1, jpeg(900))
        assert (await site.put(ticket["url"], jpeg(900), 1))[0] == 201
        assert_idle(site)
    (seen,) = ledger(tmp_path)
    assert (end_of(seen)[1], seen["exchanges"]) == (ServerOutcome.COMPLETED, 3)


async def test_a_client_that_sends_no_trace_id_is_served_all_the_same(tmp_path: Path) -> None:
    photo = jpeg(5_000)
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        authorization = {"Authorization": site.headers(1)["Authorization"]}
        wish = {"kind": "ktp", "bytes": 5_000, "sha256": sha256(photo)}
        async with site.client.post(f"{site.url}/api/v1/me/tickets", json=wish, headers=authorization) as answer:
            url = (await answer.json())["url"]
        async with site.client.put(url, data=photo, headers={"Content-Type": "image/jpeg"}) as answer:
            assert answer.status == 201
        assert site.metric("upload_attempts_started_total", photo="ktp") == 1
        assert site.context.book.in_flight == 0
        assert_idle(site)
    assert len(ledger(tmp_path)) == 0
