"""tus on `hardened`: what is bounded, what is told to requests that do not fit, and what is left after a restart or a failing disk."""

import asyncio
import errno
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from serversite import plan, profile, serving

from gelombang_server.photofile import PhotoFiles
from gelombang_server.tus.partial import PartialFiles
from gelombang_server.tus.uploads import TUS
from tests.support.tus_phone import PHOTO, Phone, arrived
from tests.support.upload_site import (
    FAST_STORE,
    STUCK_STORE,
    assert_idle,
    sha256,
    until,
    upload_site,
)


async def test_uploads_whose_life_is_over_are_swept_a_bounded_number_at_a_time(tmp_path: Path) -> None:
    tus = {"life_seconds": 0.05, "uploads_limit": 10, "uploads_limit_bytes": 10**9, "sweep_seconds": 1.0, "sweep_limit": 2}
    async with upload_site(tmp_path, "hardened", uploads={"tus": tus}) as site:
        urls = [await Phone(site, person).begun(PHOTO) for person in (1, 2, 3)]
        (last,) = await site.context.database.read(lambda cursor: cursor.execute("SELECT max(expires_us) FROM tus_uploads").fetchone())
        await until(lambda: site.context.now_us() > last)
        assert (await Phone(site).ask("HEAD", urls[0], {})).status == 410
        left = []
        for _ in range(2):
            await site.app[TUS].sweep_once()
            left += await site.context.database.read(lambda cursor: cursor.execute("SELECT count(*) FROM tus_uploads").fetchone())
        assert left == [1, 0]
        assert (await Phone(site).ask("HEAD", urls[0], {})).status == 404


async def test_more_begun_uploads_than_the_limit_are_told_to_come_back(tmp_path: Path) -> None:
    tus = {"life_seconds": 60.0, "uploads_limit": 2, "uploads_limit_bytes": 10**9, "sweep_seconds": 1.0, "sweep_limit": 2}
    async with upload_site(tmp_path, "hardened", store=FAST_STORE, uploads={"tus": tus}) as site:
        url = await Phone(site, 1).begun(PHOTO)
        await Phone(site, 2).begun(PHOTO)
        answer = await Phone(site, 3).create(PHOTO)
        assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (503, True)
        assert site.desk.unfinished == 2
        # What is stored takes no room any more.
        assert (await Phone(site, 1).send(url, PHOTO)).status == 204
        assert (await Phone(site, 3).create(PHOTO)).status == 201


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.0"}, 412),
        ({"Upload-Length": "x"}, 400),
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "0"}, 422),
        ({"Upload-Length": "2000001"}, 413),
        ({"Upload-Defer-Length": "1"}, 400),
        ({"Upload-Metadata": "kind a3Rw,kind a3Rw"}, 400),
        ({"Upload-Metadata": "kind ???"}, 400),
        ({"Upload-Metadata": ""}, 422),
        ({"Upload-Metadata": "kind cGFzcG9ydA=="}, 422),
        ({"Upload-Metadata": "kind a3Rw,sha256 YWJj"}, 422),
        ({"Authorization": "Bearer x"}, 401),
    ],
)
async def test_a_creation_that_is_not_understood_is_told_so(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    async with upload_site(tmp_path, "hardened") as site:
        session = site.headers(1)["Authorization"]
        good = {"Authorization": session, "Upload-Length": "50000", "Upload-Metadata": "kind a3Rw"}
        answer = await Phone(site).ask("POST", f"{site.url}/api/v1/me/tus", good | headers)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert (answer.headers.get("Tus-Version") == "1.0.0") == (status == 412)


async def test_a_piece_that_does_not_fit_is_told_so(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO)
        assert (await phone.send(url, PHOTO[:9_000], 5)).status == 409
        assert (await phone.send(url, PHOTO + b"x")).status == 413
        assert (await phone.send(url, PHOTO[:9], Content_Type="image/jpeg")).status == 415
        assert (await phone.send(url, PHOTO[:9], Tus_Resumable="2")).status == 412
        assert (await phone.ask("PATCH", url, {"Content-Type": "application/offset+octet-stream"}, b"x")).status == 400
        assert (await phone.send(f"{site.url}/api/v1/me/tus/{'0' * 32}", PHOTO)).status == 404
        assert (await phone.send(f"{site.url}/api/v1/me/tus/forged", PHOTO)).status == 401
        assert await phone.offset(url) == 0


async def test_a_site_without_room_for_one_more_tells_who_goes_on_when_to_come_back_and_keeps_what_came(tmp_path: Path) -> None:
    places = {"turns_limit": 1, "queue_limit": 0, **STUCK_STORE}
    async with upload_site(tmp_path, "hardened", store=places) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO)
        assert (await phone.send(url, PHOTO[:9_000])).status == 204
        # Somebody else takes the only place when this one's has gone.
        site.desk.shut()
        assert (await site.ask(2, PHOTO))[0] == 201
        answer = await phone.send(url, PHOTO[9_000:], 9_000)
        assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (503, True)
        assert await phone.offset(url) == 9_000


