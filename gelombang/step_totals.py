"""The run step by step: how many people, attempts and outcomes, and how long they took, for the run and in each window.

Response is done - due, service is done - sent; both leave out attempts that were not decided (cut, or of a killed generator) and mails
that will never be read, because how long those took says nothing about the site.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Outcome
from gelombang.clock import MICROSECONDS
from gelombang.evidence import Evidence
from gelombang.histogram import BUCKETS, Histogram, buckets_of
from gelombang.record import Quantiles, StepTotals
from gelombang.segments import WINDOW_COUNT, Segments
from gelombang.steps import Step
from gelombang.windows import WindowGrid

UNDECIDED = (Outcome.OPEN, Outcome.CUT, Outcome.PROCESS_DIED, Outcome.NOT_READ)
"""Outcomes that are not the site's: in no ratio and no duration."""
SERVER_LIMIT_US = 3_600_000_000
"""No small step takes longer at a server than fits into 32 bits of microseconds."""


def decided(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which attempts ended in an outcome that says something about the site."""
    found: NDArray[np.bool_] = ~np.isin(rows["outcome"], UNDECIDED)
    return found


def measure_steps(evidence: Evidence, steps: Sequence[Step], grid: WindowGrid) -> Segments:
    """The histograms of a run."""
    rows = evidence.generator[decided(evidence.generator) & (evidence.generator["step"] < len(steps))]
    response = np.maximum(rows["done"] - rows["due"], 0)
    service = np.maximum(rows["done"] - rows["sent"], 0)
    segments = Segments(steps=[step.step for step in steps])
    segments.lateness = Histogram.of(first_lateness_us(evidence))
    for index, step in enumerate(steps):
        own = rows["step"] == index
        segments.response[step.step] = Histogram.of(response[own])
        segments.service[step.step] = Histogram.of(service[own])
    places = (rows["step"].astype(np.int64) * grid.count + grid.of(rows["done"])) * BUCKETS + buckets_of(response)
    filled, counts = np.unique(places, return_counts=True)
    segments.windows = np.empty(len(filled), dtype=WINDOW_COUNT)
    segments.windows["bucket"] = filled % BUCKETS
    segments.windows["window"] = filled // BUCKETS % grid.count
    segments.windows["step"] = filled // BUCKETS // grid.count
    segments.windows["count"] = counts
    return segments


def first_lateness_us(evidence: Evidence) -> NDArray[np.int64]:
    """started - due of each person who started, in wall µs."""
    people = evidence.people[evidence.people["started"] > 0]
    late: NDArray[np.int64] = np.maximum(people["started"] - people["due"], 0)
    return late


@dataclass(slots=True, eq=False)
class StepCounts:
    """People and attempts by step, of a run or of some of its people."""

    by_outcome: NDArray[np.int64]
    """Attempts by step and outcome."""
    reached: NDArray[np.int64]
    """People who tried the step."""
    passed: NDArray[np.int64]

    @classmethod
    def of(cls, evidence: Evidence, steps: Sequence[Step]) -> "StepCounts":
        """Rows with a step or an outcome that there is not are left out."""
        rows = evidence.generator
        shape = (len(steps), len(Outcome))
        known = rows[(rows["step"] < len(steps)) & (rows["outcome"] < len(Outcome))]
        places = known["step"].astype(np.int64) * shape[1] + known["outcome"]
        by_outcome = np.bincount(places, minlength=shape[0] * shape[1]).astype(np.int64).reshape(shape)
        # A person's tries at a step are numbered from 1 in each tab, so each person who reached it has exactly one first try in the first.
        first = known["step"][(known["number"] == 1) & (known["tab"] == 0)]
        reached = np.bincount(first, minlength=len(steps)).astype(np.int64)
        return cls(by_outcome, reached, (evidence.people["passed"][:, : len(steps)] > 0).sum(axis=0).astype(np.int64))

    def add(self, other: "StepCounts") -> None:
        """Count what `other` counted, too: the same steps, of other people."""
        self.by_outcome += other.by_outcome
        self.reached += other.reached
        self.passed += other.passed


def step_totals(counts: StepCounts, steps: Sequence[Step], segments: Segments, speed: float) -> list[StepTotals]:
    """One entry per step, in the order of the journey."""
    totals = []
    for index, step in enumerate(steps):
        outcomes = {Outcome(i).name.lower(): int(n) for i, n in enumerate(counts.by_outcome[index]) if n}
        totals.append(
            StepTotals(
                step=step.step,
                title=step.title or step.step,
                form=step.form,
                milestone=step.milestone,
                people_reached=int(counts.reached[index]),
                people_passed=int(counts.passed[index]),
                attempts=int(counts.by_outcome[index].sum()),
                outcomes=outcomes,
                response=quantiles(segments.response[step.step], speed),
                service=quantiles(segments.service[step.step], speed),
            )
        )
    return totals


def quantiles(histogram: Histogram, speed: float) -> Quantiles:
    """A histogram of wall µs as quantiles in seconds, `speed` times as long (1 for wall time)."""
    if not histogram.samples:
        return Quantiles(samples=0)

    def seconds(probability: float) -> float:
        found = histogram.quantile_us(probability)
        assert found is not None
        return found * speed / MICROSECONDS

    return Quantiles(
        samples=histogram.samples, p50_seconds=seconds(0.5), p90_seconds=seconds(0.9), p99_seconds=seconds(0.99), max_seconds=seconds(1.0)
    )


def hook_times(evidence: Evidence, steps: Sequence[Step]) -> Histogram | None:
    """What hooks took for an attempt, in wall µs; None when no step has one."""
    hooked = [i for i, step in enumerate(steps) if step.form == "request" and step.hook is not None]
    if not hooked:
        return None
    rows = evidence.generator
    return Histogram.of(rows["hook_us"][np.isin(rows["step"], hooked) & (rows["exchanges"] > 0)].astype(np.int64))


def server_times_us(evidence: Evidence, steps: Sequence[Step]) -> dict[str, NDArray[np.uint32]]:
    """What each attempt at a small step cost the server, ended - began in wall µs, by step; an hour and more is an hour."""
    rows = evidence.server
    found = {}
    for index, step in enumerate(steps):
        if step.form == "request":
            own = rows[(rows["step"] == index) & (rows["ended"] > 0) & (rows["began"] >= 0)]
            found[step.step] = np.clip(own["ended"] - own["began"], 0, SERVER_LIMIT_US).astype(np.uint32)
    return found


def server_median_seconds(times_us: Mapping[str, Sequence[NDArray[np.uint32]]], speed: float) -> dict[str, float]:
    """The median of what attempts at each step cost the server, in the people's time; only of steps that it saw."""
    whole = {step: np.concatenate(parts) for step, parts in times_us.items() if parts}
    return {step: float(np.median(us)) * speed / MICROSECONDS for step, us in whole.items() if len(us)}
