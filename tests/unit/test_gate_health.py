"""How the gate itself fared: rates per class of machine, each with the bound that so many comparisons allow."""

import json
from pathlib import Path

import pytest

from gelombang.errors import InputError
from gelombang_gates.comparing import Outcome
from gelombang_gates.health import Line, healths, keep, kept, lines_of
from gelombang_gates.telling import health_as_json, health_told


def line(night: int, **changes: object) -> Line:
    known = {
        "at": f"2026-11-{night:02d}T01:00:00+00:00",
        "machine": "2 x made up",
        "base": "a",
        "head": "a",
        "outcome": Outcome.PASS,
        "pairs": 12,
        "looks_at_itself": 10,
        "strays": 0,
        "delays": 4,
        "caught": 4,
        "suspects": 0,
        "detectable": 0.02,
    }
    return Line.model_validate(known | changes)


def test_a_comparison_counts_once_however_many_routes_it_has() -> None:
    [found] = healths([line(1), line(2, caught=3), line(3, strays=5, outcome=Outcome.UNFIT), line(4, outcome=Outcome.FAIL)])
    assert (found.with_delay, found.caught) == (4, 3)
    assert (found.comparisons, found.strays, found.abstained) == (4, 1, 1)
    assert (found.same_commits, found.false_alarms) == (4, 1)


def test_a_bound_is_never_read_as_never_or_always() -> None:
    """59 nights without a false alarm: at most 1 - 0.05 ** (1 / 59) = 4.95 %, by 95 %."""
    [found] = healths([line(1 + night % 28) for night in range(59)])
    assert found.false_alarms_bound == pytest.approx(1 - 0.05 ** (1 / 59))
    assert found.caught_bound == pytest.approx(0.05 ** (1 / 59))


def test_what_looked_for_no_delay_or_compared_nothing_is_not_counted_as_missed() -> None:
    [found] = healths([line(1, delays=0, caught=0), line(2, outcome=Outcome.SKIPPED, delays=0, caught=0, looks_at_itself=0)])
    assert (found.with_delay, found.comparisons) == (0, 1)
    assert found.caught_bound == 0.0


def test_classes_of_machines_are_told_apart_with_their_days() -> None:
    lines = [line(1), line(2, machine="4 x other", head="b"), line(9)]
    first, second = healths(lines)
    assert (first.machine, first.comparisons, second.same_commits) == ("2 x made up", 2, 0)
    told = health_told([first, second])
    assert "2 comparisons, 2026-11-01 to 2026-11-09" in told
    assert "| is 3% more found on every route? (yes) | found 2 of 2 times | at least 22.4% |" in told
    assert [own["machine"] for own in json.loads(health_as_json([first, second]))] == ["2 x made up", "4 x other"]


def test_lines_are_read_as_they_were_kept_and_one_that_is_none_is_named(tmp_path: Path) -> None:
    assert kept(tmp_path / "new") == []
    keep(tmp_path / "new", line(1))
    keep(tmp_path / "new", line(2))
    assert kept(tmp_path / "new") == [line(1), line(2)] == lines_of(tmp_path / "new" / "health.jsonl")
    (tmp_path / "a-file").touch()
    with pytest.raises(InputError, match=r"a-file/health\.jsonl can't be written \(.+\); want --cache"):
        keep(tmp_path / "a-file", line(1))
    (tmp_path / "odd.jsonl").write_bytes(b"\xff\n")
    with pytest.raises(InputError, match=r"odd\.jsonl can't be read \(.+\); want a health\.jsonl"):
        lines_of(tmp_path / "odd.jsonl")
    (tmp_path / "bad.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"bad\.jsonl:1 is no line of this gate's health"):
        lines_of(tmp_path / "bad.jsonl")
    with pytest.raises(InputError, match=r"nowhere\.jsonl is no file; want a health\.jsonl"):
        lines_of(tmp_path / "nowhere.jsonl")
