"""`gelombang capacity` as people call it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(1_800)]


def capacity(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gelombang_cli", "capacity", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=1_700, check=False, cwd=folder)


def test_a_simulated_limit_ends_in_a_rate_with_an_interval_a_page_and_a_prediction(tmp_path: Path) -> None:
    done = capacity(tmp_path, "find", "breakpoint", "--simulated", "--sample", "1/20", "--probes", "60", "--out", "limit")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "limit" / "limit.json").read_text())
    assert found["kind"] == "simulated"
    assert found["low_per_second"] < found["limit_per_second"] < found["high_per_second"]
    assert found["confirmed_per_second"] == pytest.approx(found["low_per_second"])
    assert found["probes"][-1]["is_long"]
    assert "<html" in (tmp_path / "limit" / "limit.html").read_text()
    (line,) = (tmp_path / "runs" / "predictions.jsonl").read_text().splitlines()
    assert json.loads(line)["quantities"][0]["name"] == "limit"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("find", "opening-hour"), "opening-hour has arrivals that rise or fall; want one phase of form hold"),
        (("find", "breakpoint", "--probes", "2"), "--probes is 2; want 6 to 100"),
        (("find", "breakpoint", "--precision", "0"), "--precision is '0'; want more than 0"),
    ],
)
def test_a_wrong_value_is_one_clear_sentence(tmp_path: Path, words: tuple[str, ...], wanted: str) -> None:
    done = capacity(tmp_path, *words)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert len(done.stderr.splitlines()) == 1
