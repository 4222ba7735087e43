"""The ledger of predictions: what counts as one, and how wrong it was."""

from pathlib import Path

import pytest

from gelombang.errors import RecordError
from gelombang_capacity.predictions import (
    Prediction,
    Quantity,
    add_line,
    counted,
    coverage_ratio,
    mean_error_ratio,
    read_lines,
    scores,
)
from support.records import hardened


def prediction(made_at: str, value: float, by: str = "simulate") -> Prediction:
    quantity = Quantity(name="people past selfie", value=value, low=value - 10, high=value + 10)
    return Prediction(made_at=made_at, by=by, key="k", scenario="s", profile="p", confidence=0.9, quantities=[quantity])


def test_only_the_youngest_prediction_before_the_run_is_scored() -> None:
    made = [prediction("2026-01-01", 90.0), prediction("2026-01-02", 100.0), prediction("2026-01-04", 500.0)]
    (score,) = scores(made, "k", "run", "2026-01-03", {"people past selfie": 105.0})
    assert score.expected == 100.0
    assert score.is_inside
    assert score.error_ratio == pytest.approx(-5 / 105)


def test_a_prediction_of_something_else_says_nothing() -> None:
    assert scores([prediction("2026-01-01", 90.0)], "other", "run", "2026-01-03", {"people past selfie": 105.0}) == []


def test_the_history_says_how_far_off_and_how_often_inside() -> None:
    came = [
        scores([prediction("2026-01-01", 100.0)], "k", "run", "2026-01-03", {"people past selfie": value})[0] for value in (105.0, 125.0)
    ]
    assert mean_error_ratio(came) == pytest.approx((5 / 105 + 25 / 125) / 2)
    assert coverage_ratio(came) == 0.5
    assert coverage_ratio([]) is None


def test_what_is_written_is_read_again_and_a_spoilt_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "below" / "predictions.jsonl"
    add_line(path, prediction("2026-01-01", 90.0))
    add_line(path, prediction("2026-01-02", 91.0))
    assert [each.made_at for each in read_lines(path, Prediction)] == ["2026-01-01", "2026-01-02"]
    path.write_text(path.read_text() + "{}\n")
    with pytest.raises(RecordError, match=r"predictions\.jsonl:3 is no prediction"):
        read_lines(path, Prediction)


def test_a_run_is_counted_at_full_size() -> None:
    record = hardened()
    found = counted(record)
    selfie = next(step for step in record.steps if step.step == "selfie")
    assert found["people past selfie"] == pytest.approx(selfie.people_passed * 20)
    assert 0 < found["share of uploads failed"] < 1
