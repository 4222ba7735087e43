"""One person's walk over the applicant's pages, in Chromium under Playwright, with or without scripts.

The tests of the pages walk with it, and so does the browser probe beside a run. Playwright is no dependency of the package: whoever
imports this has looked whether it is there (`gelombang_cli.probing`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Playwright

from gelombang.clock import monotonic_us
from gelombang.steps import PhotoKind
from gelombang_loadtests.chromium import FLAGS, THIS_MACHINE

ANSWER_WITHIN_MS = 30_000
LOOK_EVERY_MS = 20
SLOW_BYTES_PER_SECOND = 50_000
"""400 kbit/s."""
SLOW_ROUND_TRIP_MS = 300


class WalkError(Exception):
    """What the person waited for did not come."""


class Site(Protocol):
    """A site with pages, and the inbox of everybody who registers there."""

    @property
    def url(self) -> str: ...

    def message(self, address: str) -> Mapping[str, Any]:
        """The latest message to this address, waited for."""
        ...


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose telephone it is."""

    name: str
    nik: str
    phone: str
    """As it is typed, with a 0 in front."""
    birth_date: str

    @property
    def email(self) -> str:
        return f"{self.name}@mail.example"


def launch(playwright: Playwright, chromium: str, over: Mapping[int, int] = MappingProxyType({})) -> Browser:
    """The system's Chromium, which reaches this machine alone; what it asks of a port of `over` goes to the port beside it."""
    flags = [flag for flag in FLAGS if flag != "--headless"]
    # An excluded address is never mapped, so whoever maps a port goes without the rule for everything else.
    mapped = ",".join(f"MAP 127.0.0.1:{port} 127.0.0.1:{other}" for port, other in over.items())
    return playwright.chromium.launch(
        executable_path=chromium, args=[*flags, f"--host-resolver-rules={mapped}" if mapped else THIS_MACHINE]
    )


@dataclass(slots=True)
class Walker:
    """Somebody with a phone on a site."""

    site: Site
    context: BrowserContext
    page: Page
    owner: Owner
    errors: list[str] = field(default_factory=list)
    """What scripts threw, and what the page's policy forbade."""

    def open(self, path: str) -> None:
        self.page.goto(self.site.url + path)

    def press(self, selector: str = "main form button") -> None:
        self.page.click(selector)

    def sign_up(self) -> None:
        self.open("/")
        self.page.fill("#name", self.owner.name)
        self.page.fill("#email", self.owner.email)
        self.page.fill("#password", "rahasia-sekali")
        self.press()
        self.page.wait_for_url("**/status")

    def confirm_email(self) -> None:
        self.open(self.site.message(self.owner.email)["path"])
        self.press()
        self.page.wait_for_url("**/status")

    def hand_in_data(self) -> None:
        self.open("/data")
        self.page.fill("#nik", self.owner.nik)
        self.page.fill("#birth_date", self.owner.birth_date)
        self.page.fill("#address", "Jalan Contoh 1")
        self.press()
        self.page.wait_for_url("**/ponsel")

    def confirm_phone(self) -> None:
        self.page.fill("#phone", self.owner.phone)
        self.press()
        self.page.wait_for_url("**/ponsel?kode")
        self.page.fill("#code", self.site.message(f"+62{self.owner.phone[1:]}")["code"])
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
            if monotonic_us() >= until_us:
                raise WalkError(f"never said: {wanted}")
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
            if monotonic_us() >= until_us:
                raise WalkError(f"never came true: {expression}")
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
        self.carry(SLOW_BYTES_PER_SECOND, SLOW_BYTES_PER_SECOND, SLOW_ROUND_TRIP_MS)

    def carry(self, uplink: float, downlink: float, round_trip_ms: float) -> None:
        """So many bytes per second up and down."""
        speed = {"downloadThroughput": downlink, "uploadThroughput": uplink, "latency": round_trip_ms}
        self._session.send("Network.emulateNetworkConditions", {"offline": False, **speed})


@contextmanager
def walker(browser: Browser, site: Site, owner: Owner, has_script: bool = True) -> Iterator[Walker]:
    """A fresh phone of 360 by 740."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=has_script, has_touch=True, is_mobile=True)
    context.set_default_timeout(ANSWER_WITHIN_MS)
    page = context.new_page()
    walked = Walker(site, context, page, owner)
    page.on("pageerror", lambda error: walked.errors.append(str(error)))
    page.on("console", lambda message: walked.errors.append(message.text) if re.search(r"Content.Security", message.text) else None)
    page.on("requestfailed", lambda asked: walked.errors.append(asked.url) if "/situs/" in asked.url else None)
    try:
        yield walked
    finally:
        context.close()
