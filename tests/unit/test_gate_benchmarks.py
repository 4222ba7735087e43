"""pytest-benchmark's saved runs as pairs: what is judged, and what can't be compared."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from gelombang.errors import InputError
from gelombang_gates.benchmarks import BenchmarksCompared, benchmarks_as_junit, compare_benchmarks
from gelombang_gates.comparing import Outcome
from gelombang_gates.sequence import Limits

LIMITS = Limits(0.02, 0.10)
Change = Callable[[dict[str, Any], int], None]


def save(folder: Path, seed: int, slower: float = 0.0, runs: int = 12, change: Change | None = None) -> Path:
    folder.mkdir()
    chance = np.random.default_rng(seed)
    for number in range(runs):
        medians = {"test_parse": 1e-3, "test_merge": 2e-3 * (1 + slower)}
        run: dict[str, Any] = {
            "machine_info": {"node": "here", "machine": "x86_64", "python_version": "3.11.7", "cpu": {"brand_raw": "a", "count": 2}},
            "commit_info": {"id": "abc"},
            "benchmarks": [
                {"fullname": name, "stats": {"median": median * float(np.exp(chance.normal(0, 0.005))), "mean": 1.0}}
                for name, median in medians.items()
            ],
            "version": "5.2.1",
        }
        if change is not None:
            change(run, number)
        (folder / f"{number:04d}.json").write_text(json.dumps(run))
    return folder


def cases(found: BenchmarksCompared) -> dict[str, list[str]]:
    root = ET.fromstring(benchmarks_as_junit(found).partition("\n")[2])
    return {str(case.get("name")): [child.tag for child in case] for case in root.iter("testcase")}


def test_equal_runs_pass_and_a_slower_benchmark_fails_by_name(tmp_path: Path) -> None:
    base = save(tmp_path / "base", 1)
    assert compare_benchmarks(base, save(tmp_path / "same", 2), LIMITS).outcome is Outcome.PASS
    found = compare_benchmarks(base, save(tmp_path / "slower", 3, slower=0.15), LIMITS)
    assert found.outcome is Outcome.FAIL
    assert "test_merge is +1" in found.why
    assert cases(found) == {"test_parse is no slower": [], "test_merge is no slower": ["failure"]}
    assert "test_parse" not in found.why


def test_what_only_the_first_half_shows_is_no_failure(tmp_path: Path) -> None:
    def early(run: dict[str, Any], number: int) -> None:
        run["benchmarks"][0]["stats"]["median"] *= 1.3 if number < 6 else 1.0

    found = compare_benchmarks(save(tmp_path / "base", 1), save(tmp_path / "head", 2, change=early), LIMITS)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "test_parse looked slower, which the second half of the pairs did not confirm" in found.why
    assert cases(found)["test_parse is no slower"] == ["skipped"]


def test_noise_that_hides_a_slowdown_is_no_pass(tmp_path: Path) -> None:
    def noisy(run: dict[str, Any], number: int) -> None:
        run["benchmarks"][0]["stats"]["median"] *= 1.5 if number % 2 else 0.7

    found = compare_benchmarks(save(tmp_path / "base", 1), save(tmp_path / "head", 2, change=noisy), LIMITS)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "test_parse" in found.why


def drop(run: dict[str, Any], _: int) -> None:
    run["benchmarks"].pop(0)


def add(run: dict[str, Any], _: int) -> None:
    run["benchmarks"].append({"fullname": "test_fresh", "stats": {"median": 1.0}})


def move(run: dict[str, Any], _: int) -> None:
    run["machine_info"]["node"] = "elsewhere"


def age(run: dict[str, Any], _: int) -> None:
    run["version"] = "4.0.0"


def empty(run: dict[str, Any], _: int) -> None:
    run["benchmarks"] = []


def stop(run: dict[str, Any], _: int) -> None:
    run["benchmarks"][0]["stats"]["median"] = 0.0


def lose(run: dict[str, Any], _: int) -> None:
    del run["machine_info"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop, "test_parse has vanished; want a benchmark that both have"),
        (add, "test_fresh is new; want a benchmark that both have"),
        (move, "are of two machines (here, 2 x a, Python 3.11.7, elsewhere, 2 x a, Python 3.11.7); want both from one"),
        (age, "have formats 5.2.1 and 4.0.0; want both from one version"),
        (empty, "has no benchmark in it; want a run in which some were measured"),
        (stop, "is no saved run of pytest-benchmark (benchmarks[0].stats.median is 0.0)"),
        (lose, "is no saved run of pytest-benchmark (machine_info is missing)"),
    ],
)
def test_what_can_not_be_compared_is_an_error_and_never_a_pass(tmp_path: Path, change: Change, said: str) -> None:
    base, head = save(tmp_path / "base", 1), save(tmp_path / "head", 2, change=change)
    with pytest.raises(InputError) as error:
        compare_benchmarks(base, head, LIMITS)
    assert said in str(error.value)


def test_runs_that_are_no_pairs_are_told(tmp_path: Path) -> None:
    base = save(tmp_path / "base", 1)
    for name, runs, said in (("fewer", 11, "has 12 runs and"), ("none", 0, "has no saved run")):
        with pytest.raises(InputError, match=said):
            compare_benchmarks(base, save(tmp_path / name, 2, runs=runs), LIMITS)
    few = [save(tmp_path / name, 3, runs=3) for name in ("a", "b")]
    with pytest.raises(InputError, match="have 3 runs each; want 12 to 120"):
        compare_benchmarks(*few, LIMITS)
