"""What pytest-benchmark's users expect of benchmarks that await: saving, comparing with a saved run, and files that the gate reads."""

import os
import subprocess
import sys
from pathlib import Path

from gelombang_gates.benchmarks import read_runs

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
BENCH = """
import asyncio
from awaiting import asyncio_benchmark, loop


def test_a_turn_of_the_loop(asyncio_benchmark):
    async def one():
        await asyncio.sleep(0)

    asyncio_benchmark(one)
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-only", *words]
    # A benchmark measures nothing where pytest-xdist runs it; this one is a process of its own.
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    environment = {**own, "PYTHONPATH": str(BENCHMARKS)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_benchmarks_that_await_are_saved_compared_and_read_by_the_gate(tmp_path: Path) -> None:
    (tmp_path / "test_turn.py").write_text(BENCH)
    (tmp_path / "pairs").mkdir()
    saved = run(tmp_path, "--benchmark-save=first", "--benchmark-json=pairs/0001.json")
    assert saved.returncode == 0, saved.stdout + saved.stderr
    again = run(tmp_path, "--benchmark-compare", "--benchmark-compare-fail=mean:100000%")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "test_a_turn_of_the_loop (NOW)" in again.stdout
    (read,) = read_runs(tmp_path / "pairs")
    assert [own.fullname for own in read.benchmarks] == ["test_turn.py::test_a_turn_of_the_loop"]
