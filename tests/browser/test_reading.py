"""How the page can be read: on a phone, in the dark, on paper, by keyboard, with motion turned off; and the live page in a browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gelombang.live_panels import live_panels
from gelombang_cli.live import LiveBoard
from gelombang_cli.live_channel import LiveRun
from gelombang_reports.detail import read_detail
from gelombang_reports.live_page import panel_facts
from gelombang_reports.page import write_page
from support.browser import Browser
from support.records import collapsing, hardened
from support.run_folder import recorded

pytestmark = pytest.mark.browser

DRAWN = "document.documentElement.dataset.chartsDrawn > 0"
NEEDS_SCROLL = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
CONTRAST = """(() => {
  const light = (text) => {
    const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const parts = text.match(/[0-9.]+/g).slice(0, 3).map((n) => linear(n / 255));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const style = getComputedStyle(document.body);
  const [a, b] = [light(style.color), light(style.backgroundColor)].sort((x, y) => y - x);
  return [light(style.backgroundColor) < 0.1, (a + 0.05) / (b + 0.05)];
})()"""


@pytest.fixture(scope="module")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(chromium, tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two profiles compared, and one run with everything that stands beside a record."""
    folder = tmp_path_factory.mktemp("pages")
    record = recorded(folder / "run")
    write_page([record], folder / "whole.html", details=[read_detail(folder / "run", record)])
    write_page([collapsing(), hardened()], folder / "compared.html")
    return {name: (folder / f"{name}.html").as_uri() for name in ("whole", "compared")}


@pytest.mark.parametrize("name", ["whole", "compared"])
@pytest.mark.parametrize("width", [360, 390])
def test_a_phone_needs_no_sideways_scroll_even_with_everything_unfolded(
    browser: Browser, pages: dict[str, str], name: str, width: int
) -> None:
    browser.open(pages[name], width=width)
    browser.until(DRAWN)
    browser.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    browser.until("[...document.querySelectorAll('.numbers')].every((one) => one.querySelector('table'))")
    assert not browser.ask(NEEDS_SCROLL)
    assert browser.errors == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_in_the_light_and_in_the_dark(browser: Browser, pages: dict[str, str], dark: bool) -> None:
    browser.open(pages["compared"], dark=dark)
    is_dark, contrast = browser.ask(CONTRAST)
    assert is_dark is dark
    assert contrast >= 7  # WCAG 2.2, success criterion 1.4.6


def test_on_paper_charts_are_drawings_and_what_is_only_for_screens_is_gone(browser: Browser, pages: dict[str, str]) -> None:
    browser.open(pages["whole"], media="print")
    browser.until(DRAWN)
    shown = "(what) => getComputedStyle(document.querySelector(what)).display !== 'none'"
    assert browser.ask(f"({shown})('.canvas > svg')")
    for what in (".canvas .uplot", "nav", ".skip", ".numbers"):
        assert not browser.ask(f"({shown})({what!r})"), what
    assert browser.ask(CONTRAST)[0] is False
    assert len(re.findall(rb"/Type\s*/Page\b", browser.pdf())) >= 3


def test_the_keyboard_reaches_every_chart_and_moves_along_it(browser: Browser, pages: dict[str, str]) -> None:
    browser.open(pages["compared"])
    browser.until(DRAWN)
    browser.press("Tab")
    assert browser.ask("document.activeElement.className") == "skip"
    browser.press("Enter")
    browser.until("location.hash === '#believed'")
    assert browser.ask("[...document.querySelectorAll('figure.chart .canvas')].every((one) => one.tabIndex === 0)")
    browser.ask("document.querySelector('#uploads figure .canvas').focus()")
    moment = "document.querySelector('#uploads figure .moment').textContent"
    for _ in range(3):
        browser.press("ArrowRight")
    browser.until(f"{moment} === '19:02'")
    assert browser.ask("document.querySelector('#uploads figure li output').textContent") != ""
    browser.press("End")
    browser.until(f"{moment} === '20:01'")
    browser.press("Escape")
    browser.until(f"{moment} === ''")


def test_a_chart_has_its_numbers_as_a_table(browser: Browser, pages: dict[str, str]) -> None:
    browser.open(pages["compared"])
    browser.until(DRAWN)
    browser.ask("document.querySelector('#uploads .numbers summary').click()")
    browser.until("document.querySelector('#uploads .numbers table')")
    rows = browser.ask("[...document.querySelectorAll('#uploads .numbers table tr')].slice(0, 2).map((row) => row.innerText)")
    assert rows[0].split("\t")[-1].strip() == "acknowledged"
    assert rows[1].startswith("19:00")
    assert browser.ask("document.querySelectorAll('#uploads .numbers tbody')[0].rows.length") == 62


def test_nothing_moves_by_itself_where_motion_is_turned_off(browser: Browser, pages: dict[str, str]) -> None:
    scroll = "getComputedStyle(document.documentElement).scrollBehavior"
    browser.open(pages["compared"], reduced=True)
    assert browser.ask(scroll) == "auto"
    browser.open(pages["compared"])
    assert browser.ask(scroll) == "smooth"


def test_the_live_page_draws_what_it_is_told_and_says_when_the_run_has_ended(browser: Browser) -> None:
    with LiveBoard(0) as board:
        facts = panel_facts(live_panels())
        share, whose = (
            next(live.number for live in live_panels() if live.panel.title == title)
            for title in ("Failing share over time", "4. Whose fault, and what to turn")
        )
        board.channel.begin(LiveRun("hardened", "a run", 68_400, 60.0, facts))
        board.channel.tell(2.0, {(share, "failing"): 0.62})
        browser.open(board.url)
        chart = f"document.querySelector('[data-number=\"{share}\"]')"
        browser.until(f"{chart} && {chart}.querySelector('canvas')")
        assert browser.ask(f"{chart}.querySelector('output').textContent") == "62\u202f%"
        board.channel.say("19:04: full store (store) since 19:02: turn `store.capacity_bytes`.")
        board.channel.tell(4.0, {(share, "failing"): 0.25, (whose, "full store · store · store.capacity_bytes"): 1.0})
        browser.until(f"{chart}.querySelector('output').textContent === '25\u202f%'")
        browser.until("document.getElementById('said').textContent.startsWith('19:04: full store')")
        assert browser.ask("document.querySelector('#said code').textContent") == "store.capacity_bytes"
        assert browser.ask(f"document.querySelector('[data-number=\"{whose}\"] .named b').textContent") == "full store"
        assert set(browser.ask("[...document.querySelectorAll('.panel summary')].map((one) => one.textContent)")) == {"about"}
        browser.ask("document.getElementById('tab-now').focus()")
        browser.press("ArrowRight")
        browser.until("!document.getElementById('page-the-people').hidden")
        browser.open(board.url, width=390)
        browser.until(f"{chart} && {chart}.querySelector('canvas')")
        assert not browser.ask(NEEDS_SCROLL)
        board.ended(Path("runs/x/report.html"))
        browser.until("document.getElementById('state').textContent === 'the run has ended: runs/x/report.html'")
    assert browser.errors == []
