"""Response by step, and which quantiles rest on enough samples to be shown as such.

The rule: at least ten samples must lie beyond a quantile before it is believed, so p50 wants 20 samples, p90 100 and p99 1,000. With
fewer, the number is near the largest seen and changes from run to run; it is shown greyed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gelombang.record import Quantiles, RunRecord

SAMPLES_WANTED = {"p50": 20, "p90": 100, "p99": 1_000}


@dataclass(frozen=True, slots=True)
class Value:
    """A quantile in seconds; `enough` says whether its samples carry it."""

    seconds: float | None
    enough: bool


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """One profile at one step."""

    profile: int
    samples: int
    ok_ratio: float | None
    values: tuple[Value, ...]
    """p50, p90, p99."""


@dataclass(frozen=True, slots=True)
class ResponseStep:
    step: str
    title: str
    waits_for_message: bool
    rows: tuple[ResponseRow, ...]


def value(quantiles: Quantiles, name: str) -> Value:
    """One quantile by its name, `p50`, `p90` or `p99`."""
    seconds = {"p50": quantiles.p50_seconds, "p90": quantiles.p90_seconds, "p99": quantiles.p99_seconds}[name]
    return Value(seconds, quantiles.samples >= SAMPLES_WANTED[name])


def responses(records: Sequence[RunRecord]) -> tuple[ResponseStep, ...]:
    """Every step that somebody tried, in the order of the journey."""
    titles: dict[str, tuple[str, bool]] = {}
    rows: dict[str, list[ResponseRow]] = {}
    for index, record in enumerate(records):
        for step in record.steps:
            if step.attempts:
                titles.setdefault(step.step, (step.title, step.form == "message"))
                values = tuple(value(step.response, name) for name in SAMPLES_WANTED)
                row = ResponseRow(index, step.response.samples, step.outcomes.get("ok", 0) / step.attempts, values)
                rows.setdefault(step.step, []).append(row)
    return tuple(ResponseStep(step, title, waits, tuple(rows[step])) for step, (title, waits) in titles.items())
