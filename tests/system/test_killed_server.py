"""kill -9 of a process of the server in the middle of a storm: nothing that was acknowledged is lost, and the site starts again."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.system
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kill", [13, 14], ids=["the API process", "the uploads process"])
def test_nothing_acknowledged_is_lost_by_a_kill(kill: int) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "server_kills.py"), str(kill), str(kill)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
    assert "1 of 1 kills: no acknowledged photo lost" in done.stdout
    _, row, _ = done.stdout.splitlines()
    assert row.split()[1] == ("api" if kill == 13 else "uploads")
    assert int(row.split()[4]) > 0, "photos had been acknowledged before the kill"
