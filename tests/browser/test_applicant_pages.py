"""The applicant's pages in Chromium: the whole way in both profiles, with and without scripts, on a line that breaks, and by axe."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from gelombang.page_reports import PageCell, read_page_cells
from gelombang.steps import PhotoKind
from gelombang_loadtests.drawing import draw_photo
from gelombang_loadtests.page_walk import Owner, Walker, launch, walker
from support.accessible import assert_accessible
from support.breakable_line import breakable_line
from support.page_site import PageSite, page_profile, page_site

pytestmark = pytest.mark.browser

OWNERS = (Owner(f"siti{n}", f"990101410790{n:04d}", f"00013456{n:04d}", "1990-07-01") for n in count(1))
FIRST_PAGE_LIMIT_BYTES = 60_000


@pytest.fixture(scope="module")
def hardened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageSite]:
    with page_site(tmp_path_factory.mktemp("hardened"), page_profile("hardened")) as site:
        yield site


@pytest.fixture(scope="module")
def april(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageSite]:
    with page_site(tmp_path_factory.mktemp("april"), page_profile("april-2020", uploads={"photo_limit_bytes": 400_000})) as site:
        yield site


@pytest.fixture
def person(browser: Browser, hardened: PageSite) -> Iterator[Walker]:
    """Signed up on the hardened site."""
    with walker(browser, hardened, next(OWNERS)) as walked:
        walked.sign_up()
        yield walked


def cells(site: PageSite) -> set[PageCell]:
    return {cell._replace(attempts=0) for cell in read_page_cells(site.folder)}


@pytest.mark.parametrize(("profile", "is_looked_at"), [("hardened", True), ("april", False)])
def test_a_person_goes_the_whole_way(
    browser: Browser, profile: str, is_looked_at: bool, photos: dict[PhotoKind, Path], request: pytest.FixtureRequest
) -> None:
    """Each page of one site is looked at by axe on the way; the other site's are the same but for the photos."""
    site: PageSite = request.getfixturevalue(profile)
    look = assert_accessible if is_looked_at else lambda page: None
    with walker(browser, site, next(OWNERS)) as walked:
        for path in ("/masuk?bahasa=en", "/?bahasa=id"):
            walked.open(path)
            look(walked.page)
        walked.press()
        walked.page.wait_for_selector("#fault")
        look(walked.page)
        walked.sign_up()
        look(walked.page)
        walked.open(site.message(walked.owner.email)["path"])
        look(walked.page)
        walked.confirm_email()
        walked.open("/data")
        look(walked.page)
        walked.hand_in_data()
        look(walked.page)
        walked.confirm_phone()
        for kind in PhotoKind:
            walked.choose(kind, photos[kind])
            walked.press("#send")
            walked.page.wait_for_selector("#onward:visible")
            if kind is PhotoKind.KTP:
                assert_accessible(walked.page)
            walked.press("#onward")
            walked.page.wait_for_url("**/status")
        walked.until_checked()
        walked.open("/tes")
        look(walked.page)
        walked.press()
        walked.page.wait_for_selector("fieldset")
        look(walked.page)
        walked.answer_all()
        look(walked.page)
        assert walked.page.locator("li.done").count() == 7
        assert walked.errors == []
    assert PageCell("ok", "none", "acknowledge", "completed", 0) in cells(site)


@pytest.mark.parametrize("profile", ["hardened", "april"])
def test_without_a_script_plain_forms_go_the_whole_way(
    browser: Browser, profile: str, photos: dict[PhotoKind, Path], request: pytest.FixtureRequest
) -> None:
    site: PageSite = request.getfixturevalue(profile)
    with walker(browser, site, next(OWNERS), has_script=False) as walked:
        walked.sign_up()
        walked.confirm_email()
        walked.hand_in_data()
        walked.confirm_phone()
        walked.choose("ktp", Path(__file__))
        walked.press("#send")
        walked.page.wait_for_selector("#fault:visible")
        for kind in PhotoKind:
            walked.send(kind, photos[kind], has_script=False)
        walked.until_checked()
        walked.open("/tes")
        walked.press()
        walked.answer_all()
        assert walked.page.locator("li.done").count() == 7
        assert walked.errors == []


def test_a_photo_goes_on_from_where_it_stood_when_the_line_broke(
    playwright: Playwright, chromium: str, hardened: PageSite, photos: dict[PhotoKind, Path]
) -> None:
    offsets: list[int] = []
    port = int(hardened.uploads_url.rpartition(":")[2])
    with (
        breakable_line(port) as wire,
        launch(playwright, chromium, {port: wire.port}) as browser,
        walker(browser, hardened, next(OWNERS)) as person,
    ):
        person.page.on("request", lambda sent: offsets.append(int(sent.headers["upload-offset"])) if sent.method == "PATCH" else None)
        person.sign_up()
        person.choose("ktp", photos[PhotoKind.KTP])
        person.line().slow()
        person.press("#send")
        person.until("document.getElementById('bar').value >= 40")
        wire.cut()
        person.until("document.getElementById('state').textContent.includes('terputus')")
        wire.mend()
        person.page.wait_for_selector("#onward:visible")
        assert person.errors == []
    assert offsets[0] == 0
    assert len(offsets) >= 2
    assert 0 < offsets[-1] < photos[PhotoKind.KTP].stat().st_size
    assert PageCell("reset", "send", "body", "abandoned", 0) in cells(hardened)


