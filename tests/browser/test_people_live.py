"""The page in Locust's web UI, in Chromium, while people arrive at a locustfile of somebody's own."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gelombang.clock import monotonic_us, sleep_seconds
from tests.support.browser import Browser
from tests.support.locust_cluster import free_port
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

MINE = """
from gelombang_loadtests.arrivals import OpenUser, hold
from locust import FastHttpUser, constant, task

class Visitor(OpenUser, FastHttpUser):
    arrivals = [hold(20, for_seconds=120)]
    tasks_per_person = 4
    wait_time = constant(0.5)

    @task
    def front(self):
        self.client.get("/front", headers={"traceparent": "00-" + "0" * 31 + "1-0000000000000001-01"})
"""


def fine(site: StubSite, asked: Asked) -> Reply:
    return Reply(status=500 if len(site.asked) % 5 == 0 else 200)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "mine.py").write_text(MINE)
    port = free_port()
    with stub_site(fine) as site, (tmp_path / "log").open("wb") as log:
        words = ["--autostart", "--web-host", "127.0.0.1", "--web-port", str(port), "--host", site.url, "--out", "run"]
        locust = subprocess.Popen([sys.executable, "-m", "locust", "-f", "mine.py", *words], cwd=tmp_path, stdout=log, stderr=log)
        try:
            until_listening(locust, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            locust.terminate()
            locust.wait(60)


def until_listening(process: "subprocess.Popen[bytes]", port: int) -> None:
    until_us = monotonic_us() + 60_000_000
    while monotonic_us() < until_us:
        assert process.poll() is None
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        sleep_seconds(0.05)
    raise AssertionError("Locust does not listen")


def test_it_draws_what_people_do_and_loads_nothing_from_elsewhere(chromium: str, page: str, tmp_path: Path) -> None:
    with Browser(chromium, tmp_path) as browser:
        browser.open(f"{page}/gelombang/")
        browser.until("document.querySelectorAll('#live polyline').length === 2 && document.querySelector('#stages tbody tr')")
        assert browser.ask("document.getElementById('state').textContent").startswith("running")
        assert browser.ask("document.querySelector('#funnel tbody td').textContent") == "get-front"
        browser.until("[...document.querySelectorAll('#outcomes span')].map(one => one.textContent[0]).sort().join() === 'f,o'")
        assert browser.ask("document.getElementById('workers-part').hidden") is True
        assert browser.ask("performance.getEntriesByType('resource').every(entry => entry.name.includes('/gelombang/now'))") is True
        assert browser.errors == []
        browser.open(f"{page}/?tab=gelombang")
        browser.until("[...document.querySelectorAll('td')].some(cell => cell.textContent === 'get-front')")
