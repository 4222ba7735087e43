"""`gelombang simulate` as people call it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(1_800)]


def simulate(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gelombang_cli", "simulate", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=1_700, check=False)


def test_the_surge_stands_beside_history_and_leaves_a_record_and_a_page(tmp_path: Path) -> None:
    done = simulate("surge-2020", "--sample", "1/1000", "--out", str(tmp_path / "run"))
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert "1,432,133" in done.stdout
    assert "77,834" in done.stdout
    record = json.loads((tmp_path / "run" / "hardened" / "record.json").read_text())
    assert record["kind"] == "simulated"
    assert record["people_planned"] == 1_432
    assert "<html" in (tmp_path / "run" / "report.html").read_text()
    again = [sys.executable, "-m", "gelombang_cli", "report", "--format", "markdown", str(tmp_path / "run" / "hardened")]
    reported = subprocess.run(again, capture_output=True, text=True, timeout=60, check=False)
    assert reported.returncode == 0, reported.stderr


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("opening-hour", "--sample", "0"), "--sample is 0; want a fraction above 0"),
        (("opening-hour", "--seed", "-1"), "--seed is -1; want 0 or more"),
        (("opening-hour", "--bytes", "2"), "--bytes is 2; want a ratio above 0, up to 1"),
    ],
)
def test_a_wrong_value_is_one_clear_sentence(words: tuple[str, ...], wanted: str) -> None:
    done = simulate(*words)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert len(done.stderr.splitlines()) == 1
