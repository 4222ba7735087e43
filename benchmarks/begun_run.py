"""Waiting until a run that a benchmark has started is under way."""

import subprocess
from pathlib import Path

from gelombang.clock import MICROSECONDS, monotonic_us, sleep_seconds
from gelombang.runplan import PLAN_FILE, RunPlan, read_model

READY_SECONDS_LIMIT = 90.0
_LOOK_AGAIN_SECONDS = 0.02


def begun(run: "subprocess.Popen[str]", folder: Path) -> RunPlan:
    """The plan once it has its zero. Raises AssertionError when the run ends, or does not begin in time."""
    until_us = monotonic_us() + int(READY_SECONDS_LIMIT * MICROSECONDS)
    while monotonic_us() < until_us:
        assert run.poll() is None, run.communicate()[0]
        if (folder / "host.jsonl").exists():  # made when all have been told the zero
            return read_model(folder / PLAN_FILE, RunPlan)
        sleep_seconds(_LOOK_AGAIN_SECONDS)
    raise AssertionError(f"not begun within {READY_SECONDS_LIMIT:g} s")
