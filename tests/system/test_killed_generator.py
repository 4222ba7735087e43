"""A generator process that is killed costs its own people and no more: everybody is accounted for, nobody is run twice, the run goes on."""

import json
import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.ledger import PERSON_ROW, read_all, read_rows
from tests.support.run_process import running

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

COMMAND = [sys.executable, "-m", "gelombang_cli"]


def started(folder: Path, processes: int) -> AbstractContextManager[subprocess.Popen[str]]:
    return running(folder, ["smoke", "--generator-processes", str(processes)])


def until(process: subprocess.Popen[str], holds: Any) -> None:
    until_us = monotonic_us() + 90_000_000
    while not holds():
        if process.poll() is not None or monotonic_us() > until_us:
            process.kill()
            raise AssertionError(process.communicate()[0])
        sleep_seconds(0.02)


def generators(process: subprocess.Popen[str]) -> dict[int, int]:
    """The pid of each generator process by its number."""
    found = {}
    for child in psutil.Process(process.pid).children():
        if "locust" in child.cmdline():
            found[int(child.environ()["GELOMBANG_PROCESS"])] = child.pid
    return found


def started_people(folder: Path, process: int) -> int:
    path = folder / "run" / f"people-{process}.bin"
    return int((read_rows(path, PERSON_ROW)["started"] > 0).sum()) if path.exists() else 0


def verified(folder: Path) -> str:
    done = subprocess.run([*COMMAND, "verify", "run"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def record_of(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "run" / "record.json").read_text())
    assert sum(record["fates"].values()) == record["people_planned"]
    return record


def test_one_of_three_killed_on_the_way_leaves_an_exact_account_and_the_others_go_on_with_its_people(tmp_path: Path) -> None:
    with started(tmp_path, 3) as process:
        until(process, lambda: min(started_people(tmp_path, k) for k in range(3)) >= 10)
        os.kill(generators(process)[1], signal.SIGKILL)
        out, _ = process.communicate(timeout=120)
    assert "generator process 1 was killed by SIGKILL; 2 go on with its people" in out
    assert "Traceback" not in out
    record = record_of(tmp_path)
    verified(tmp_path)
    people = read_all(tmp_path / "run", "people-*.bin", PERSON_ROW)
    assert len(np.unique(people["person"])) == len(people)
    (death,) = record["host"]["deaths"]
    taken = people[people["epoch"] == 1]
    assert death["taken_over"] == len(taken) > 0
    assert (taken["person"] % 3 == 1).all()
    assert (taken["started"] > 0).all()
    assert len(people) + death["unsent"] == record["people_planned"]
    assert record["fates"]["unsent"] == death["unsent"]
    assert [doubt["severity"] for doubt in record["doubts"] if doubt["name"] == "generator-died"] == ["SUSPECT"]


def test_the_only_generator_killed_leaves_a_record_that_says_so_and_exit_code_3(tmp_path: Path) -> None:
    with started(tmp_path, 1) as process:
        until(process, lambda: started_people(tmp_path, 0) >= 20)
        os.kill(generators(process)[0], signal.SIGKILL)
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 3, out
    assert "Traceback" not in out
    record = record_of(tmp_path)
    verified(tmp_path)
    (death,) = record["host"]["deaths"]
    assert (death["living"], record["validity"]) == (0, "INVALID")
    assert death["cut"] == record["fates"]["cut"] > 0
    assert death["unsent"] == record["fates"]["unsent"] > 0


def test_generators_whose_command_is_killed_stop_by_themselves(tmp_path: Path) -> None:
    with started(tmp_path, 2) as process:
        until(process, lambda: min(started_people(tmp_path, k) for k in range(2)) >= 5)
        children = [psutil.Process(pid) for pid in generators(process).values()]
        process.kill()
        process.wait()
        try:
            _, alive = psutil.wait_procs(children, timeout=60)
        finally:
            for child in children:
                if child.is_running():
                    child.kill()
    assert alive == []
    people = read_all(tmp_path / "run", "people-*.bin", PERSON_ROW)
    plan = json.loads((tmp_path / "run" / "plan.json").read_text())
    assert plan["generator_processes"] == 2
    assert (people["started"] == 0).any()
