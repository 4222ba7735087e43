"""One person's walk over the applicant's pages, in Chromium under Playwright, with or without scripts."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Playwright

from gelombang.clock import monotonic_us
from gelombang.steps import PhotoKind
from support.browser import FLAGS, OWN_FLAGS
from support.page_site import PageSite

ANSWER_WITHIN_MS = 30_000
LOOK_EVERY_MS = 20
SLOW_BYTES_PER_SECOND = 50_000
"""400 kbit/s."""
SLOW_ROUND_TRIP_MS = 300
AXE_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
_RESOLVE = next(flag for flag in OWN_FLAGS if flag.startswith("--host-resolver-rules"))


def launch(playwright: Playwright, chromium: str, over: Mapping[int, int] = MappingProxyType({})) -> Browser:
    """The system's Chromium, which reaches this machine alone; what it asks of a port of `over` goes to the port beside it."""
    flags = [flag for flag in FLAGS if flag != "--headless"]
    # An excluded address is never mapped, so whoever maps a port goes without the rule for everything else.
    mapped = ",".join(f"MAP 127.0.0.1:{port} 127.0.0.1:{other}" for port, other in over.items())
    return playwright.chromium.launch(executable_path=chromium, args=[*flags, f"--host-resolver-rules={mapped}" if mapped else _RESOLVE])


@dataclass(slots=True)
class Walker:
    """Somebody with a phone on a site."""

    site: PageSite
    context: BrowserContext
    page: Page
    name: str
    nik: str
    phone: str
    errors: list[str] = field(default_factory=list)
    """What scripts threw, and what the page's policy forbade."""

    def open(self, path: str) -> None:
        self.page.goto(self.site.url + path)

    def press(self, selector: str = "main form button") -> None:
        self.page.click(selector)

    def sign_up(self) -> None:
        self.open("/")
        self.page.fill("#name", self.name)
        self.page.fill("#email", f"{self.name}@mail.example")
        self.page.fill("#password", "rahasia-sekali")
        self.press()
        self.page.wait_for_url("**/status")

    def confirm_email(self) -> None:
        self.open(self.site.message(f"{self.name}@mail.example")["path"])
        self.press()
        self.page.wait_for_url("**/status")

    def hand_in_data(self) -> None:
        self.open("/data")
        self.page.fill("#nik", self.nik)
        self.page.fill("#birth_date", "1990-07-01")
        self.page.fill("#address", "Jalan Contoh 1")
        self.press()
        self.page.wait_for_url("**/ponsel")

    def confirm_phone(self) -> None:
        self.page.fill("#phone", self.phone)
        self.press()
        self.page.wait_for_url("**/ponsel?kode")
        self.page.fill("#code", self.site.message(f"+62{self.phone[1:]}")["code"])
        self.press()
        self.page.wait_for_url("**/status")

    def choose(self, kind: str, photo: Path) -> None:
        self.open(f"/foto/{kind}")
        self.page.set_input_files("#photo", photo)

    def send(self, kind: str, photo: Path, has_script: bool = True) -> None:
        self.choose(kind, photo)
        self.press("#send")
        if has_script:
            self.page.click("#onward")
        self.page.wait_for_url("**/status")

    def register(self, photos: Mapping[PhotoKind, Path]) -> None:
        """All of it, the test handed in."""
        self.sign_up()
        self.confirm_email()
        self.hand_in_data()
        self.confirm_phone()
        for kind in PhotoKind:
            self.send(kind, photos[kind])
        self.until_checked()
        self.open("/tes")
        self.press()
        self.page.wait_for_selector("fieldset")
        self.answer_all()

    def until_said(self, text: str) -> None:
        """Look at this page again until it says so."""
        self._look_until(lambda said: text in said, text)

    def until_not_said(self, *texts: str) -> None:
        """Look at this page again until it says none of them."""
        self._look_until(lambda said: not any(text in said for text in texts), f"anything but {texts}")

    def _look_until(self, is_so: Callable[[str], bool], wanted: str) -> None:
        until_us = monotonic_us() + 1_000 * ANSWER_WITHIN_MS
        while not is_so(self.page.inner_text("main")):
            assert monotonic_us() < until_us, f"never said: {wanted}"
            self.page.wait_for_timeout(LOOK_EVERY_MS)
            self.page.reload()

    def until_checked(self) -> None:
        """Look at the status until the registry has answered."""
        while self.page.locator("li.waiting").count():
            self.page.reload()

    def answer_all(self) -> None:
        for number in range(1, self.page.locator("fieldset").count() + 1):
            self.page.check(f'[name="answer-{number}"][value="2"]')
        self.press()
        self.page.wait_for_url("**/status")

    def until(self, expression: str) -> None:
        """Wait until it is true. Not by the page's own timers: its policy forbids texts that become scripts."""
        until_us = monotonic_us() + 1_000 * ANSWER_WITHIN_MS
        while not self.page.evaluate(f"Boolean({expression})"):
            assert monotonic_us() < until_us, f"never came true: {expression}"
            self.page.wait_for_timeout(LOOK_EVERY_MS)

    def line(self) -> "Line":
        return Line(self.context.new_cdp_session(self.page))


class Line:
    """The phone's line, as Chromium's network emulation makes it."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        session.send("Network.enable")

    def forget(self) -> None:
        """Nothing is kept from before."""
        self._session.send("Network.clearBrowserCache")
        self._session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def slow(self) -> None:
        """400 kbit/s each way and 300 ms."""
        speed = {"downloadThroughput": SLOW_BYTES_PER_SECOND, "uploadThroughput": SLOW_BYTES_PER_SECOND, "latency": SLOW_ROUND_TRIP_MS}
        self._session.send("Network.emulateNetworkConditions", {"offline": False, **speed})


def assert_accessible(page: Page) -> None:
    found = Axe().run(page, options=AXE_RULES)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


@contextmanager
def walker(browser: Browser, site: PageSite, number: int, has_script: bool = True) -> Iterator[Walker]:
    """A fresh phone of 360 by 740, whose owner has this number."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=has_script, has_touch=True, is_mobile=True)
    context.set_default_timeout(ANSWER_WITHIN_MS)
    page = context.new_page()
    walked = Walker(site, context, page, f"siti{number}", f"990101410790{number:04d}", f"08123456{number:04d}")
    page.on("pageerror", lambda error: walked.errors.append(str(error)))
    page.on("console", lambda message: walked.errors.append(message.text) if re.search(r"Content.Security", message.text) else None)
    page.on("requestfailed", lambda asked: walked.errors.append(asked.url) if "/situs/" in asked.url else None)
    try:
        yield walked
    finally:
        context.close()
