"""tus 1.0.0 on `hardened`: begun by a ticket or by itself, gone on with after a break, complete when the photo is durable."""

import asyncio
import errno
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang_server.tus.uploads import TUS
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
    until,
    upload_site,
)

PHOTO = jpeg(50_000)
TUS_HEADERS = {"Tus-Resumable": "1.0.0"}


class Phone:
    """A client of one site that knows tus by its wire alone."""

    def __init__(self, site: UploadSite, person: int = 1) -> None:
        self.site = site
        self.person = person

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | AsyncIterator[bytes] = b"", **more: Any
    ) -> aiohttp.ClientResponse:
        async with self.site.client.request(method, url, headers=TUS_HEADERS | dict(headers), data=body or None, **more) as answer:
            await answer.read()
            assert answer.headers["Tus-Resumable"] == "1.0.0"
            return answer

    async def create(self, photo: bytes, kind: str = "ktp", **metadata: str) -> aiohttp.ClientResponse:
        pairs = {"kind": kind, **metadata}
        text = ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in pairs.items())
        session = self.site.headers(self.person)["Authorization"]
        headers = {"Authorization": session, "Upload-Length": str(len(photo)), "Upload-Metadata": text}
        return await self.ask("POST", f"{self.site.url}/api/v1/me/tus", headers)

    async def begun(self, photo: bytes, **metadata: str) -> str:
        """Its address."""
        answer = await self.create(photo, **metadata)
        assert answer.status == 201
        return self.site.url + answer.headers["Location"]

    async def send(self, url: str, body: bytes | AsyncIterator[bytes], offset: int = 0, **headers: str) -> aiohttp.ClientResponse:
        own = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        return await self.ask("PATCH", url, own | {name.replace("_", "-"): value for name, value in headers.items()}, body)

    async def offset(self, url: str) -> int:
        answer = await self.ask("HEAD", url, {})
        assert answer.status == 200
        return int(answer.headers["Upload-Offset"])

    async def begin_to_send(self, url: str, body: bytes, promised: int, offset: int = 0) -> RawClient:
        """A PATCH of `promised` bytes that has brought only `body`."""
        client = await RawClient.connect(url)
        headers = TUS_HEADERS | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        await client.send(request_head("PATCH", url, headers | {"Content-Length": str(promised)}) + body)
        return client


async def arrived(site: UploadSite, size: int) -> None:
    """Wait until this many bytes of open uploads were read."""
    await until(lambda: sum(attempt.received_bytes for attempt in site.context.book._open) == size)


