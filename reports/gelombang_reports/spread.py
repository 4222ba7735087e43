"""How sure the quantiles of a run's steps are: design effects and intervals, from people's rows that come part by part.

Attempts resemble each other where they are one person's, and where they are of one window; the larger of both effects counts.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Outcome
from gelombang.clock import MICROSECONDS
from gelombang.intervals import ALPHA, ClusterSums, Interval, clustered_effect, quantile_interval_us
from gelombang.runplan import RunPlan
from gelombang.segments import Segments
from gelombang.step_totals import decided
from gelombang.upload_totals import upload_steps
from gelombang.windows import WindowGrid
from gelombang_reports.response import StepSpread

PROBABILITIES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class Effect:
    """The design effect of a share of marked attempts."""

    def __init__(self, grid: WindowGrid) -> None:
        self._grid = grid
        self._of_people = ClusterSums()
        self._hits = np.zeros(grid.count, dtype=np.int64)
        self._samples = np.zeros(grid.count, dtype=np.int64)

    def add(self, marked: NDArray[np.bool_], person: NDArray[np.intp], done_us: NDArray[np.int64]) -> None:
        """All attempts of people who were not there yet, and are numbered here without a gap."""
        if not len(marked):
            return
        self._of_people.add(np.bincount(person, weights=marked), np.bincount(person))
        self._hits += self._grid.counts(done_us[marked])
        self._samples += self._grid.counts(done_us)

    def __call__(self) -> float:
        return max(self._of_people.effect(), clustered_effect(self._hits, self._samples))


class Spreads:
    """The spread of each step that has a histogram, and of the uploads that failed."""

    def __init__(self, plan: RunPlan, segments: Segments | None, grid: WindowGrid) -> None:
        self._speed = plan.scale.speed
        self._uploads: Sequence[int] = upload_steps(plan.scenario.journey)
        self._failed = Effect(grid)
        response = segments.response if segments is not None else {}
        named = {index: step.step for index, step in enumerate(plan.scenario.journey)}
        self._histograms = {index: response[name] for index, name in named.items() if name in response and response[name].samples}
        self._names = named
        self._effects = {index: {name: Effect(grid) for name in PROBABILITIES} for index in self._histograms}

    def add(self, generator: NDArray[np.void]) -> None:
        """All attempts of people who were not there yet."""
        rows = generator[decided(generator)]
        for index, histogram in self._histograms.items():
            own = rows[rows["step"] == index]
            done_us, (_, person) = own["done"], np.unique(own["person"], return_inverse=True)
            response = done_us - own["due"]
            for name, effect in self._effects[index].items():
                effect.add(response > histogram.quantile_us(PROBABILITIES[name]), person, done_us)
        own = rows[np.isin(rows["step"], self._uploads) & (rows["outcome"] != Outcome.TOO_LARGE)]
        self._failed.add(own["outcome"] != Outcome.OK, np.unique(own["person"], return_inverse=True)[1], own["done"])

    def failed_effect(self) -> float:
        """The design effect of the share of uploads that failed."""
        return self._failed()

    def steps(self) -> dict[str, StepSpread]:
        """By name of step, in the people's time."""
        found = {}
        for index, histogram in self._histograms.items():
            effects = {name: effect() for name, effect in self._effects[index].items()}
            intervals: dict[str, Interval | None] = {}
            for name, probability in PROBABILITIES.items():
                us = quantile_interval_us(histogram, probability, ALPHA, effects[name])
                seconds = None if us is None else Interval(us.low * self._speed / MICROSECONDS, us.high * self._speed / MICROSECONDS)
                intervals[name] = seconds
            found[self._names[index]] = StepSpread(intervals, effects)
        return found
