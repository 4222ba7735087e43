"""tus 1.0.0 on `hardened`: begun by a ticket or by itself, gone on with after a break, complete when the photo is durable."""

import hashlib
from base64 import b64encode
from pathlib import Path

from gelombang.attempt import Code, ServerOutcome, Stage
from tests.support.tus_phone import PHOTO, TUS_HEADERS, Phone, arrived
from tests.support.upload_site import (
    FAST_STORE,
    STUCK_STORE,
    RawClient,
    assert_idle,
    end_of,
    jpeg,
    ledger,
    request_head,
    sha256,
    until,
    upload_site,
)


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
