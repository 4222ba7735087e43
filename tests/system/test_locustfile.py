"""`locust -f surge.py` as a subprocess: as the command's child, by hand, and refused."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gelombang.attempt import Fate
from gelombang.clock import monotonic_us
from gelombang.ledger import GENERATOR_ROW, PERSON_ROW, read_all
from gelombang.runplan import RunPlan, ScaleNumbers, write_model
from tests.support.small_scenario import HOME, scenario
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

pytestmark = pytest.mark.system

LOCUSTFILE = Path(__file__).parents[2] / "loadtests" / "locustfiles" / "surge.py"


def fine(site: StubSite, asked: Asked) -> Reply:
    return Reply()


@pytest.fixture
def site() -> Iterator[StubSite]:
    with stub_site(fine) as site:
        yield site


class Locust:
    """A Locust process and the JSON lines it prints."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.log = folder.parent / f"{folder.name}.log"
        self._log_file = self.log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary", *arguments],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log_file,
            env={**os.environ, **environment},
        )

    def __enter__(self) -> "Locust":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._log_file.close()

    def tell(self, **event: int) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(event).encode() + b"\n")
        self.process.stdin.flush()

    def wait_for(self, name: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == name:
                return event
        raise AssertionError(f"ended before {name}: {self.log.read_text()}")

    def ended(self) -> int:
        return self.process.wait(30)

    def stderr(self) -> str:
        return self.log.read_text()


def child(folder: Path, site: StubSite, for_seconds: float = 1.0) -> Locust:
    """The locustfile as the command starts it."""
    what = scenario(HOME | {"headers": {}}, arrivals_per_second=20.0, for_seconds=for_seconds, drain_seconds=2.0)
    plan = RunPlan(
        run_id="a-run",
        run=5,
        seed=1,
        plan_digest="",
        scale=ScaleNumbers(),
        scenario=what,
        profile="stub",
        target_url=site.url,
        harness_url=None,
        harness_token="",
        zero_us=0,
        for_seconds=for_seconds,
        generator_processes=1,
    )
    write_model(folder / "plan.json", plan)
    return Locust(folder, GELOMBANG_PLAN=str(folder / "plan.json"), GELOMBANG_PROCESS="0")


def test_a_child_says_ready_waits_for_the_zero_reports_and_ends_by_itself(tmp_path: Path, site: StubSite) -> None:
    with child(tmp_path, site) as locust:
        ready = locust.wait_for("ready")
        assert (ready["process"], ready["people"]) == (0, 20)
        assert ready["metrics_url"].startswith("http://127.0.0.1:")
        assert site.asked == []
        zero_us = monotonic_us() + 300_000
        locust.tell(zero_us=zero_us)
        progress = locust.wait_for("progress")
        assert {"people_seconds", "offered", "started", "in_flight", "waiting", "finished", "passed", "uploads"} <= progress.keys()
        done = locust.wait_for("done")
        assert locust.ended() == 0
    assert (done["planned"], done["fates"]["finished"], done["cut"], done["failure"]) == (20, 20, False, "")
    people = read_all(tmp_path, "people-*.bin", PERSON_ROW)
    assert (people["fate"] == Fate.FINISHED).all()
    assert len(read_all(tmp_path, "ledger-generator-*.bin", GENERATOR_ROW)) == 20
    assert (people["started"] - people["due"]).min() >= 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_arrivals_keeps_the_files_whole_and_says_cut(tmp_path: Path, site: StubSite, number: signal.Signals) -> None:
    with child(tmp_path, site, for_seconds=60.0) as locust:
        locust.wait_for("ready")
        locust.tell(zero_us=monotonic_us())
        locust.wait_for("progress")
        locust.process.send_signal(number)
        done = locust.wait_for("done")
        assert locust.ended() == 0
    assert done["cut"]
    assert sum(done["fates"].values()) == done["planned"] == 1200 == len(read_all(tmp_path, "people-*.bin", PERSON_ROW))
    assert done["fates"]["unsent"] > 0


def test_a_signal_before_the_zero_leaves_everybody_unsent(tmp_path: Path, site: StubSite) -> None:
    with child(tmp_path, site) as locust:
        locust.wait_for("ready")
        locust.process.send_signal(signal.SIGTERM)
        assert locust.wait_for("done")["fates"]["unsent"] == 20
        assert locust.ended() == 0


def test_a_site_that_is_not_there_ends_with_4_and_one_last_sentence(tmp_path: Path) -> None:
    with stub_site(fine) as site:
        pass
    with child(tmp_path, site) as locust:
        assert locust.ended() == 4
        assert locust.stderr().splitlines()[-1].startswith(f"gelombang: {site.url} does not answer")


def by_hand(folder: Path, *arguments: str) -> Locust:
    return Locust(folder, "--out", str(folder / "run"), *arguments)


def test_by_hand_the_run_time_bounds_the_arrivals_and_a_whole_folder_is_left(tmp_path: Path, site: StubSite) -> None:
    with by_hand(tmp_path, "--host", site.url, "--scenario", "smoke", "--sample", "1/20", "-t", "2s") as locust:
        done = locust.wait_for("done")
        assert locust.ended() == 0
    run = tmp_path / "run"
    people = read_all(run, "people-*.bin", PERSON_ROW)
    assert 0 < len(people) == done["planned"]
    assert people["due"].max() < 2_000_000
    assert {"plan.json", "generator-0.jsonl", "ledger-generator-0.bin", "acknowledged-0.bin"} <= {path.name for path in run.iterdir()}


def test_by_hand_a_target_that_is_not_this_machine_is_refused_with_exit_2(tmp_path: Path) -> None:
    with by_hand(tmp_path, "--host", "http://192.0.2.1:80") as locust:
        assert locust.ended() == 2
        assert locust.stderr().splitlines()[-1].endswith("want --i-own-this-target 192.0.2.1 to send load there")
    assert not (tmp_path / "run").exists()
