"""A page in Chromium that a test can ask, type into and look at, over the browser's own pipe (Chrome DevTools Protocol).

with Browser(chromium, tmp_path) as browser:
    browser.open(page.as_uri(), width=390, dark=True)
    browser.until("document.documentElement.dataset.chartsDrawn > 0")
    browser.press("Tab")
"""

import json
import os
import select
import shlex
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any, Self

from gelombang.clock import monotonic_us, sleep_seconds
from gelombang_loadtests.chromium import FLAGS, THIS_MACHINE

ANSWER_WITHIN_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.05
OWN_FLAGS = (THIS_MACHINE, "--remote-debugging-pipe")
KEYS = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowRight": 39, "End": 35, "Escape": 27}


class Browser:
    """One browser with one page. Use as a context manager."""

    def __init__(self, chromium: str, folder: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        words = shlex.join([chromium, *FLAGS, *OWN_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"])
        command = ["bash", "-c", f"exec {words} 3<&{theirs_in} 4>&{theirs_out}"]
        self._process = subprocess.Popen(command, pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self._number = 0
        self._pending = b""
        self._session: str | None = None
        self.errors: list[str] = []
        """What scripts threw, and what the page's policy forbade."""

    def __enter__(self) -> Self:
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._out)  # a browser whose pipe ends, ends
        os.close(self._in)
        try:
            self._process.wait(ANSWER_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def open(self, url: str, width: int = 1_280, height: int = 900, dark: bool = False, reduced: bool = False, media: str = "") -> None:
        """Load a page as a screen of this size, in this scheme, would show it."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        features.append({"name": "prefers-reduced-motion", "value": "reduce" if reduced else "no-preference"})
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Page.navigate", url=url)
        self.until(f"document.readyState === 'complete' && location.href.startsWith({url!r})")

    def ask(self, expression: str) -> Any:
        """What an expression is worth in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until it is true."""
        until_us = monotonic_us() + int(ANSWER_WITHIN_SECONDS * 1e6)
        while not self.ask(f"Boolean({expression})"):
            assert monotonic_us() < until_us, f"never came true: {expression}"
            sleep_seconds(LOOK_EVERY_SECONDS)

    def press(self, key: str) -> None:
        """One key, as a person presses it."""
        code = KEYS[key]
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, nativeVirtualKeyCode=code)

    def picture(self, path: Path) -> None:
        path.write_bytes(b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]))

    def pdf(self) -> bytes:
        """The page as it prints."""
        return b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command of the protocol and its result."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == self._number:
                assert "error" not in found, f"{method}: {found['error']}"
                return dict(found["result"])
            self._hear(found)

    def _hear(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(event["params"]["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.errors.append(event["params"]["entry"]["text"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._pending:
            readable, _, _ = select.select([self._in], [], [], ANSWER_WITHIN_SECONDS)
            assert readable, "Chromium said nothing in time"
            part = os.read(self._in, 1 << 20)
            assert part, "Chromium ended"
            self._pending += part
        message, _, self._pending = self._pending.partition(b"\0")
        return dict(json.loads(message))
