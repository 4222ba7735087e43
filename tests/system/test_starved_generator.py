"""A generator that is starved on purpose says so; one that is not has nothing to say about itself."""

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from gelombang.clock import monotonic_us, sleep_seconds
from tests.support.own_service import own_scenario
from tests.support.run_process import running
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

pytestmark = [pytest.mark.system, pytest.mark.alone, pytest.mark.timeout(180)]

BUSY = {"late-generator", "stalled-generator", "busy-machine", "crowded-machine", "unsent-people"}
"""What a busy neighbour on this machine may bring about."""
RUN = [sys.executable, "-m", "gelombang_cli", "run"]


def fine(site: StubSite, asked: Asked) -> Reply:
    return Reply()


def started(folder: Path, scenario: Path, site: StubSite) -> AbstractContextManager[subprocess.Popen[str]]:
    return running(folder, [str(scenario), "--target", site.url, "--yes"])


def doubts_of(process: subprocess.Popen[str], folder: Path) -> dict[str, str]:
    out, _ = process.communicate(timeout=120)
    path = folder / "run" / "record.json"
    assert path.exists(), out
    record: dict[str, Any] = json.loads(path.read_text())
    assert sum(record["fates"].values()) == record["people_planned"]
    return {doubt["name"]: doubt["severity"] for doubt in record["doubts"]}


def until_asked(process: subprocess.Popen[str], site: StubSite, requests: int) -> None:
    until_us = monotonic_us() + 90_000_000
    while len(site.asked) < requests:
        assert process.poll() is None
        assert monotonic_us() < until_us
        sleep_seconds(0.02)


def generator_of(process: subprocess.Popen[str]) -> int:
    return next(child.pid for child in psutil.Process(process.pid).children() if "locust" in child.cmdline())


def test_a_generator_that_lacks_nothing_doubts_nothing_but_a_busy_neighbour(tmp_path: Path) -> None:
    scenario = own_scenario(tmp_path / "own.toml", for_seconds=8.0, drain_seconds=2.0)
    with stub_site(fine) as site, started(tmp_path, scenario, site) as process:
        found = doubts_of(process, tmp_path)
    assert set(found) - BUSY == {"one-end"}
    assert found["one-end"] == "VALID"


def test_one_that_was_stopped_for_a_second_says_that_it_stood_still(tmp_path: Path) -> None:
    scenario = own_scenario(tmp_path / "own.toml", for_seconds=12.0, drain_seconds=2.0)
    with stub_site(fine) as site, started(tmp_path, scenario, site) as process:
        until_asked(process, site, 60)
        generator = psutil.Process(generator_of(process))
        generator.suspend()
        stopped_us = monotonic_us()
        while monotonic_us() - stopped_us < 1_200_000:
            sleep_seconds(0.05)
        generator.resume()
        found = doubts_of(process, tmp_path)
    assert found["stalled-generator"] == "SUSPECT"
    assert found["late-generator"] == "INVALID"


def test_one_beside_hogs_of_all_cores_says_that_the_machine_is_busy(tmp_path: Path) -> None:
    scenario = own_scenario(tmp_path / "own.toml", for_seconds=10.0, drain_seconds=2.0)
    with stub_site(fine) as site, started(tmp_path, scenario, site) as process:
        until_asked(process, site, 20)
        with ExitStack() as stack:
            for _ in range(2 * len(os.sched_getaffinity(0))):
                hog = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
                stack.callback(hog.kill)
            until_asked(process, site, 150)
        found = doubts_of(process, tmp_path)
    assert found.keys() & {"busy-machine", "crowded-machine"}


def test_one_that_may_open_few_descriptors_is_not_begun_and_the_sentence_says_what_is_wanted(tmp_path: Path) -> None:
    scenario = own_scenario(tmp_path / "own.toml")
    limited = ["sh", "-c", 'ulimit -n 600; exec "$@"', "sh", *RUN, str(scenario), "--target", "http://127.0.0.1:9", "--yes"]
    done = subprocess.run(limited, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "open files: 600 (limit 600); want 4,096: ulimit -n 4096" in done.stderr