def test_a_person_pauses_and_goes_on(person: Walker, photos: dict[PhotoKind, Path]) -> None:
    line = person.line()
    person.choose("selfie", photos[PhotoKind.SELFIE])
    line.slow()
    person.press("#send")
    person.until("document.getElementById('bar').value >= 30")
    person.press("#pause")
    person.page.wait_for_selector("#resume:visible")
    assert "tersimpan" in person.page.inner_text("#state")
    person.press("#resume")
    person.page.wait_for_selector("#onward:visible")
    assert person.errors == []


def test_a_photo_that_is_chosen_again_after_the_page_was_left_goes_on_too(person: Walker, photos: dict[PhotoKind, Path]) -> None:
    line = person.line()
    person.choose("ktp", photos[PhotoKind.KTP])
    line.slow()
    person.press("#send")
    person.until("document.getElementById('bar').value >= 60")
    with person.page.expect_request(lambda sent: sent.method == "PATCH" and int(sent.headers["upload-offset"]) > 0):
        person.choose("ktp", photos[PhotoKind.KTP])
        person.press("#send")
    person.page.wait_for_selector("#onward:visible")


def test_a_photo_that_is_none_is_refused_in_words(person: Walker, tmp_path: Path) -> None:
    fake = tmp_path / "fake.jpg"
    fake.write_bytes(b"\xff\xd8\xff" + bytes(2_000))
    person.choose("ktp", fake)
    person.press("#send")
    person.page.wait_for_selector("#fault:visible")
    assert "foto" in person.page.inner_text("#fault").lower()
    assert_accessible(person.page)


def test_in_2020_a_page_says_only_that_the_upload_failed(browser: Browser, april: PageSite, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(draw_photo(PhotoKind.KTP, 4_000_000, 90))
    assert large.stat().st_size > 400_000
    with walker(browser, april, next(OWNERS)) as walked:
        walked.sign_up()
        walked.choose("ktp", large)
        walked.press("#send")
        walked.page.wait_for_selector("#fault:visible")
        assert walked.page.inner_text("#fault").strip() == "Unggah gagal. Silakan ulangi."
        assert walked.page.locator("#bar").count() == 0
        assert_accessible(walked.page)


def test_who_finds_no_room_is_told_a_time_and_is_let_in_then(browser: Browser, tmp_path: Path, photos: dict[PhotoKind, Path]) -> None:
    """One ticket at a time: somebody else's lives two seconds, and is never used."""
    room = {"capacity_ratio": 0.9, "walk_in_budget_ratio": 0.5, "block_seconds": 1.0, "horizon_seconds": 86_400.0, "grace_seconds": 60.0}
    soon = {"admitted_budget_bytes": 1, "life_seconds": 2.0, "return_min_seconds": 2.0, "room": room}
    profile = page_profile("waiting-room", tickets=soon)
    with (
        page_site(tmp_path / "site", profile) as site,
        walker(browser, site, next(OWNERS)) as first,
        walker(browser, site, next(OWNERS)) as second,
    ):
        first.sign_up()
        first.page.route("**/tus/**", lambda route: route.abort())
        first.choose("ktp", photos[PhotoKind.KTP])
        first.press("#send")
        first.page.wait_for_selector("#resume:visible")
        second.sign_up()
        second.choose("ktp", photos[PhotoKind.KTP])
        second.press("#send")
        second.until("/\\d\\d:\\d\\d WIB/.test(document.getElementById('state').textContent)")
        assert_accessible(second.page)
        first.context.close()
        second.page.wait_for_selector("#onward:visible")
        assert PageCell("refused", "none", "admission", "refused", 0) in cells(site)


def test_the_first_page_is_light(browser: Browser, hardened: PageSite) -> None:
    with walker(browser, hardened, next(OWNERS)) as walked:
        walked.open("/")
        script = "performance.getEntries().filter(one => one.transferSize).map(one => [one.name, one.transferSize])"
        loaded = walked.page.evaluate(script)
        assert len(loaded) == 3
        assert sum(size for _, size in loaded) <= FIRST_PAGE_LIMIT_BYTES


def test_the_keyboard_alone_signs_somebody_up(browser: Browser, hardened: PageSite) -> None:
    with walker(browser, hardened, next(OWNERS)) as walked:
        walked.open("/")
        walked.page.keyboard.press("Tab")
        assert walked.page.evaluate("document.activeElement.className") == "skip"
        walked.page.keyboard.press("Enter")
        for text in ("Siti", walked.owner.email, "rahasia-sekali"):
            walked.page.keyboard.press("Tab")
            walked.page.keyboard.type(text)
        walked.page.keyboard.press("Enter")
        walked.page.wait_for_url("**/status")
