"""A panel's two sides say the same of a recorded run: its expression on the run's series, and its reading of the run's record."""

import pytest

from gelombang.panels.catalogue import panel
from gelombang.panels.evaluation import evaluate, value
from gelombang.panels.expression import Expression
from gelombang.panels.parts import Panel
from gelombang.record import RunRecord
from gelombang.run_table import run_table
from gelombang.series import SeriesTable
from gelombang.telemetry import SECONDS_BUCKETS
from tests.support.recorded_run import OF_SHARES, SHARE_TOLERANCE, TOLERANCE_RATIO, compared, over_the_whole_run, recorded_run

Run = tuple[RunRecord, SeriesTable, float]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    record, series = recorded_run(tmp_path_factory.mktemp("recorded"))
    wall_seconds = len(record.windows.offered) * record.windows.window_seconds / record.scale.speed
    return record, run_table(series), wall_seconds


def _shared() -> list[tuple[Panel, Expression, str]]:
    return [
        each for each in compared() if each[2] in ("offered", "started", "received", "kept", "arriving", "finishing", "failed", "failing")
    ]


@pytest.mark.parametrize(("drawn", "expression", "legend"), _shared(), ids=lambda given: given if isinstance(given, str) else None)
def test_series_and_record_agree(run: Run, drawn: Panel, expression: Expression, legend: str) -> None:
    record, table, wall_seconds = run
    found = value(expression, table, 0.0, wall_seconds)
    own = "failed" if drawn.title in OF_SHARES else legend
    told = over_the_whole_run(record, drawn, own)
    assert found is not None
    if drawn.title in OF_SHARES:
        assert found == pytest.approx(told, abs=SHARE_TOLERANCE)
    else:
        assert found == pytest.approx(told, rel=TOLERANCE_RATIO)


def test_at_least_eight_lines_are_compared() -> None:
    assert len(_shared()) >= 8


@pytest.mark.parametrize("title", ["People passing a step per second", "Pace of people past each step, as the generator saw it"])
def test_the_pace_at_each_step_agrees(run: Run, title: str) -> None:
    record, table, wall_seconds = run
    drawn = panel(title)
    assert drawn.record is not None
    found = evaluate(drawn.queries[0].expression, table, 0.0, wall_seconds)
    lines = {line.legend for line in drawn.record(record)}
    assert {"account", "ktp", "selfie", "join"} <= lines
    for step in lines:
        assert found[(step,)] == pytest.approx(over_the_whole_run(record, drawn, step), rel=TOLERANCE_RATIO), step


def test_the_response_agrees_within_the_buckets_of_the_metric(run: Run) -> None:
    """A quantile out of buckets can't be closer than the bucket that it fell into."""
    record, table, wall_seconds = run
    drawn = panel("Response p99 as people felt it")
    found = evaluate(drawn.queries[0].expression, table, 0.0, wall_seconds)
    for step in record.steps:
        told = step.response.p99_seconds
        if step.form == "request" and told is not None and (step.step,) in found:
            told_wall = told / record.scale.speed
            upper = next(edge for edge in SECONDS_BUCKETS if edge >= told_wall)
            lower = max((edge for edge in SECONDS_BUCKETS if edge < told_wall), default=0.0)
            assert lower * 0.9 <= found[(step.step,)] <= upper * 1.1, step.step
