"""Response by step, and which quantiles rest on enough samples to be shown as such.

The rule: at least ten samples must lie beyond a quantile before it is believed, so p50 wants 20 samples, p90 100 and p99 1,000. With
fewer, the number is near the largest seen and changes from run to run; it is shown greyed. Where the attempts themselves are known, what
counts is how many *independent* samples they are worth: without an interval around it, a quantile is greyed as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gelombang.intervals import Interval
from gelombang.record import Quantiles, RunRecord, StepTotals

SAMPLES_WANTED = {"p50": 20, "p90": 100, "p99": 1_000}


@dataclass(frozen=True, slots=True)
class StepSpread:
    """How sure the quantiles of one step are."""

    intervals: dict[str, Interval | None]
    """By `p50`, `p90`, `p99`; None where the samples are too few to enclose the quantile."""
    design_effects: dict[str, float]
    """How many attempts are worth one that is independent of all others."""


@dataclass(frozen=True, slots=True)
class Value:
    """A quantile in seconds; `enough` says whether its samples carry it."""

    seconds: float | None
    enough: bool
    interval: Interval | None = None
    """In seconds; None when it is not known, or when the samples are too few for one."""


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


def responses(records: Sequence[RunRecord], spreads: Sequence[Mapping[str, StepSpread]]) -> tuple[ResponseStep, ...]:
    """Every step that somebody tried, in the order of the journey. `spreads` has what is known of each record's steps, by step."""
    titles: dict[str, tuple[str, bool]] = {}
    rows: dict[str, list[ResponseRow]] = {}
    for index, record in enumerate(records):
        for step in record.steps:
            if step.attempts:
                titles.setdefault(step.step, (step.title, step.form == "message"))
                values = tuple(_sure(step, name, spreads[index].get(step.step)) for name in SAMPLES_WANTED)
                row = ResponseRow(index, step.response.samples, step.outcomes.get("ok", 0) / step.attempts, values)
                rows.setdefault(step.step, []).append(row)
    return tuple(ResponseStep(step, title, waits, tuple(rows[step])) for step, (title, waits) in titles.items())


def _sure(step: StepTotals, name: str, spread: StepSpread | None) -> Value:
    plain = value(step.response, name)
    if spread is None:
        return plain
    interval = spread.intervals.get(name)
    return Value(plain.seconds, plain.enough and interval is not None, interval)
