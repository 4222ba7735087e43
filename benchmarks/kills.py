"""Kills one of three generator processes in run after run, at moments spread over the arrivals, and counts what became of everybody.

python benchmarks/kills.py [FIRST LAST]        kills FIRST to LAST of twenty (default: all), one line each; exit 1 when a run was not whole
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from begun_run import begun

from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.ledger import PERSON_ROW, read_all
from gelombang.record import read_record
from gelombang.verification import verify

KILLS = 20
PROCESSES = 3
FOR_SECONDS = 600.0
"""People's time: ten wall seconds of the smoke scenario."""


@dataclass(frozen=True, slots=True)
class Killed:
    """What one kill left."""

    line: str
    whole: bool


def main(first: int, last: int) -> int:
    print("kill  process  at s  planned  finished  cut  unsent  taken over  rows/person  verify")
    found = []
    for killed in _all(first, last):
        print(killed.line, flush=True)
        found.append(killed.whole)
    print(f"{sum(found)} of {len(found)} runs whole: everybody accounted for, nobody run twice, the run went on")
    return 0 if all(found) else 1


def _all(first: int, last: int) -> Iterator[Killed]:
    for number in range(first - 1, last):
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            yield _one(number, (number + 0.5) / KILLS, Path(folder) / "run")


def _one(number: int, share: float, folder: Path) -> Killed:
    words = ["run", "smoke", "--for", str(FOR_SECONDS), "--seed", str(number + 1), "--generator-processes", str(PROCESSES)]
    command = [sys.executable, "-m", "gelombang_cli", *words, "--out", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder.parent) as run:
        plan = begun(run, folder)
        process = number % PROCESSES
        at_us = plan.zero_us + int(share * plan.scale.scale().wall_seconds(FOR_SECONDS) * 1e6)
        sleep_seconds(max(at_us - monotonic_us(), 0) / 1e6)
        os.kill(_generators(run.pid)[process], signal.SIGKILL)
        out, _ = run.communicate(timeout=120)
    record, result = read_record(folder), verify(folder)
    people = read_all(folder, "people-*.bin", PERSON_ROW)
    most = int(np.unique(people["person"], return_counts=True)[1].max())
    (death,) = record.host.deaths
    fates = record.fates
    whole = result.holds and most == 1 and sum(fates.values()) == record.people_planned and death.living == PROCESSES - 1
    line = (
        f"{number + 1:4}  {process:7}  {death.at_seconds / record.scale.speed:4.1f}  {record.people_planned:7}  {fates['finished']:8}  "
        f"{fates['cut']:3}  {fates['unsent']:6}  {death.taken_over:10}  {most:11}  {'holds' if result.holds else 'BROKEN'}"
    )
    return Killed(line if whole else line + "\n" + out + "\n".join(result.lines()), whole)


def _generators(pid: int) -> dict[int, int]:
    children = [child for child in psutil.Process(pid).children() if "locust" in child.cmdline()]
    return {int(child.environ()["GELOMBANG_PROCESS"]): child.pid for child in children}


if __name__ == "__main__":
    sys.exit(main(*(map(int, sys.argv[1:]) if len(sys.argv) == 3 else (1, KILLS))))
