"""The pages after the test on real sockets: waves as people saw them, wallets, benefits, and every refusal in words, nothing changed."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest

from gelombang_server.pages.drawing import words
from gelombang_server.pages.visitor import Language
from support.form_browser import Browser
from support.programme_site import (
    CLOSES,
    CLOSES_AGAIN,
    DRAWS,
    HOUR_US,
    OPENS_AGAIN,
    PUBLISHES,
    ProgrammeSite,
    programme_site,
)
from tests.wire.serversite import plan, profile, serving

PEOPLE, QUOTA = 6, 3
DAY_US = 24 * HOUR_US
QUICK = {"answer_within_seconds": 20.0, "in_progress_limit": 50, "first_pause_seconds": 5.0, "longest_pause_seconds": 60.0}
PARTNERS = [
    {"name": name, "requests_per_second": 10_000.0, "latency_seconds": {"value": 0.0}} for name in ("gopay", "ovo", "linkaja", "bni")
]
KEPT = ("joins", "memberships", "tests", "wallets", "benefit_entries", "payments")


def person(site: ProgrammeSite, applicant: int, language: str = "id") -> Browser:
    browser = Browser(site.site)
    browser.cookies = {"sesi": site.session(applicant), "bahasa": language}
    return browser


def kept(site: ProgrammeSite) -> list[object]:
    return [site.rows(f"SELECT * FROM {table}") for table in KEPT]


def chosen(site: ProgrammeSite) -> tuple[int, int]:
    """Somebody who was drawn, and somebody who was not."""
    drawn = {one for (one,) in site.rows("SELECT applicant FROM selections")}
    return min(drawn), min(set(range(1, PEOPLE + 1)) - drawn)


def nik(site: ProgrammeSite, applicant: int) -> str:
    ((sealed,),) = site.rows("SELECT nik FROM applicants WHERE id = ?", applicant)
    return site.site.context.seal.open("nik", sealed)


async def choose(site: ProgrammeSite, browser: Browser, applicant: int, partner: str = "gopay", prefix: str = "8") -> tuple[int, str]:
    await browser.ask("GET", "/dompet")
    status, text, _ = await browser.post("/dompet", partner=partner, account=prefix + nik(site, applicant))
    return status, text


async def pay(site: ProgrammeSite, rounds: int = 2) -> None:
    for _ in range(rounds):
        await asyncio.gather(*(partner.round() for partner in site.programme.paying))
        site.moment_us += HOUR_US


async def assert_refused(site: ProgrammeSite, applicant: int, path: str, code: str, **fields: str) -> None:
    """In words of both languages, and nothing changed."""
    before = kept(site)
    for language in Language:
        browser = person(site, applicant, language.value)
        await browser.ask("GET", "/gelombang")
        status, text, _ = await browser.post(path, **fields)
        assert status >= 400, (path, code)
        assert words(language)[f"code_{code}"] in unescape(text), (path, code, language)
    assert kept(site) == before, code


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ProgrammeSite]:
    async with programme_site(tmp_path, PEOPLE, QUOTA, partners=PARTNERS, payouts=QUICK) as site:
        yield site


@pytest.fixture
async def drawn(site: ProgrammeSite) -> ProgrammeSite:
    await site.at(DRAWS)
    await site.at(PUBLISHES)
    return site


async def test_a_wave_is_shown_in_the_words_of_2020_with_its_times(site: ProgrammeSite) -> None:
    for moment_us, state, when in [
        (0, "Menunggu gelombang ditutup", "Ditutup 16 April 2020 pukul 16:00 WIB."),
        (CLOSES, "Sedang diproses", "Hasil keluar 17 April 2020 pukul 10:00 WIB."),
        (DRAWS, "Sedang dievaluasi", "Hasil keluar 17 April 2020 pukul 10:00 WIB."),
    ]:
        await site.at(moment_us)
        status, text, _ = await person(site, 1).ask("GET", "/gelombang")
        assert (status, state in text, when in text) == (200, True, True), text
        assert 'name="wave"' not in text
    await site.at(PUBLISHES)
    won, lost = chosen(site)
    assert "Selamat, Anda terpilih" in (await person(site, won).ask("GET", "/gelombang"))[1]
    text = (await person(site, lost).ask("GET", "/gelombang"))[1]
    assert "Kamu Belum Berhasil" in text
    assert "Gelombang 2 dibuka 20 April 2020 pukul 08:00 WIB." in text


async def test_a_draw_that_is_late_is_told_no_time(site: ProgrammeSite) -> None:
    site.moment_us = PUBLISHES + HOUR_US
    text = (await person(site, 1).ask("GET", "/gelombang"))[1]
    assert "Pengundian terlambat" in text
    assert "Hasil keluar" not in text


async def test_who_was_not_drawn_joins_the_next_wave_with_one_press(drawn: ProgrammeSite) -> None:
    _, lost = chosen(drawn)
    await drawn.at(OPENS_AGAIN)
    browser = person(drawn, lost)
    _, text, _ = await browser.ask("GET", "/gelombang")
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', text))
    status, _, answer = await browser.post("/gelombang", wave=hidden["wave"], accept_terms=hidden["accept_terms"])
    assert (status, answer.headers["Location"]) == (303, "/gelombang")
    text = (await browser.ask("GET", "/gelombang"))[1]
    assert "Gelombang 2" in text
    assert "Menunggu gelombang ditutup" in text
    assert drawn.rows("SELECT wave FROM joins WHERE applicant = ?", lost) == [("wave-2",)]


async def test_joining_wants_the_test_and_the_terms(tmp_path: Path) -> None:
    async with programme_site(tmp_path, 2, 1, wave=None) as site:
        browser = person(site, 1)
        assert "setelah jawaban tes dikirim" in (await browser.ask("GET", "/gelombang"))[1]
        await assert_refused(site, 1, "/gelombang", "step_not_open", wave="wave-1", accept_terms="1")
        site.rows("INSERT INTO tests (applicant, began_us, handed_in_us, answers) VALUES (1, 0, 1, x'01')")
        text = (await browser.ask("GET", "/gelombang"))[1]
        assert "Ditutup 16 April 2020 pukul 16:00 WIB." in text
        assert "dalam 30 hari" in text
        status, text, _ = await browser.post("/gelombang", wave="wave-1")
        assert (status, "Centang dulu" in text, site.rows("SELECT * FROM joins")) == (422, True, [])
        assert (await browser.post("/gelombang", wave="wave-1", accept_terms="1"))[0] == 303
        assert site.rows("SELECT applicant, wave FROM joins") == [(1, "wave-1")]


async def test_a_wave_that_can_not_be_joined_is_refused_in_words(drawn: ProgrammeSite) -> None:
    won, lost = chosen(drawn)
    await assert_refused(drawn, lost, "/gelombang", "wave_not_open", wave="wave-2", accept_terms="1")
    await assert_refused(drawn, lost, "/gelombang", "wave_unknown", wave="wave-9", accept_terms="1")
    await assert_refused(drawn, won, "/gelombang", "selected_already", wave="wave-2", accept_terms="1")
    await drawn.at(OPENS_AGAIN)
    assert (await drawn.join(lost, "wave-2"))[0] == 201
    await assert_refused(drawn, lost, "/gelombang", "member_already", wave="wave-2", accept_terms="1")
    other = next(
        one
        for (one,) in drawn.rows("SELECT applicant FROM joins WHERE wave = 'wave-1'")
        if (one,) not in drawn.rows("SELECT applicant FROM selections")
    )
    await drawn.at(CLOSES_AGAIN)
    await assert_refused(drawn, other, "/gelombang", "wave_closed", wave="wave-2", accept_terms="1")


async def test_a_whole_life_is_shown_with_what_was_paid_and_when_and_what_comes_next(drawn: ProgrammeSite) -> None:
    won, _ = chosen(drawn)
    browser = person(drawn, won)
    text = (await browser.ask("GET", "/bantuan"))[1]
    assert "Rp3.550.000" in text
    assert "sebelum 17 Mei 2020 pukul 10:00 WIB" in text
    assert (await choose(drawn, browser, won))[0] == 303
    text = (await browser.ask("GET", "/bantuan"))[1]
    assert f"GoPay, nomor yang berakhir dengan {nik(drawn, won)[-4:]}" in text
    assert nik(drawn, won) not in text
    for _ in range(2):
        # A button that is pressed twice buys once.
        await browser.post("/bantuan/pelatihan", rupiah="Rp400.000", spent="0")
    assert "sisa Rp600.000" in (await browser.ask("GET", "/bantuan"))[1]
    assert (await browser.post("/bantuan/pelatihan/selesai"))[0] == 303
    assert (await browser.post("/bantuan/survei", survey="1"))[0] == 303
    await pay(drawn)
    text = (await browser.ask("GET", "/bantuan"))[1]
    for said in ("Sudah dibayar: Rp650.000", "Dibayar 17 April 2020 pukul 10:00 WIB.", "Dibayar mulai 17 Mei 2020 pukul 10:00 WIB."):
        assert said in text, text
    drawn.moment_us += 90 * DAY_US
    await pay(drawn)
    assert "Sudah dibayar: Rp2.450.000" in (await browser.ask("GET", "/bantuan"))[1]


async def test_a_wallet_that_can_not_be_had_is_refused_in_words(drawn: ProgrammeSite) -> None:
    won, lost = chosen(drawn)
    account = "8" + nik(drawn, won)
    await assert_refused(drawn, won, "/dompet", "wallet_of_another", partner="bni", account="8" + nik(drawn, lost))
    await assert_refused(drawn, won, "/dompet", "wallet_unknown", partner="bni", account="0001345678")
    await assert_refused(drawn, lost, "/dompet", "not_selected", partner="bni", account=account)
    browser = person(drawn, won)
    await browser.ask("GET", "/dompet")
    for fields, said in [
        ({"partner": "nobody", "account": account}, "Pilih satu dompet"),
        ({"partner": "bni", "account": "1"}, "6 sampai 32 angka"),
    ]:
        status, text, _ = await browser.post("/dompet", **fields)
        assert (status, said in text, drawn.rows("SELECT * FROM wallets")) == (422, True, [])
    assert (await browser.post("/dompet", partner="ovo", account=account))[0] == 303
    await assert_refused(drawn, won, "/dompet", "wallet_chosen", partner="bni", account=account)


async def test_a_payment_that_came_back_asks_for_another_wallet(drawn: ProgrammeSite) -> None:
    won, _ = chosen(drawn)
    browser = person(drawn, won)
    assert (await choose(drawn, browser, won, prefix="7"))[0] == 303
    await browser.post("/bantuan/pelatihan", rupiah="1.000.000", spent="0")
    await browser.post("/bantuan/pelatihan/selesai")
    await pay(drawn)
    assert "Uang Anda aman" in (await browser.ask("GET", "/bantuan"))[1]
    assert (await choose(drawn, browser, won, "ovo"))[0] == 303
    await pay(drawn)
    assert "Sudah dibayar: Rp600.000" in (await browser.ask("GET", "/bantuan"))[1]


async def test_a_second_benefit_under_another_account_is_refused_in_words(drawn: ProgrammeSite) -> None:
    first, second = sorted(one for (one,) in drawn.rows("SELECT applicant FROM selections"))[:2]
    assert (await choose(drawn, person(drawn, first), first))[0] == 303
    # An operator took the number from the first account, and the second one handed it in.
    account = "8" + nik(drawn, first)
    ((sealed,),) = drawn.rows("SELECT nik FROM applicants WHERE id = ?", first)
    drawn.rows("UPDATE applicants SET nik = NULL WHERE id = ?", first)
    drawn.rows("UPDATE applicants SET nik = ? WHERE id = ?", sealed, second)
    await assert_refused(drawn, second, "/dompet", "benefit_once", partner="gopay", account=account)


async def test_benefits_out_of_turn_are_refused_in_words(drawn: ProgrammeSite) -> None:
    won, lost = chosen(drawn)
    await assert_refused(drawn, lost, "/bantuan/pelatihan", "not_selected", rupiah="1", spent="0")
    assert (await choose(drawn, person(drawn, won), won))[0] == 303
    await assert_refused(drawn, won, "/bantuan/pelatihan", "credit_spent", rupiah="1.000.001", spent="0")
    await assert_refused(drawn, won, "/bantuan/pelatihan/selesai", "training_first")
    await assert_refused(drawn, won, "/bantuan/survei", "training_first", survey="1")
    browser = person(drawn, won)
    await browser.ask("GET", "/bantuan")
    for path, fields, said in [
        ("/bantuan/pelatihan", {"rupiah": "murah", "spent": "0"}, "Tulis harga"),
        ("/bantuan/survei", {"survey": "4"}, "Survei itu tidak ada"),
    ]:
        status, text, _ = await browser.post(path, **fields)
        assert (status, said in text) == (422, True)
    await browser.post("/bantuan/pelatihan", rupiah="1000000", spent="0")
    await browser.post("/bantuan/pelatihan/selesai")
    await browser.post("/bantuan/survei", survey="1")
    await assert_refused(drawn, won, "/bantuan/survei", "already_done", survey="1")


async def test_a_place_without_a_training_in_thirty_days_is_said_to_have_lapsed(drawn: ProgrammeSite) -> None:
    won, _ = chosen(drawn)
    assert (await choose(drawn, person(drawn, won), won))[0] == 303
    drawn.moment_us = PUBLISHES + 30 * DAY_US + 1
    text = (await person(drawn, won).ask("GET", "/bantuan"))[1]
    assert words(Language.INDONESIAN)["code_place_lapsed"] in text
    assert "<button>" not in text
    await assert_refused(drawn, won, "/bantuan/pelatihan", "place_lapsed", rupiah="1.000.000", spent="0")


async def test_a_test_begun_twice_and_answers_after_its_time_are_refused_in_words(site: ProgrammeSite) -> None:
    site.rows("UPDATE tests SET began_us = 0, handed_in_us = NULL, answers = NULL WHERE applicant = 1")
    await assert_refused(site, 1, "/tes/mulai", "already_done")
    test = site.site.context.profile.test
    answers = {f"answer-{number}": "2" for number in range(1, test.questions + 1)}
    few = person(site, 1)
    await few.ask("GET", "/tes")
    assert "Jawab semua pertanyaan." in (await few.post("/tes", **{"answer-1": "2"}))[1]
    site.moment_us = round(test.time_limit_seconds * 1e6) + 1
    await assert_refused(site, 1, "/tes", "test_time_over", **answers)
    # Here answers may be saved one by one, and what was saved counts: there is nothing left to send.
    status, _, answer = await few.ask("GET", "/tes")
    assert (status, answer.headers["Location"]) == (303, "/status")


async def test_without_a_programme_a_person_joins_and_waits(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("april-2020"))) as site:
        browser = Browser(site)
        applicant = await browser.sign_up()
        site.execute("INSERT INTO tests (applicant, began_us, handed_in_us, answers) VALUES (?, 0, 1, x'01')", applicant)
        assert "Gabung Gelombang 1" in (await browser.ask("GET", "/gelombang"))[1]
        assert (await browser.post("/gelombang", wave="wave-1", accept_terms="1"))[0] == 303
        assert "Menunggu gelombang ditutup" in (await browser.ask("GET", "/gelombang"))[1]
        status, text, _ = await browser.post("/gelombang", wave="wave-1", accept_terms="1")
        assert (status, words(Language.INDONESIAN)["code_already_done"] in text) == (409, True)
        assert (await browser.ask("GET", "/bantuan"))[0] == 404