async def test_what_the_site_understands_is_told_to_who_asks(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened") as site:
        answer = await Phone(site).ask("OPTIONS", f"{site.url}/api/v1/me/tus", {})
        assert answer.status == 204
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Extension"] == "creation,expiration,checksum,termination"
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,md5"
        assert answer.headers["Tus-Max-Size"] == "2000000"


async def test_slow_uploads_hold_no_more_memory_than_the_budget(tmp_path: Path) -> None:
    uploads = {"gather_limit_bytes": 65_536}
    async with upload_site(tmp_path, "hardened", store=FAST_STORE, uploads=uploads) as site:
        clients = []
        for person in range(1, 13):
            phone = Phone(site, person)
            url = await phone.begun(PHOTO)
            clients.append(await phone.begin_to_send(url, PHOTO[:40_000], 50_000))
        await arrived(site, 12 * 40_000)
        await until(lambda: site.keeper.files.gathered_bytes <= 65_536 + 12 * 16_384)
        for client in clients:
            client.leave()
        await until(lambda: site.context.book.in_flight == 0)
        await until(lambda: site.keeper.files.gathered_bytes == 0)


async def test_an_upload_survives_the_process(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    async with upload_site(folder, "hardened", store=FAST_STORE) as site:
        path = (await Phone(site).begun(PHOTO, sha256=sha256(PHOTO))).removeprefix(site.url)
        client = await Phone(site).begin_to_send(site.url + path, PHOTO[:31_000], 50_000)
        await arrived(site, 31_000)
    client.leave()
    async with upload_site(folder, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        assert await phone.offset(site.url + path) == 31_000
        assert (await phone.send(site.url + path, PHOTO[31_000:], 31_000)).status == 204
        assert site.file_of(site.rows()[0]) == PHOTO


async def test_a_body_that_pauses_too_long_ends_and_what_came_is_kept(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE, uploads={"body_stall_seconds": 0.1}) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO)
        client = await phone.begin_to_send(url, PHOTO[:31_000], 50_000)
        assert b" 408 " in await client.reader.readline()
        client.leave()
        assert await phone.offset(url) == 31_000
        assert site.metric("upload_attempts_total", photo="ktp", stage="body", outcome="rejected", code="body_too_slow") == 1
        assert (await phone.send(url, PHOTO[31_000:], 31_000)).status == 204


async def test_a_body_of_unknown_length_is_the_last_when_it_brings_the_last_byte(tmp_path: Path) -> None:
    async def pieces(photo: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(photo), 7_000):
            yield photo[at : at + 7_000]

    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO)
        assert (await phone.send(url, pieces(PHOTO[:20_000]))).status == 204
        assert (await phone.send(url, pieces(PHOTO[20_000:] + b"xyz"), 20_000)).status == 413
        assert await phone.offset(url) == 20_000
        assert (await phone.send(url, pieces(PHOTO[20_000:]), 20_000)).status == 204
        assert site.file_of(site.rows()[0]) == PHOTO


async def test_a_disk_that_does_not_confirm_means_begin_again_and_no_wrong_answer(tmp_path: Path) -> None:
    def fails(_: int) -> None:
        raise OSError(errno.EIO, "I/O error")

    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO)
        files = site.keeper.files
        works, files._sync_file = files._sync_file, fails
        assert (await phone.send(url, PHOTO)).status == 503
        files._sync_file = works
        # The failed file is set aside and never tried again.
        assert await phone.offset(url) == 0
        assert len(list((site.context.site / "photos" / "quarantine").iterdir())) == 1
        assert (await phone.send(url, PHOTO)).status == 204
        assert_idle(site)


async def test_begun_uploads_are_bounded_in_bytes_too(tmp_path: Path) -> None:
    tus = {"life_seconds": 60.0, "uploads_limit": 100, "uploads_limit_bytes": 120_000, "sweep_seconds": 1.0, "sweep_limit": 2}
    async with upload_site(tmp_path, "hardened", store=FAST_STORE, uploads={"tus": tus}) as site:
        assert [(await Phone(site, person).create(PHOTO)).status for person in (1, 2, 3)] == [201, 201, 503]


async def test_files_that_no_upload_points_to_are_removed_at_the_start(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened") as site:
        phone = Phone(site)
        await phone.send(await phone.begun(PHOTO), PHOTO[:900])
        partial = site.context.site / "photos" / "partial"
        (kept,) = partial.glob("*.tus")
        (partial / f"{'0' * 32}.tus").write_bytes(b"left behind")
        sweep = asyncio.create_task(site.app[TUS].sweep())
        await until(lambda: list(partial.glob("*.tus")) == [kept])
        sweep.cancel()


async def test_a_ticket_for_a_file_whose_upload_has_ended_begins_another(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        _, ticket = await site.ask(1, PHOTO)
        await phone.send(ticket["tus_url"], PHOTO[:9_000])
        await site.context.database.run(lambda cursor: cursor.execute("UPDATE tus_uploads SET expires_us = 0").rowcount)
        assert await phone.offset(ticket["tus_url"]) == 0
        assert (await phone.send(ticket["tus_url"], PHOTO)).status == 204


async def test_two_requests_at_once_never_mix_their_bytes(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO, sha256=sha256(PHOTO))
        answers = await asyncio.gather(*(phone.send(url, PHOTO) for _ in range(4)), return_exceptions=True)
        statuses = {answer.status for answer in answers if isinstance(answer, aiohttp.ClientResponse)}
        assert statuses <= {204, 409}
        offset = await phone.offset(url)
        if offset < 50_000:
            assert (await phone.send(url, PHOTO[offset:], offset)).status == 204
        assert [site.file_of(row) for row in site.rows()] == [PHOTO]


async def test_a_site_that_ends_while_it_looks_for_what_to_sweep_loses_no_background_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_closed, is_found = threading.Event(), threading.Event()
    close = PhotoFiles.close

    def closed(files: PhotoFiles) -> None:
        close(files)
        is_closed.set()
        assert is_found.wait(5)

    async def found_late(_: PartialFiles) -> list[str]:
        try:
            await asyncio.to_thread(is_closed.wait)
        finally:
            is_found.set()
        return ["0" * 32]

    monkeypatch.setattr(PhotoFiles, "close", closed)
    monkeypatch.setattr(PartialFiles, "begun", found_late)
    async with serving(plan(tmp_path, profile("hardened", uploads={"own_process": False}))) as site:
        context = site.worker.context
    assert context.failure is None