async def test_a_photo_begun_by_itself_is_stored_with_its_last_piece(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        answer = await phone.create(PHOTO, sha256=sha256(PHOTO), filename="ktp.jpg")
        assert answer.status == 201
        assert answer.headers["Upload-Limit"] == "max-size=2000000, max-age=3600"
        assert answer.headers["Upload-Expires"].endswith(" GMT")
        url = site.url + answer.headers["Location"]
        assert await phone.offset(url) == 0
        answer = await phone.send(url, PHOTO[:20_000])
        assert (answer.status, answer.headers["Upload-Offset"]) == (204, "20000")
        assert site.rows() == []
        answer = await phone.send(url, PHOTO[20_000:], 20_000)
        assert (answer.status, answer.headers["Upload-Offset"]) == (204, "50000")
        (row,) = site.rows()
        assert row[3:7] == (1, "ktp", sha256(PHOTO), 50_000)
        assert site.file_of(row) == PHOTO
        assert site.metric("upload_attempts_total", photo="ktp", stage="body", outcome="completed", code="none") == 1
        assert site.metric("upload_attempts_total", photo="ktp", stage="acknowledge", outcome="completed", code="none") == 1
        assert site.metric("upload_kept_bytes_total") == 50_000
        assert_idle(site)


async def test_a_ticket_is_the_beginning_of_an_upload_and_one_attempt_with_its_first_piece(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        _, ticket = await site.ask(1, PHOTO)
        url = ticket["tus_url"]
        assert (await phone.send(url, PHOTO, traceparent=site.headers(1, exchange=2)["traceparent"])).status == 204
        (row,) = site.rows()
        assert row[:4] == (row[0], 1, 1, 1)
        assert site.file_of(row) == PHOTO
        assert await phone.offset(url) == 50_000
        assert_idle(site)
    rows = ledger(tmp_path)
    assert end_of(rows[0]) == (Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 204)
    assert (rows[0]["exchanges"], rows[0]["bytes_received"], rows[0]["bytes_kept"]) == (2, 50_000, 50_000)


async def test_after_a_cut_the_upload_goes_on_where_it_stands_and_the_place_was_kept(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO, sha256=sha256(PHOTO))
        client = await phone.begin_to_send(url, PHOTO[:31_000], 50_000)
        await arrived(site, 31_000)
        client.leave()
        await until(lambda: site.context.book.in_flight == 0)
        assert site.desk.unfinished == 1
        assert await phone.offset(url) == 31_000
        assert (await phone.send(url, PHOTO[31_000:], 31_000)).status == 204
        assert site.file_of(site.rows()[0]) == PHOTO
        assert site.metric("upload_attempts_total", photo="ktp", stage="body", outcome="abandoned", code="client_left") == 1
        assert_idle(site)


async def test_a_newer_request_evicts_the_one_whose_line_is_dead(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO)
        ghost = await phone.begin_to_send(url, PHOTO[:31_000], 50_000)
        await arrived(site, 31_000)
        assert await phone.offset(url) == 31_000
        assert (await phone.send(url, PHOTO[31_000:], 31_000)).status == 204
        assert await ghost.reader.read() == b""
        ghost.leave()
        assert site.file_of(site.rows()[0]) == PHOTO


async def test_a_photo_whose_turn_never_came_stands_one_byte_before_its_end(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=STUCK_STORE) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO, sha256=sha256(PHOTO))
        client = await phone.begin_to_send(url, PHOTO, 50_000)
        await until(lambda: site.keeper.store.turns == 1)
        client.leave()
        await until(lambda: site.keeper.store.turns == 0)
        assert await phone.offset(url) == 49_999
        assert site.rows() == []
        assert site.desk.unfinished == 0


async def test_who_did_not_hear_the_last_answer_hears_that_it_is_complete(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO)
        assert (await phone.send(url, PHOTO)).status == 204
        assert await phone.offset(url) == 50_000
        answer = await phone.send(url, b"", 50_000)
        assert (answer.status, answer.headers["Upload-Offset"]) == (204, "50000")
        answer = await phone.send(url, PHOTO, 0)
        assert (answer.status, answer.headers["Upload-Offset"]) == (409, "50000")
        assert len(site.rows()) == 1


async def test_bytes_that_do_not_fit_their_checksum_are_not_kept(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO)
        for algorithm in ("sha1", "sha256", "md5"):
            wrong = b64encode(hashlib.new(algorithm, b"other").digest()).decode()
            answer = await phone.send(url, PHOTO[:9_000], Upload_Checksum=f"{algorithm} {wrong}")
            assert answer.status == 460
        assert await phone.offset(url) == 0
        right = b64encode(hashlib.sha1(PHOTO[:9_000]).digest()).decode()
        assert (await phone.send(url, PHOTO[:9_000], Upload_Checksum=f"sha1 {right}")).status == 204
        assert (await phone.send(url, PHOTO[9_000:], 9_000)).status == 204
        assert site.file_of(site.rows()[0]) == PHOTO
        assert (await phone.send(url, b"", Upload_Checksum="crc32 AAAA")).status == 400


async def test_a_piece_that_broke_off_under_a_checksum_is_kept_only_where_the_whole_has_a_digest(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        for metadata, stands_at in (({}, 0), ({"sha256": sha256(PHOTO)}, 9_000)):
            url = await phone.begun(PHOTO, **metadata)
            client = await RawClient.connect(url)
            digest = b64encode(hashlib.sha1(PHOTO).digest()).decode()
            headers = TUS_HEADERS | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
            headers |= {"Upload-Checksum": f"sha1 {digest}", "Content-Length": "50000"}
            await client.send(request_head("PATCH", url, headers) + PHOTO[:9_000])
            await arrived(site, 9_000)
            client.leave()
            await until(lambda: site.context.book.in_flight == 0)
            assert await phone.offset(url) == stands_at


async def test_another_file_than_the_announced_one_is_refused_and_forgotten(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO, sha256=sha256(PHOTO))
        answer = await phone.send(url, jpeg(50_000, mark=3))
        assert answer.status == 422
        await until(lambda: not list((site.context.site / "photos" / "partial").glob("*.tus")))
        assert (await phone.ask("HEAD", url, {})).status == 404
        assert_idle(site)


async def test_a_smaller_copy_of_the_photo_begins_anew(tmp_path: Path) -> None:
    small = jpeg(20_000)
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        _, ticket = await site.ask(1, PHOTO)
        assert (await phone.send(ticket["tus_url"], PHOTO[:30_000])).status == 204
        # The same file again, by a later try: it goes on.
        _, again = await site.ask(1, PHOTO, number=2)
        assert await phone.offset(again["tus_url"]) == 30_000
        _, other = await site.ask(1, small, number=3)
        assert await phone.offset(other["tus_url"]) == 0
        assert (await phone.send(other["tus_url"], small)).status == 204
        assert [site.file_of(row) for row in site.rows()] == [small]
        assert len(list((site.context.site / "photos" / "partial").glob("*.tus"))) == 0


async def test_an_upload_can_be_given_up(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "hardened", store=FAST_STORE) as site:
        phone = Phone(site)
        url = await phone.begun(PHOTO)
        await phone.send(url, PHOTO[:9_000])
        assert (await phone.ask("DELETE", url, {})).status == 204
        assert (await phone.ask("HEAD", url, {})).status == 404
        assert (await phone.ask("DELETE", url, {})).status == 404
        assert list((site.context.site / "photos" / "partial").glob("*.tus")) == []


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
