"""The uploads of `hardened`: ask for a ticket, then send; nothing is done for a client that left."""

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang_server.photopart import SMALL_PIECE_BYTES, PhotoPart
from tests.support.upload_site import (
    FAST_STORE,
    STUCK_STORE,
    RawClient,
    UploadSite,
    jpeg,
    ledger,
    request_head,
    sha256,
    traceparent,
    until,
    upload_site,
)

SLOW_STORE = {"bandwidth_bytes_per_second": 1e6, "commit_bytes": 100_000, "latency_seconds": 0.0}
"""A turn takes a bit more than 0.1 s."""


def end_of(row: Any) -> tuple[Stage, ServerOutcome, Code, int]:
    return Stage(row["stage"]), ServerOutcome(row["outcome"]), Code(row["code"]), int(row["status"])


async def put_and_stay(site: UploadSite, person: int, body: bytes, *, sent_bytes: int | None = None) -> RawClient:
    """A ticket and a PUT whose client is still there; `sent_bytes` of the photo were sent, or all."""
    status, ticket = await site.ask(person, body)
    assert status == 201, ticket
    client = await RawClient.connect(site.url)
    headers = {"Content-Type": "image/jpeg", "Content-Length": str(len(body)), "traceparent": traceparent(person, 1, 2)}
    await client.send(request_head("PUT", ticket["url"], headers) + body[:sent_bytes])
    return client


def assert_idle(site: UploadSite) -> None:
    """Everything that an upload takes was given back."""
    assert (site.desk.unfinished, site.desk.admitted_bytes, site.desk.received_bytes) == (0, 0, 0)
    assert (site.keeper.store.turns, site.keeper.store.waiting) == (0, 0)
    assert site.metric("ticket_budget_used_bytes", budget="admitted") == 0


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
