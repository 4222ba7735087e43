"""A disk that gets full under a run ends its arrivals; what was written stays, and the record says why it ended."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.record import RunRecord, read_record
from gelombang.verification import verify
from tests.support.own_service import own_scenario
from tests.wire.stub_site import Asked, Reply, StubSite, stub_site

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk wants root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=900m", "tmpfs", str(folder)], capture_output=True, check=False, timeout=20)
    if done.returncode:
        pytest.skip(f"a small disk can't be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True, timeout=20)


OWN_CODE = """
from gelombang_loadtests import recorder
from gelombang_loadtests.arrivals import OpenUser, hold
from locust import FastHttpUser, constant, task

recorder.ATTEMPT_ROWS_LIMIT = {rows}

class Visitor(OpenUser, FastHttpUser):
    arrivals = [hold(20, for_seconds=30)]
    tasks_per_person = 3
    wait_time = constant(0.02)

    @task
    def look(self):
        self.client.get("/healthz")
"""


def fill(folder: Path) -> None:
    """The disk becomes as small as what is on it."""
    disk = os.statvfs(folder)
    used_bytes = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    subprocess.run(["mount", "-o", f"remount,size={used_bytes}", str(folder)], capture_output=True, check=True, timeout=20)


def wait_for(requests: Callable[[], int], process: subprocess.Popen[str]) -> None:
    until_us = monotonic_us() + 90_000_000
    while requests() < 60:
        assert process.poll() is None, process.communicate()[0]
        assert monotonic_us() < until_us
        sleep_seconds(0.02)


def stopped(words: Sequence[str], folder: Path, requests: Callable[[], int], disk: Path | None) -> str:
    """What a run says that can't go on, and ends with 5; `disk`, if it is that, becomes full once people have come."""
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            if disk is not None:
                wait_for(requests, process)
                fill(disk)
            out, _ = process.communicate(timeout=90)
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate()
    assert process.returncode == 5, out
    assert "Traceback" not in out
    return out


def test_a_disk_that_gets_full_on_the_way_ends_the_arrivals_and_keeps_what_was_written(tmp_path: Path, small_disk: Path) -> None:
    def fine(site: StubSite, asked: Asked) -> Reply:
        return Reply()

    scenario = own_scenario(tmp_path / "own.toml", for_seconds=60.0)
    folder = small_disk / "run"
    with stub_site(fine) as site:
        command = [sys.executable, "-m", "gelombang_cli", "run", str(scenario), "--target", site.url, "--out", str(folder), "--yes"]
        words = [*command, "--generator-processes", "2"]
        stopped(words, tmp_path, lambda: len(site.asked), small_disk)
    record = json.loads((folder / "record.json").read_text())
    assert record["stopped_by"] == "the generator's machine"
    assert "No space left on device" in record["stop_reason"]
    assert sum(record["fates"].values()) == record["people_planned"] == 1_200
    assert record["fates"]["finished"] >= 40
    assert record["fates"]["unsent"] > 0
    result = verify(folder)
    assert result.holds, result.lines()


def of_own_code(tmp_path: Path, folder: Path, rows: int, disk: Path | None = None) -> tuple[str, RunRecord]:
    """What `locust` said and recorded of a run that can't go on: with so many rows in the ledger, or when the disk has become full."""
    (tmp_path / "mine.py").write_text(OWN_CODE.format(rows=rows))
    with stub_site(lambda site, asked: Reply()) as site:
        words = [sys.executable, "-m", "locust", "-f", "mine.py", "--headless", "--only-summary", "--host", site.url, "--out", str(folder)]
        out = stopped(words, tmp_path, lambda: site.healthz, disk)
    assert verify(folder).holds
    return out, read_record(folder)


def test_a_full_ledger_ends_a_run_of_own_locust_code_which_says_why_and_leaves_no_gap(tmp_path: Path) -> None:
    out, record = of_own_code(tmp_path, tmp_path / "run", rows=40)
    assert record.stopped_by == "the generator's machine"
    assert record.stop_reason.startswith("ledger-generator-0.bin is full at 40 rows; want")
    assert record.stopped_seconds is not None
    assert 0 < record.stopped_seconds <= record.ended_seconds < 30
    assert f"stopped by the generator's machine: {record.stop_reason}" in out
    assert sum(step.attempts for step in record.steps) == 40
    assert record.fates["unsent"] > 0


def test_a_full_disk_ends_a_run_of_own_locust_code_which_says_why(tmp_path: Path, small_disk: Path) -> None:
    out, record = of_own_code(tmp_path, small_disk / "run", rows=1_000_000, disk=small_disk)
    assert record.stopped_by == "the generator's machine"
    assert "No space left on device" in record.stop_reason
    assert record.stop_reason in out
    assert record.fates["unsent"] > 0
