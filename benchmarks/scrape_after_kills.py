"""Times the scrape of a site of four processes before and after a hundred of its processes were killed.

    python benchmarks/scrape_after_kills.py

The server restarts no process by itself: one that dies ends the site, because a site with half its processes would be measured as a whole
one. So a round kills all four (SIGKILL) and starts the site again in the same folder; 25 rounds are the hundred. Each process keeps its
metrics in its own memory and no file of them: what a killed one had counted is gone, and nothing is left that a later scrape would read.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.profile import Profile
from gelombang.resources import profiles_folder
from gelombang.runplan import ScaleNumbers, ServerPlan, write_model

PROCESSES = 3
"""And one for uploads: four."""
SLOTS = PROCESSES + 1
ROUNDS = 25
SCRAPES = 40
WARM_UP_SCRAPES = 5
REQUESTS = 100
PATHS = ("/healthz", "/api/v1/me", "/api/v1/nothing")
"""Asked before the scrapes, so that each process that answers requests has counted some."""
TIMEOUT_SECONDS = 30.0


class Scraped(NamedTuple):
    seconds: list[float]
    """Of all four pages, one after the other."""
    series: int
    folder_files: int


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="scrapes-") as name:
        folder = Path(name)
        config = _orders(folder)
        with _site(config) as ready:
            before = _scrape(ready, folder)
        killed = 0
        for _ in range(ROUNDS):
            with _site(config) as ready:
                killed += len(ready["pids"])
        with _site(config) as ready:
            after = _scrape(ready, folder)
    print(f"{SLOTS} processes, scraped one after the other {SCRAPES} times")
    print(f"before: {_line(before)}")
    print(f"after {killed} kills: {_line(after)}")


def _orders(folder: Path) -> Path:
    profile = Profile.model_validate(tomllib.loads((profiles_folder() / "hardened.toml").read_text()))
    assert profile.uploads.own_process
    scale = ScaleNumbers(sample="1/50", speed=60.0, bytes_ratio=0.1)
    orders: dict[str, Any] = {"run": 7, "seed": 1, "scale": scale, "folder": str(folder), "zero_us": monotonic_us(), "processes": PROCESSES}
    orders |= {"profile": profile, "public_port": 0, "harness_port": 0, "harness_token": "a token of ours"}
    path = folder / "server.json"
    write_model(path, ServerPlan.model_validate(orders))
    return path


@contextmanager
def _site(config: Path) -> Iterator[dict[str, Any]]:
    """The ready line of a site, whose processes are killed at the end."""
    command = [sys.executable, "-m", "gelombang_server", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stdout is not None
        ready = orjson.loads(server.stdout.readline())
        assert len(ready["pids"]) == SLOTS
        try:
            yield ready
        finally:
            for pid in ready["pids"]:
                os.kill(pid, signal.SIGKILL)
            _, words = server.communicate(timeout=TIMEOUT_SECONDS)
        assert server.returncode != 0
        assert f"killed by signal {signal.SIGKILL:d}" in words.decode(), words.decode()


def _scrape(ready: dict[str, Any], folder: Path) -> Scraped:
    for _ in range(REQUESTS):
        for path in PATHS:
            _get(ready["public_url"] + path)
    seconds = []
    for round_ in range(WARM_UP_SCRAPES + SCRAPES):
        began_us = monotonic_us()
        pages = [_get(url) for url in ready["metrics_urls"]]
        if round_ >= WARM_UP_SCRAPES:
            seconds.append((monotonic_us() - began_us) / MICROSECONDS)
    series = sum(1 for page in pages for line in page.splitlines() if not line.startswith(b"#"))
    return Scraped(seconds, series, sum(1 for path in folder.rglob("*") if path.is_file()))


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.read()


def _line(scraped: Scraped) -> str:
    milliseconds = sorted(1e3 * seconds for seconds in scraped.seconds)
    low, middle, high = statistics.quantiles(milliseconds, n=4)
    return (
        f"{middle:.1f} ms for all four (median; quartiles {low:.1f} to {high:.1f}; worst {milliseconds[-1]:.1f}), "
        f"{scraped.series} series, {scraped.folder_files} files in the run's folder"
    )


if __name__ == "__main__":
    main()
