"""Somebody's own metrics on our stages: the section `[server_metrics]` of a scenario, and what a Prometheus said of a run.

    [server_metrics]
    url = "http://prometheus.example:9090"

    [server_metrics.stage]
    body = 'histogram_quantile(0.99, sum by (le) (rate(upload_read_seconds_bucket[1m])))'
    store = 'max(rate(store_put_seconds_sum[1m]) / rate(store_put_seconds_count[1m]))'

Each query gives the seconds that uploads or requests spend in that stage; where it gives several series, the largest value of a moment
counts. Nothing here asks: `gelombang_cli.service_metrics` does, when a run is joined.
"""

import json
import math
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gelombang.scale import FixedFloat
from gelombang.stops import HeaderName, QuestionUrl

POINTS_LIMIT = 1_000
"""Of one query over a run."""

StageName = Literal["accept", "headers", "admission", "body", "digest", "inspect", "store", "commit", "acknowledge"]
"""The stages of `gelombang.attempt.Stage` that take time."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class ServerMetrics(_Part):
    """Which of the service's own metrics stand for which stage."""

    url: QuestionUrl
    """The base of a Prometheus. Like `headers`, it may hold secrets by reference."""
    headers: dict[HeaderName, str] = Field(default_factory=dict, max_length=20)
    timeout_seconds: Annotated[FixedFloat, Field(gt=0, le=60)] = 10.0
    stage: dict[StageName, Annotated[str, Field(min_length=1, max_length=2_000)]] = Field(min_length=1)
    """PromQL by stage: the seconds that are spent in it."""


class StageReading(_Part):
    """What one query said over a run, in the people's time."""

    stage: str
    promql: str
    samples: int
    """Moments with a value; 0: the Prometheus has none for the time of the run."""
    median_seconds: float | None = None
    largest_seconds: float | None = None
    largest_at_seconds: float | None = None
    """When that was, from the run's first second."""


def step_seconds(wall_seconds: float) -> int:
    """The distance of two moments that are asked for: a second, more for a run that would have too many."""
    return max(1, math.ceil(wall_seconds / POINTS_LIMIT))


def reading(stage: str, promql: str, answer: bytes, began: float, speed: float) -> StageReading:
    """What the answer to a range query holds; `began` is the epoch of the run's first second. Raises ValueError when it is none."""
    points = _largest_by_moment(answer)
    if not points:
        return StageReading(stage=stage, promql=promql, samples=0)
    at, largest = max(points, key=lambda point: point[1])
    return StageReading(
        stage=stage,
        promql=promql,
        samples=len(points),
        median_seconds=median(value for _, value in points) * speed,
        largest_seconds=largest * speed,
        largest_at_seconds=max(at - began, 0.0) * speed,
    )


def _largest_by_moment(answer: bytes) -> list[tuple[float, float]]:
    """(epoch, value), by time; values that are no number are left out."""
    largest: dict[float, float] = {}
    for at, value in _points(json.loads(answer)):
        if math.isfinite(value):
            largest[at] = max(value, largest.get(at, -math.inf))
    return sorted(largest.items())


def _points(said: object) -> Iterator[tuple[float, float]]:
    data = said.get("data") if isinstance(said, dict) else None
    if not isinstance(said, dict) or said.get("status") != "success" or not isinstance(data, dict):
        why = str(said.get("error", "no answer of a Prometheus"))[:200] if isinstance(said, dict) else "no answer of a Prometheus"
        raise ValueError(why)
    if data.get("resultType") != "matrix":
        raise ValueError(f"a result of the type {data.get('resultType')}, not over time")
    for series in _list(data.get("result")):
        for point in _list(series.get("values") if isinstance(series, dict) else None):
            if isinstance(point, list) and len(point) == 2:
                yield float(point[0]), float(point[1])


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []
