"""What a gate can't judge is one clear sentence and exit code 2, through the command: never a green gate.

Servers that do not start, routes that vanished, waivers that are over: `test_gate_paired.py`. Drivers: `test_gate_instructions.py`. Runs of
other machines: `test_gate_runs.py`. Benchmarks that vanished or are new: `test_gate_benchmarks.py`.
"""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.gated_repository import GATE, commit, make_repository

RECORDED = Path(__file__).parents[1] / "data" / "recorded-run" / "record.json.gz"


def gate(folder: Path, *words: str) -> str:
    """What it said on standard error, in one line."""
    command = [sys.executable, "-m", "gelombang_cli", "gate", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert "gelombang_gates" not in done.stderr
    return " ".join(done.stderr.split())


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "shop", "plain_shop.py")


def test_a_revision_that_does_not_build_is_told_with_the_end_of_what_was_printed(shop: Path) -> None:
    (shop / "gelombang.toml").write_text(GATE.replace("[gate]", '[gate]\nbuild = ["echo no compiler here; exit 7"]'))
    said = gate(shop, "paired", "--base", "base", "--python", sys.executable, "--cache", "cache")
    assert "the build of base failed with exit code 7" in said
    assert "no compiler here" in said


def test_a_gate_that_would_enforce_is_refused_before_anything_is_built_until_the_machine_has_met_itself(shop: Path) -> None:
    """The same revision twice is how it is shown, so that is not refused: it comes as far as the build, which fails."""
    (shop / "gelombang.toml").write_text(GATE.replace("[gate]", '[gate]\nmode = "enforce"\nbuild = ["exit 7"]'))
    commit(shop, "other", "import sys\n", "import sys\n\n")
    words = ["--python", sys.executable, "--cache", "cache"]
    said = gate(shop, "paired", "--base", "base", "--head", "other", *words)
    assert "gate.mode is 'enforce', and this class of machine" in said
    assert "comparisons on it in cache/health.jsonl: none; want `gelombang gate paired --base other --head other`" in said
    assert "building" not in said
    assert "the build of other failed" in gate(shop, "paired", "--base", "other", "--head", "other", *words)


def test_a_table_with_faults_is_told_with_their_lines(shop: Path) -> None:
    (shop / "gelombang.toml").write_text(GATE.replace("budget = 0.05", "budget = 2.0", 1))
    assert "gelombang.toml" in (said := gate(shop, "paired", "--base", "base"))
    assert "want detect above the budget" in said


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            'extends = "none.toml"\n[gate]\n',
            "gelombang.toml:1: extends is 'none.toml', which is no file beside gelombang.toml; want the path",
        ),
        ("[gate]\nbudgett = 1\n", "gelombang.toml:2: gate.budgett is a key that nobody reads; want budget (did you mean that?)"),
        (
            GATE + '[[gate.accept]]\nroute = "oder"\nuntil = 2099-01-01\nreason = "orders are signed now"\n',
            "a waiver for oder, which is no route; want order (did you mean that?)",
        ),
    ],
)
def test_a_table_that_says_what_nobody_understands_is_told_with_its_line(shop: Path, table: str, said: str) -> None:
    (shop / "gelombang.toml").write_text(table)
    assert said in gate(shop, "paired", "--base", "base")


@pytest.mark.parametrize("option", ["--junit", "--summary"])
def test_a_file_that_can_not_be_written_is_told_before_anything_is_measured(shop: Path, option: str) -> None:
    (shop / "gelombang.toml").write_text(GATE)
    said = gate(shop, "paired", "--base", "base", option, "nowhere/gate.xml")
    assert f"{option} is nowhere/gate.xml, which can't be written; want a file in a folder that exists" in said
    assert "building" not in said


def test_a_cache_that_can_not_be_made_is_no_failure_of_the_revision(shop: Path) -> None:
    (shop / "gelombang.toml").write_text(GATE)
    said = gate(shop, "paired", "--base", "base", "--cache", "shop.py/cache")
    assert "the folder shop.py/cache for builds can't be made (Not a directory); want --cache with one that can" in said


def test_a_run_of_a_schema_that_is_not_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    record = json.loads(gzip.decompress(RECORDED.read_bytes()))
    (tmp_path / "A" / "record.json").write_text(json.dumps({**record, "schema_version": 999}))
    said = gate(tmp_path, "run", "A", "A")
    assert "A/record.json is not a RunRecord: schema_version: Input should be less than or equal to 1" in said


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    assert "A/record.json is missing; want the file that `gelombang run` writes there" in gate(tmp_path, "run", "A", "A")


def test_one_run_against_itself_is_refused(tmp_path: Path) -> None:
    for name in ("A", "B"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.json").write_bytes(gzip.decompress(RECORDED.read_bytes()))
    assert "A and B are both the run " in gate(tmp_path, "run", "A", "B")


def test_one_folder_of_benchmarks_against_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    assert "base and base are one folder; want base's runs and head's" in gate(tmp_path, "benchmarks", "base", "base")


def test_benchmarks_of_an_empty_folder_are_refused(tmp_path: Path) -> None:
    for name in ("base", "head"):
        (tmp_path / name).mkdir()
    assert "base has no saved run (*.json); want a folder" in gate(tmp_path, "benchmarks", "base", "head")


def test_a_budget_that_is_larger_than_what_must_be_found_is_refused(tmp_path: Path) -> None:
    assert "--detect is 10%; want more than the budget of 20%" in gate(tmp_path, "benchmarks", "base", "head", "--budget", "20%")
