"""The uploads of `april-2020`: one POST, everything in memory, work that goes on."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gelombang.attempt import Code, ServerOutcome, Stage
from tests.support.upload_site import (
    FAST_STORE,
    STUCK_STORE,
    RawClient,
    UploadSite,
    form,
    jpeg,
    ledger,
    request_head,
    sha256,
    until,
    upload_site,
)

SLOW_STORE = {"bandwidth_bytes_per_second": 1e6, "commit_bytes": 100_000, "latency_seconds": 0.0}
"""A turn takes a bit more than 0.1 s."""


def end_of(row: Any) -> tuple[Stage, ServerOutcome, Code, int]:
    return Stage(row["stage"]), ServerOutcome(row["outcome"]), Code(row["code"]), int(row["status"])


async def post_and_leave(site: UploadSite, person: int, body: bytes, *, sent_bytes: int | None = None, number: int = 1) -> RawClient:
    """A POST whose client is still there; `sent_bytes` of the form were sent, or all."""
    data = form(body)
    headers = site.headers(person, number) | {"Content-Type": "multipart/form-data; boundary=xyz", "Content-Length": str(len(data))}
    client = await RawClient.connect(site.url)
    await client.send(request_head("POST", f"{site.url}/api/v1/me/photos/ktp", headers) + data[:sent_bytes])
    return client


async def test_a_photo_is_stored_with_its_digest_and_acknowledged(tmp_path: Path) -> None:
    photo = jpeg(50_000)
    async with upload_site(tmp_path, "april-2020", store=FAST_STORE) as site:
        status, answer = await site.post(1, photo)
        assert (status, answer["sha256"], answer["bytes"]) == (201, sha256(photo), 50_000)
        (row,) = site.rows()
        assert row[:7] == (answer["photo"], 1, 1, 1, "ktp", sha256(photo), 50_000)
        assert site.file_of(row) == photo
        assert site.metric("upload_attempts_total", photo="ktp", stage="acknowledge", outcome="completed", code="none") == 1
        assert site.metric("upload_kept_bytes_total") == 50_000
        assert site.metric("store_moved_bytes_total") == pytest.approx(150_000)
        assert site.metric("store_used_bytes") == 50_000
        assert site.metric("people_steps_total", step="ktp") == 1
    (seen,) = ledger(tmp_path)
    assert end_of(seen) == (Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201)
    assert (seen["person"], seen["step"], seen["number"], seen["bytes_kept"]) == (1, 9, 1, 50_000)
    assert 50_000 < seen["bytes_received"] < 51_000
    for field in ("body_us", "digest_us", "inspect_us", "store_us", "commit_us"):
        assert seen[field] > 0, field


@pytest.mark.parametrize(
    ("body", "status", "code", "stage"),
    [
        (jpeg(20_001), 413, "photo_too_large", Stage.BODY),
        (b"\x89PNG\r\n\x1a\n" + bytes(900), 422, "photo_wrong_format", Stage.INSPECT),
        (jpeg(9_000)[:5_000], 422, "photo_truncated", Stage.INSPECT),
        (b"", 422, "photo_truncated", Stage.INSPECT),
    ],
    ids=["too large", "wrong format", "truncated", "empty"],
)
async def test_a_photo_that_is_wrong_is_looked_at_only_when_it_is_whole(
    tmp_path: Path, body: bytes, status: int, code: str, stage: Stage
) -> None:
    async with upload_site(tmp_path, "april-2020", store=FAST_STORE, uploads={"photo_limit_bytes": 20_000}) as site:
        found, problem = await site.post(1, body)
        assert (found, problem["code"]) == (status, code)
        assert site.rows() == []
        assert site.metric("problems_total", code=code) == 1
    (seen,) = ledger(tmp_path)
    assert end_of(seen) == (stage, ServerOutcome.REJECTED, Code[code.upper()], status)
    assert seen["bytes_received"] > len(body)


async def test_too_many_pixels_are_refused(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020", uploads={"pixels_limit": 255}) as site:
        status, problem = await site.post(1, jpeg(9_000))
        assert (status, problem["code"]) == (422, "photo_too_many_pixels")


async def test_a_body_far_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020", uploads={"photo_limit_bytes": 10_000}) as site:
        status, problem = await site.post(1, bytes(90_000))
        assert (status, problem["code"]) == (413, "body_too_large")
    (seen,) = ledger(tmp_path)
    assert seen["bytes_received"] == 0


@pytest.mark.parametrize(
    ("content_type", "data", "code"),
    [
        ("image/jpeg", jpeg(900), "wrong_type"),
        ("multipart/form-data", form(b"x"), "malformed_request"),
        ("multipart/form-data; boundary=xyz", b"", "malformed_request"),
        ("multipart/form-data; boundary=xyz", b"garbage" * 99, "malformed_request"),
        ("multipart/form-data; boundary=xyz", form(jpeg(900))[:-12], "malformed_request"),
        ("multipart/form-data; boundary=xyz", b"--xyz--\r\n", "field_missing"),
        ("multipart/form-data; boundary=xyz", form(b"x").replace(b'"photo"', b'"other"'), "field_missing"),
    ],
)
async def test_what_is_not_the_form_of_this_site_is_told_so(tmp_path: Path, content_type: str, data: bytes, code: str) -> None:
    async with upload_site(tmp_path, "april-2020") as site:
        headers = site.headers(1) | {"Content-Type": content_type}
        async with site.client.post(f"{site.url}/api/v1/me/photos/ktp", data=data, headers=headers) as answer:
            assert answer.status in (400, 415, 422)
            assert (await answer.json(content_type=None))["code"] == code


async def test_a_photo_without_a_session_is_refused(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020") as site, site.client.post(f"{site.url}/api/v1/me/photos/ktp", data={"a": "b"}) as answer:
        assert answer.status == 401
        assert (await answer.json(content_type=None))["code"] == "session_missing"


async def test_without_a_free_place_the_upload_fails_at_once_and_no_time_is_told(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020", store={**STUCK_STORE, "turns_limit": 1}) as site:
        holder = await post_and_leave(site, 1, jpeg(2_000))
        await until(lambda: site.keeper.store.turns == 1)
        form_url = f"{site.url}/api/v1/me/photos/ktp"
        headers = site.headers(2) | {"Content-Type": "multipart/form-data; boundary=xyz"}
        async with site.client.post(form_url, data=form(jpeg(2_000)), headers=headers) as answer:
            problem = await answer.json(content_type=None)
            assert (answer.status, problem["code"]) == (503, "upload_failed")
            assert "Retry-After" not in answer.headers
            assert "retry_after_seconds" not in problem
        assert site.metric("store_turns") == 1
        holder.leave()
    rows = {row["person"]: end_of(row) for row in ledger(tmp_path)}
    assert rows[2] == (Stage.STORE, ServerOutcome.FAILED, Code.UPLOAD_FAILED, 503)
    assert rows[1][1] is ServerOutcome.SHUTDOWN


async def test_a_full_store_says_so(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020", store={**FAST_STORE, "capacity_bytes": 3_000}) as site:
        assert (await site.post(1, jpeg(2_000)))[0] == 201
        status, problem = await site.post(2, jpeg(2_000))
        assert (status, problem["code"]) == (503, "store_full")
        assert site.keeper.store.used_bytes == 2_000


async def test_a_client_that_leaves_in_the_body_is_abandoned(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020", store=FAST_STORE) as site:
        client = await post_and_leave(site, 1, jpeg(50_000), sent_bytes=20_000)
        await until(lambda: site.context.book.in_flight == 1)
        client.leave()
        await until(lambda: site.context.book.in_flight == 0)
        assert site.rows() == []
    (seen,) = ledger(tmp_path)
    assert end_of(seen) == (Stage.BODY, ServerOutcome.ABANDONED, Code.CLIENT_LEFT, 499)
    assert seen["body_us"] > 0


async def test_a_body_that_pauses_too_long_is_given_up(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020", uploads={"body_stall_seconds": 0.05}) as site:
        client = await post_and_leave(site, 1, jpeg(50_000), sent_bytes=20_000)
        assert b"408" in await client.reader.readline()
        client.leave()
    (seen,) = ledger(tmp_path)
    assert end_of(seen) == (Stage.BODY, ServerOutcome.REJECTED, Code.BODY_TOO_SLOW, 408)


async def test_work_goes_on_after_the_client_left_and_nobody_hears_of_it(tmp_path: Path) -> None:
    photo = jpeg(30_000)
    async with upload_site(tmp_path, "april-2020", store=SLOW_STORE) as site:
        client = await post_and_leave(site, 1, photo)
        await until(lambda: site.keeper.store.turns == 1)
        client.leave()
        await until(lambda: site.context.book.in_flight == 0)
        (row,) = site.rows()
        assert site.file_of(row) == photo
        assert site.metric("upload_kept_bytes_total") == 0
    (seen,) = ledger(tmp_path)
    assert end_of(seen)[:3] == (Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED_UNHEARD, Code.NONE)


async def test_who_waits_longer_than_the_proxy_is_told_504_and_the_photo_is_stored_nevertheless(tmp_path: Path) -> None:
    photo = jpeg(30_000)
    async with upload_site(tmp_path, "april-2020", store=SLOW_STORE, uploads={"answer_within_seconds": 0.02}) as site:
        status, problem = await site.post(1, photo)
        assert (status, problem["code"]) == (504, "upload_timed_out")
        assert "retry_after_seconds" not in problem
        assert site.context.book.in_flight == 0
        await until(lambda: len(site.rows()) == 1)
        assert site.file_of(site.rows()[0]) == photo
    (seen,) = ledger(tmp_path)
    assert end_of(seen) == (Stage.STORE, ServerOutcome.FAILED, Code.UPLOAD_TIMED_OUT, 504)
    assert seen["bytes_kept"] == 0


async def test_who_left_before_the_proxy_gave_up_is_unheard_and_not_failed(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020", store=SLOW_STORE, uploads={"answer_within_seconds": 0.05}) as site:
        client = await post_and_leave(site, 1, jpeg(30_000))
        await until(lambda: site.keeper.store.turns == 1)
        client.leave()
        await until(lambda: site.context.book.in_flight == 0)
    (seen,) = ledger(tmp_path)
    assert end_of(seen)[1] is ServerOutcome.COMPLETED_UNHEARD


async def test_the_same_photo_again_is_stored_again(tmp_path: Path) -> None:
    photo = jpeg(5_000)
    async with upload_site(tmp_path, "april-2020", store=FAST_STORE) as site:
        assert [(await site.post(1, photo, number=number))[0] for number in (1, 2)] == [201, 201]
        assert len(site.rows()) == 2
        assert site.metric("people_steps_total", step="ktp") == 1


async def test_bodies_beyond_their_limit_fail_before_they_are_read(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020", uploads={"bodies_limit": 1}) as site:
        holder = await post_and_leave(site, 1, jpeg(50_000), sent_bytes=20_000)
        await until(lambda: site.context.book.in_flight == 1)
        status, problem = await site.post(2, jpeg(2_000))
        assert (status, problem["code"]) == (503, "upload_failed")
        holder.leave()
        await until(lambda: site.context.book.in_flight == 0)
        assert (await site.post(2, jpeg(2_000), number=2))[0] == 201
    rows = {(row["person"], row["number"]): end_of(row) for row in ledger(tmp_path)}
    assert rows[2, 1][:3] == (Stage.ADMISSION, ServerOutcome.FAILED, Code.UPLOAD_FAILED)


async def test_a_failed_sync_fails_the_upload_and_quarantines_the_photo(tmp_path: Path) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    async with upload_site(tmp_path, "april-2020", store=FAST_STORE) as site:
        site.keeper.files._sync_file = fail
        status, problem = await site.post(1, jpeg(5_000))
        assert (status, problem["code"]) == (503, "sync_failed")
        assert site.rows() == []
        assert site.keeper.store.used_bytes == 0
        assert len(list((tmp_path / "site" / "photos" / "quarantine").iterdir())) == 1
    (seen,) = ledger(tmp_path)
    assert end_of(seen)[:3] == (Stage.COMMIT, ServerOutcome.FAILED, Code.SYNC_FAILED)


async def test_draining_finishes_a_commit_that_began_and_drops_what_waits(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020", store=STUCK_STORE) as site:
        asked = asyncio.create_task(site.post(1, jpeg(2_000)))
        await until(lambda: site.keeper.store.turns == 1)
        asked.cancel()
    (seen,) = ledger(tmp_path)
    assert end_of(seen)[1] is ServerOutcome.SHUTDOWN
