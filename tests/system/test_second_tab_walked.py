"""People with second tabs against both reference sites: both ends agree on every attempt of either tab, and nothing is lost."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gelombang.attempt import Outcome
from gelombang.ledger import GENERATOR_ROW, read_all
from gelombang.verification import verify

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

SCENARIO = """
extends = "smoke"
name = "tabs"
title = "Second tabs"

[[persona]]
name = "most"

[[persona]]
name = "cannot-wait"
kind = "impatient"
weight = 3.0
patience = { second_tab = { ratio = 1.0, after_seconds = { low = 0.3, high = 2.0 } } }
"""


@pytest.mark.parametrize("profile", ["april-2020", "hardened"])
def test_both_ends_agree_on_attempts_of_both_tabs(tmp_path: Path, profile: str) -> None:
    (tmp_path / "tabs.toml").write_text(SCENARIO)
    words = ["run", "tabs.toml", "--profile", profile, "--for", "600", "--load", "2", "--out", "run"]
    done = subprocess.run(
        [sys.executable, "-m", "gelombang_cli", *words], cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode in (0, 1, 3), done.stdout + done.stderr
    rows = read_all(tmp_path / "run", "ledger-generator-*.bin", GENERATOR_ROW)
    second = rows[rows["tab"] == 1]
    assert (second["outcome"] == Outcome.OK).sum() > 0, done.stdout
    assert np.isin(second["step"], rows["step"][rows["tab"] == 0]).all()
    result = verify(tmp_path / "run")
    assert result.holds, "\n".join(result.lines())
