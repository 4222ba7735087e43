"""The pages on real sockets: who may post what, what a browser may load, what a page may report, and that programs see nothing of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gelombang.attempt import Code, Outcome, Phase
from gelombang.attempt_id import PAGE_PEOPLE, AttemptId
from gelombang.ledger import GENERATOR_ROW, read_rows
from gelombang.profile import Profile
from gelombang.runplan import ScaleNumbers
from gelombang_server.photo_vault import FolderVault, PhotoOf
from gelombang_server.photopart import PhotoPart
from gelombang_server.problem import Problem
from support.form_browser import Browser
from tests.support.upload_site import jpeg, sha256
from tests.wire.serversite import PASSWORD, RUN, Site, plan, profile, serving


@asynccontextmanager
async def page_site(folder: Path, name: str = "april-2020", **parts: dict[str, Any]) -> AsyncIterator[Site]:
    async with serving(plan(folder, profile(name, **parts))) as site:
        yield site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with page_site(tmp_path) as site:
        yield site


async def test_a_form_without_its_token_or_with_that_of_another_browser_changes_nothing(site: Site) -> None:
    mine, other = Browser(site), Browser(site, "budi")
    await mine.ask("GET", "/")
    await other.ask("GET", "/")
    assert mine.token != other.token
    fields = {"name": "siti", "email": "siti@mail.example", "password": PASSWORD}
    for token in ("", other.token):
        status, text, _ = await mine.ask("POST", "/daftar", data={"formulir": token, **fields})
        assert (status, 'role="alert"' in text) == (403, True)
    assert site.execute("SELECT count(*) FROM applicants") == [(0,)]
    assert site.sample("problems_total", code="form_token_invalid") == 2


async def test_a_token_of_before_the_login_is_of_no_use_after_it(site: Site) -> None:
    browser = Browser(site)
    await browser.ask("GET", "/")
    before = browser.token
    await browser.sign_up()
    assert (await browser.ask("POST", "/keluar", data={"formulir": before}))[0] == 403


async def test_cookies_are_out_of_reach_of_scripts_of_other_sites_and_of_plain_lines(site: Site) -> None:
    browser = Browser(site)
    await browser.ask("GET", "/?bahasa=en")
    _, _, answer = await browser.post("/daftar", name="siti", email="siti@mail.example", password=PASSWORD)
    (cookie,) = [text for text in answer.headers.getall("Set-Cookie") if text.startswith("sesi=")]
    for part in ("HttpOnly", "SameSite=Lax", "Secure", "Path=/"):
        assert part in cookie, cookie
    assert (await browser.ask("GET", "/status"))[1].startswith('<!doctype html>\n<html lang="en">')


async def test_the_cookie_of_a_page_is_no_key_to_the_routes_of_programs(site: Site) -> None:
    browser = Browser(site)
    await browser.sign_up()
    assert (await browser.ask("GET", "/api/v1/me"))[0] == 401


async def test_a_page_may_load_nothing_but_what_the_site_serves(site: Site) -> None:
    _, text, answer = await Browser(site).ask("GET", "/")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "<style" not in text
    assert re.search(r"<script(?![^>]*\ssrc=)", text) is None
    assert re.search(r'\son\w+="', text) is None
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_pages_are_drawn_with_is_packed_and_kept(site: Site) -> None:
    _, text, _ = await Browser(site).ask("GET", "/")
    total = len(text.encode())
    for path in re.findall(r'"(/situs/[^"]+)"', text):
        async with site.client.get(site.url + path, headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as answer:
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
            total += len(await answer.read())
    assert total <= 60_000


async def test_who_is_not_logged_in_is_asked_to(site: Site) -> None:
    for path in ("/status", "/data", "/ponsel", "/foto/ktp", "/tes"):
        status, _, answer = await Browser(site).ask("GET", path)
        assert (status, answer.headers["Location"]) == (303, "/masuk"), path


async def test_a_refused_form_says_why_beside_the_field_and_keeps_what_was_typed_but_the_password(site: Site) -> None:
    browser = Browser(site)
    await browser.sign_up()
    status, text, _ = await browser.post("/daftar", name="<b>Siti</b>", email="siti@mail.example", password="rahasia-dua")
    assert status == 409
    assert 'id="email-fault"' in text
    assert "&lt;b&gt;Siti&lt;/b&gt;" in text
    assert "rahasia-dua" not in text


async def test_the_link_of_the_mail_leads_a_browser_to_a_page_and_a_program_past_it(site: Site) -> None:
    browser = Browser(site)
    await browser.sign_up()
    mail = await site.message("siti@mail.example")
    status, _, answer = await browser.ask("GET", mail["path"])
    assert status == 303
    page = answer.headers["Location"]
    assert (await browser.ask("GET", page))[0] == 200
    assert site.execute("SELECT email_verified_us FROM applicants") == [(None,)]
    assert (await browser.post(page))[0] == 303
    assert site.execute("SELECT email_verified_us IS NOT NULL FROM applicants") == [(1,)]
    assert await site.ask("GET", mail["path"]) == (200, {"state": "email_verified"})


async def test_a_site_that_is_full_tells_people_in_words_and_programs_in_json(tmp_path: Path) -> None:
    async with page_site(tmp_path, api={"requests_limit": 1}) as site, held(site) as busy:
        status, text, answer = await Browser(site).ask("GET", "/")
        assert (status, "WIB" in text) == (503, True)
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await site.ask("GET", "/api/v1/me"))[1]["code"] == "too_many_requests_in_progress"
        assert not busy.done()


async def test_an_address_that_nobody_knows_is_a_page_for_people_alone(site: Site) -> None:
    status, text, _ = await Browser(site).ask("GET", "/tidak-ada")
    assert (status, "<h1>" in text) == (404, True)
    assert (await site.ask("GET", "/api/v1/nothing"))[1]["code"] == "unknown_route"


async def test_a_page_never_links_to_another_site_whatever_its_address_is(site: Site) -> None:
    _, text, _ = await Browser(site).ask("GET", "//evil.example/x")
    assert "evil.example" not in text


def report(applicant: int, number: int = 5, **changes: Any) -> dict[str, Any]:
    name = AttemptId(RUN, PAGE_PEOPLE + applicant, 3, 0, number).trace_id()
    told = {"attempt": name, "outcome": "reset", "phase": "send", "status": 0, "bytes": 12_345, "exchanges": 2, "milliseconds": 700}
    return told | changes


async def test_a_report_is_counted_and_written_down(site: Site, tmp_path: Path) -> None:
    browser = Browser(site)
    applicant = await browser.sign_up()
    assert (await browser.ask("POST", "/laporan", json=report(applicant)))[0] == 204
    labels = {"photo": "ktp", "client_outcome": "reset", "client_phase": "send"}
    assert site.sample("client_upload_outcomes_total", **labels) == 1
    (row,) = read_rows(tmp_path / "ledger-pages-0.bin", GENERATOR_ROW)[:1]
    assert (row["person"], row["number"], row["tab"]) == (PAGE_PEOPLE + applicant, 5, 3)
    assert (row["outcome"], row["phase"], row["bytes_sent"]) == (Outcome.RESET, Phase.SEND, 12_345)
    assert row["done"] - row["sent"] == 700_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "finished"},
        {"phase": "inbox"},
        {"bytes": -1},
        {"attempt": "0" * 32},
        {"attempt": AttemptId(RUN, 3, 0, 0, 1).trace_id()},
        {"attempt": AttemptId(RUN, PAGE_PEOPLE + 999, 0, 0, 1).trace_id()},
        {"attempt": "x"},
    ],
)
async def test_a_report_of_somebody_elses_try_or_of_no_end_is_none(site: Site, wrong: dict[str, Any]) -> None:
    browser = Browser(site)
    applicant = await browser.sign_up()
    assert (await browser.ask("POST", "/laporan", json=report(applicant) | wrong))[0] == 422
    assert site.sample("client_upload_outcomes_total", photo="ktp", client_outcome="reset", client_phase="send") is None


async def test_reports_are_bounded_in_size_and_number_and_need_a_session(tmp_path: Path) -> None:
    async with page_site(tmp_path, pages={"reports_per_minute_limit": 2, "reports_limit": 1}) as site:
        browser, other = Browser(site), Browser(site, "budi")
        applicant = await browser.sign_up()
        assert (await Browser(site).ask("POST", "/laporan", json=report(applicant)))[0] == 401
        assert (await browser.ask("POST", "/laporan", json=report(applicant, more="x" * 600)))[0] == 413
        for status in (204, 204, 429):
            assert (await browser.ask("POST", "/laporan", json=report(applicant)))[0] == status
        assert (await other.ask("POST", "/laporan", json=report(await other.sign_up())))[0] == 204
        assert site.sample("client_reports_unwritten_total") == 2


async def test_a_plain_form_takes_a_photo_and_says_only_that_it_failed_where_the_site_says_no_more(tmp_path: Path) -> None:
    async with page_site(tmp_path) as site:
        browser = Browser(site)
        await browser.sign_up()
        await browser.ask("GET", "/foto/ktp")
        status, text, _ = await browser.ask("POST", f"/foto/ktp?formulir={browser.token}", data=photo(b"no photo"))
        assert (status, "Unggah gagal. Silakan ulangi." in text) == (422, True)
        assert "Retry-After" not in text
        assert (await browser.ask("POST", "/foto/ktp?formulir=x", data=photo(jpeg(5_000))))[0] == 403
        assert site.execute("SELECT count(*) FROM photos") == [(0,)]
        status, _, answer = await browser.ask("POST", f"/foto/ktp?formulir={browser.token}", data=photo(jpeg(5_000)))
        assert (status, answer.headers["Location"]) == (303, "/status")
        assert site.execute("SELECT kind, sha256 FROM photos") == [("ktp", sha256(jpeg(5_000)))]


async def test_a_page_of_another_origin_gets_no_ticket_and_no_answer(tmp_path: Path) -> None:
    async with one_process(tmp_path) as site:
        browser = Browser(site)
        await browser.sign_up()
        site.context.pages_url = "http://127.0.0.1:9"
        wish = {"kind": "ktp", "bytes": 5_000, "sha256": sha256(jpeg(5_000))}
        tokens = {"Form-Token": browser.token}
        status, _, answer = await browser.ask("POST", "/foto/tiket", json=wish, headers=tokens | {"Origin": "http://evil.example"})
        assert "Access-Control-Allow-Origin" not in answer.headers
        status, _, answer = await browser.ask("POST", "/foto/tiket", json=wish, headers=tokens | {"Origin": "http://127.0.0.1:9"})
        assert (status, answer.headers["Access-Control-Allow-Origin"]) == (201, "http://127.0.0.1:9")
        assert (await browser.ask("POST", "/foto/tiket", json=wish))[0] == 403
        stranger = Browser(site)
        assert (await stranger.ask("POST", "/foto/tiket", json=wish, headers=tokens))[0] == 401


async def test_a_plain_form_is_refused_before_its_bytes_where_there_is_no_room(tmp_path: Path) -> None:
    async with one_process(tmp_path, admitted_budget_bytes=1) as site:
        first, browser = Browser(site, "budi"), Browser(site)
        await first.sign_up()
        wish = {"kind": "ktp", "bytes": 5_000, "sha256": sha256(jpeg(5_000))}
        assert (await first.ask("POST", "/foto/tiket", json=wish, headers={"Form-Token": first.token}))[0] == 201
        await browser.sign_up()
        await browser.ask("GET", "/foto/ktp")
        status, text, answer = await browser.ask("POST", f"/foto/ktp?formulir={browser.token}", data=photo(jpeg(50_000)))
        assert status == 503
        assert re.search(r"pukul \d\d:\d\d WIB \(dalam \d+ (detik|menit)\)", text) is not None
        assert int(answer.headers["Retry-After"]) >= 1
        assert site.sample("upload_received_bytes_total") == 0


async def test_when_the_store_of_photos_is_away_people_with_a_form_are_not_all_told_the_same_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(vault: FolderVault, part: PhotoPart, of: PhotoOf) -> str:
        raise Problem(Code.OBJECTS_GONE, "the store of photos does not answer")

    monkeypatch.setattr(FolderVault, "keep", gone)
    told = set()
    slow = ScaleNumbers(sample="1/50", bytes_ratio=0.1)  # A second is a second: Retry-After has whole ones.
    async with serving(plan(tmp_path, one_process_profile(), scale=slow)) as site:
        for name in ("siti", "budi", "ayu", "joko"):
            browser = Browser(site, name)
            await browser.sign_up()
            await browser.ask("GET", "/foto/ktp")
            status, _, answer = await browser.ask("POST", f"/foto/ktp?formulir={browser.token}", data=photo(jpeg(5_000)))
            assert status == 503
            told.add(answer.headers["Retry-After"])
    assert len(told) > 1


def photo(body: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("photo", body, filename="photo.jpg", content_type="image/jpeg")
    return form


def one_process_profile(**tickets: Any) -> Profile:
    """hardened, with uploads in the process that has the pages."""
    uploads = profile("hardened").uploads.model_dump(exclude_none=True)
    uploads["tickets"] |= tickets
    return profile("hardened", uploads=uploads | {"own_process": False})


@asynccontextmanager
async def one_process(folder: Path, **tickets: Any) -> AsyncIterator[Site]:
    async with serving(plan(folder, one_process_profile(**tickets))) as site:
        yield site


@asynccontextmanager
async def held(site: Site) -> AsyncIterator[Any]:
    """A request that is in progress until the end of the block."""
    host, _, port = site.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n")
    await writer.drain()
    while not site.sample("requests_in_progress"):
        await asyncio.sleep(0.002)
    waiting = asyncio.ensure_future(reader.read(1))
    try:
        yield waiting
    finally:
        waiting.cancel()
        writer.close()
