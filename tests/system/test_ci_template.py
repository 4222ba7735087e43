"""The shell template with a stand-in for the command: what comes out is what the gate said."""

import os
import subprocess
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).parents[2] / "deploy" / "ci"
SCRIPT = TEMPLATES / "gate.sh"
NIGHTLY = TEMPLATES / "nightly.sh"


def run(folder: Path, says: str, code: int, **variables: str) -> subprocess.CompletedProcess[str]:
    command = folder / "gelombang"
    command.write_text(f"#!/bin/sh\necho \"$@\" > words\necho '{says}'\nexit {code}\n")
    command.chmod(0o755)
    environment = {**os.environ, "GELOMBANG": str(command), **variables}
    return subprocess.run(["bash", str(SCRIPT)], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_exit_code_comes_through_the_pipe(tmp_path: Path, code: int) -> None:
    assert run(tmp_path, "## PASS", code).returncode == code


def test_a_gate_that_abstains_is_said_aloud(tmp_path: Path) -> None:
    done = run(tmp_path, "## THE GATE ABSTAINS: THIS IS NO PASS", 0)
    assert done.returncode == 0
    assert "nothing was decided" in done.stderr


def test_revisions_and_strictness_come_from_the_environment(tmp_path: Path) -> None:
    run(tmp_path, "## PASS", 0, GATE_BASE="v1.0", GATE_STRICT="1", GATE_CACHE="kept")
    words = (tmp_path / "words").read_text()
    assert "--base v1.0 --head HEAD" in words
    assert "--strict" in words
    assert "--cache kept" in words
    assert "--base origin/main" not in words


@pytest.mark.parametrize(("itself", "drift", "code"), [(0, 0, 0), (0, 1, 1), (1, 0, 1), (2, 1, 1), (2, 0, 2)])
def test_each_night_the_head_meets_itself_then_the_release_and_the_rates_are_published_whatever_was_found(
    tmp_path: Path, itself: int, drift: int, code: int
) -> None:
    command = tmp_path / "gelombang"
    command.write_text(f'#!/bin/sh\necho "$@" >> words\ncase "$2" in paired) exit {itself};; drift) exit {drift};; esac\n')
    command.chmod(0o755)
    environment = {**os.environ, "GELOMBANG": str(command), "GATE_CACHE": "kept"}
    done = subprocess.run(["bash", str(NIGHTLY)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    assert (tmp_path / "words").read_text().splitlines() == [
        "gate paired --base HEAD --head HEAD --cache kept --junit gate/paired.xml --summary gate/gate.md",
        "gate drift --head HEAD --cache kept --junit gate/drift.xml --summary gate/gate.md",
        "gate health --cache kept --summary gate/gate.md",
    ]
