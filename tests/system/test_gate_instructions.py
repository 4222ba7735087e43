"""`gelombang gate instructions` with valgrind itself, on a small driver of somebody's own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.debian_tools import program
from support.gated_repository import GATE, git, make_repository

DRIVER = Path(__file__).parents[1] / "support" / "counting_driver.py"
ANSWERS = """
def items():
    return sum(range(1_000))


def order():
    return sorted(range(500), key=helper)


def helper(n):
    return -n
"""
LANE = '\n[gate.instructions]\ncommand = "python -S {head}/gate/drive.py {orders}"\nrequests = 200\n'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = make_repository(tmp_path_factory.mktemp("theirs") / "shop", "plain_shop.py")
    (repository / "gate").mkdir()
    shutil.copy(DRIVER, repository / "gate" / "drive.py")
    for tag, text in {
        "counted": ANSWERS,
        "slower": ANSWERS.replace("range(500)", "range(520)"),
        "broken": "import nothing_of_that_name\n",
    }.items():
        (repository / "answers.py").write_text(text)
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "-m", tag)
        git(repository, "tag", tag)
    (repository / "gelombang.toml").write_text(GATE + LANE)
    return repository


def gate(shop: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gelombang_cli", "gate", "instructions", "--python", sys.executable, "--cache", str(shop / "cache")]
    environment = {**os.environ, **variables}
    return subprocess.run([*command, *words], cwd=shop, env=environment, capture_output=True, text=True, timeout=170, check=False)


def test_a_revision_against_itself_passes_to_a_thousandth(shop: Path) -> None:
    program("valgrind", "valgrind")
    done = gate(shop, "--base", "counted", "--head", "counted", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["outcome"] == "pass", found
    assert [row["route"] for row in found["routes"]] == ["items", "order"]
    assert all(abs(row["change"]) < 0.001 for row in found["routes"]), found


def test_a_route_with_more_to_do_fails_by_name_with_the_functions_that_grew(shop: Path) -> None:
    """20 numbers more of 500 to sort: 4 % more work, found in one count."""
    program("valgrind", "valgrind")
    done = gate(shop, "--base", "counted", "--head", "slower")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.startswith("## FAIL\n\norder needs +")
    assert "items needs" not in done.stdout
    assert "order: instructions per request, by function" in done.stdout
    assert "_PyEval_EvalFrameDefault" in done.stdout
    assert "| helper | 500 | 520 | +20 |" in done.stdout


def test_a_driver_that_can_not_run_on_a_revision_is_one_sentence_with_what_it_printed(shop: Path) -> None:
    program("valgrind", "valgrind")
    done = gate(shop, "--base", "counted", "--head", "broken")
    assert done.returncode == 2
    assert "the driver of gate.instructions ended with exit code 1 on broken" in done.stderr
    assert "nothing_of_that_name" in done.stderr


def test_a_machine_that_is_too_busy_to_count_in_time_decides_nothing(shop: Path, tmp_path: Path) -> None:
    program("valgrind", "valgrind")
    file = tmp_path / "gelombang.toml"
    file.write_text(GATE + LANE + "within_seconds = 0.1\n")
    done = gate(shop, "--base", "counted", "--head", "slower", "--config", str(file), "--strict")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "THE GATE ABSTAINS: THIS IS NO PASS" in done.stdout


def test_without_valgrind_the_lane_is_skipped_aloud_and_fails_where_ci_is_true(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "git").symlink_to(str(shutil.which("git")))
    done = gate(shop, "--base", "counted", "--head", "slower", PATH=str(tmp_path), CI="")
    assert done.returncode == 0
    assert "SKIPPED: NOTHING WAS COMPARED" in done.stdout
    assert "valgrind is not installed; want Debian's package valgrind" in done.stdout
    assert gate(shop, "--base", "counted", "--head", "slower", PATH=str(tmp_path), CI="true").returncode == 2


def test_a_table_without_the_lane_is_wrong_input(shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "gelombang.toml"
    file.write_text(GATE)
    done = gate(shop, "--base", "counted", "--config", str(file))
    assert done.returncode == 2
    assert "want gate.instructions.command" in done.stderr
