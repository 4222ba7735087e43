"""This repository's own gate in CI, with a stand-in for the command: which codes come through, and what a clone without the base says."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.gated_repository import git

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "gate", folder / ".ci" / "gate")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "the base")
    (folder / "gates").mkdir()
    (folder / "gates" / "base").write_text(f"# why\n{git(folder, 'rev-parse', 'HEAD')}\n")
    return folder


def run(clone: Path, instructions: int, paired: int) -> subprocess.CompletedProcess[str]:
    command = clone / "gelombang"
    command.write_text(f'#!/bin/sh\necho "$@" >> {clone}/words\n[ "$2" = instructions ] && exit {instructions}\nexit {paired}\n')
    command.chmod(0o755)
    environment = {**os.environ, "GELOMBANG": str(command)}
    return subprocess.run([clone / ".ci" / "gate"], env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("instructions", "paired", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (2, 1, 1), (1, 2, 1), (2, 0, 2), (0, 2, 2), (3, 0, 3)]
)
def test_both_lanes_run_and_a_failure_outweighs_everything(clone: Path, instructions: int, paired: int, code: int) -> None:
    assert run(clone, instructions, paired).returncode == code
    words = (clone / "words").read_text().splitlines()
    assert [line.split()[1] for line in words] == ["instructions", "paired"]
    assert all(f"--base {git(clone, 'rev-parse', 'HEAD')} --head HEAD" in line for line in words)


def test_a_clone_without_the_base_says_that_it_can_not_tell_and_is_no_failure(clone: Path) -> None:
    (clone / "gates" / "base").write_text("# why\n" + "0" * 40 + "\n")
    done = run(clone, 1, 1)
    assert done.returncode == 0
    assert "THE GATE ABSTAINS: THIS IS NO PASS" in done.stdout
    assert "is not in this clone; want a whole one" in done.stdout
    assert not (clone / "words").exists()


def test_the_base_of_this_repository_is_one_commit() -> None:
    (base,) = [line for line in (ROOT / "gates" / "base").read_text().splitlines() if not line.startswith("#")]
    assert len(base) == 40
    assert set(base) <= set("0123456789abcdef")
