"""A service's own metrics on our stages: what a Prometheus said of a run, and what it must not be."""

import json

import pytest
from pydantic import ValidationError

from gelombang.service_metrics import ServerMetrics, StageReading, reading, step_seconds


def matrix(*series: list[tuple[float, str]]) -> bytes:
    result = [{"metric": {"pod": str(i)}, "values": values} for i, values in enumerate(series)]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


def test_of_several_series_the_largest_value_of_a_moment_counts_and_times_are_the_people_s() -> None:
    answer = matrix([(100.0, "0.5"), (101.0, "1.5"), (102.0, "NaN")], [(100.0, "0.7"), (102.0, "0.1")])
    found = reading("body", "q", answer, began=100.0, speed=10.0)
    assert found == StageReading(stage="body", promql="q", samples=3, median_seconds=7.0, largest_seconds=15.0, largest_at_seconds=10.0)


@pytest.mark.parametrize("answer", [matrix(), matrix([]), matrix([(1.0, "NaN"), (2.0, "+Inf")])])
def test_a_prometheus_without_a_sample_is_no_reading_and_no_zero(answer: bytes) -> None:
    assert reading("store", "q", answer, 0.0, 1.0) == StageReading(stage="store", promql="q", samples=0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"<html>", "Expecting value"),
        (b"[]", "no answer of a Prometheus"),
        (b'{"status":"error","error":"parse error: unexpected end"}', "parse error: unexpected end"),
        (b'{"status":"success","data":{"resultType":"vector","result":[]}}', "a result of the type vector, not over time"),
    ],
)
def test_what_is_no_answer_over_time_is_said(answer: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        reading("store", "q", answer, 0.0, 1.0)


def test_a_long_run_is_asked_for_at_a_thousand_moments_at_most() -> None:
    assert [step_seconds(seconds) for seconds in (0.5, 999.0, 1_000.0, 1_001.0, 86_400.0)] == [1, 1, 1, 2, 87]


@pytest.mark.parametrize(
    "section",
    [
        {"url": "http://prometheus.example:9090", "stage": {}},
        {"url": "http://prometheus.example:9090", "stage": {"disk": "up"}},
        {"url": "prometheus.example", "stage": {"body": "up"}},
    ],
)
def test_a_section_that_asks_nothing_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ServerMetrics.model_validate(section)
