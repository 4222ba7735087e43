"""The pages after the test in Chromium, to the end: two people register and join, one is drawn and is paid, the other joins again."""

from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from gelombang.steps import PhotoKind
from gelombang_loadtests.page_walk import Owner, Walker, walker
from support.accessible import assert_accessible
from support.page_site import page_profile, page_site

pytestmark = pytest.mark.browser

OWNERS = (Owner(f"siti{n}", f"990101410790{n:04d}", f"00013456{n:04d}", "1990-07-01") for n in count(501))
OPENS = "2020-04-11T19:00:00+07:00"
WAVES = [
    {"name": "wave-1", "opens_at": OPENS, "closes_at": "2020-04-11T20:00:00+07:00", "quota": 1}
    | dict.fromkeys(("draws_at", "publishes_at"), "2020-04-11T20:01:00+07:00"),
    {"name": "wave-2", "opens_at": "2020-04-11T20:01:00+07:00", "closes_at": "2020-04-12T20:00:00+07:00", "quota": 1}
    | dict.fromkeys(("draws_at", "publishes_at"), "2020-04-12T20:01:00+07:00"),
]
RESULT_IS_OUT_SECONDS = 3_700
QUICK = {"answer_within_seconds": 5.0, "in_progress_limit": 5, "first_pause_seconds": 0.1, "longest_pause_seconds": 1.0}
PARTNERS = [{"name": name, "requests_per_second": 100.0, "latency_seconds": {"value": 0.0}} for name in ("gopay", "ovo", "linkaja", "bni")]


def join(walked: Walker) -> None:
    walked.press("main .button")
    walked.page.wait_for_url("**/gelombang")
    assert_accessible(walked.page)
    walked.press()
    walked.page.wait_for_selector("#fault")
    assert_accessible(walked.page)
    walked.page.check("#accept_terms")
    walked.press()
    walked.page.wait_for_selector("text=Menunggu gelombang ditutup")
    assert_accessible(walked.page)


def be_paid(walked: Walker) -> None:
    page = walked.page
    walked.press("main .button")
    page.wait_for_url("**/bantuan")
    assert_accessible(page)
    walked.press("main .button")
    page.wait_for_url("**/dompet")
    assert_accessible(page)
    page.check("[value=linkaja]")
    page.fill("#account", f"8{walked.owner.nik[:-1]}9")
    walked.press()
    page.wait_for_selector("text=NIK orang lain")
    assert_accessible(page)
    page.fill("#account", f"8{walked.owner.nik}")
    walked.press()
    page.wait_for_url("**/bantuan")
    assert_accessible(page)
    walked.press("form[action$=pelatihan] button")
    page.wait_for_selector("text=sisa Rp0")
    assert_accessible(page)
    walked.press("form[action$=selesai] button")
    page.wait_for_selector("text=Kirim survei 1")
    assert_accessible(page)
    walked.press("[name=survey][value='1']")
    page.wait_for_selector("[name=survey][value='1']", state="detached")
    walked.until_said("Sudah dibayar: Rp650.000")
    assert_accessible(page)
    walked.open("/bantuan?bahasa=en")
    assert "Paid so far: Rp650.000" in page.inner_text("main")
    assert_accessible(page)
    walked.open("/gelombang")
    assert "Congratulations, you were drawn" in page.inner_text("main")
    assert_accessible(page)


def join_again(walked: Walker) -> None:
    assert "Kamu Belum Berhasil" in walked.page.inner_text("main")
    walked.press()
    walked.page.wait_for_selector("text=Menunggu gelombang ditutup")
    assert "Gelombang 2" in walked.page.inner_text("main")
    assert_accessible(walked.page)
    walked.open("/bantuan")
    assert "terpilih" in walked.page.inner_text("[role=alert]")
    assert_accessible(walked.page)


def test_two_people_go_to_the_end_of_the_programme(browser: Browser, tmp_path: Path, photos: dict[PhotoKind, Path]) -> None:
    profile = page_profile("programme", programme={"waves": WAVES, "partners": PARTNERS, "payouts": QUICK})
    with (
        page_site(tmp_path / "site", profile, OPENS) as site,
        walker(browser, site, next(OWNERS)) as first,
        walker(browser, site, next(OWNERS)) as second,
    ):
        for walked in (first, second):
            walked.register(photos)
            join(walked)
        site.began(RESULT_IS_OUT_SECONDS)
        seen = []
        for walked in (first, second):
            walked.until_not_said("Menunggu gelombang ditutup", "Sedang diproses", "Sedang dievaluasi")
            assert_accessible(walked.page)
            seen.append(walked.page.inner_text("#state-title") == "Selamat, Anda terpilih")
        assert sorted(seen) == [False, True]
        won, lost = (first, second) if seen[0] else (second, first)
        be_paid(won)
        join_again(lost)
        assert first.errors == second.errors == []
