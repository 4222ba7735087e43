"""A run cut into windows of the people's time: which window a moment falls into, and counts per window.

60 s each when arrivals are due for 20 minutes to 4 hours; longer runs get wider windows, so that there are at most 240, and short ones
narrower, so that there are some 20 at least. Widths are ones that people read on a clock. What happens before the run's zero counts in
the first window, and what happens at or after the end in the last.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS

USUAL_SECONDS = 60.0
COUNT_LIMIT = 240
SHORT_COUNT = 20
_WIDTHS = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0, 86_400.0)


def window_seconds(for_seconds: float) -> float:
    """The width for a run in which arrivals are due for this long, both in the people's time."""
    if for_seconds >= SHORT_COUNT * USUAL_SECONDS:
        return next((width for width in _WIDTHS if width >= USUAL_SECONDS and for_seconds / width <= COUNT_LIMIT), _WIDTHS[-1])
    return next(width for width in reversed(_WIDTHS) if for_seconds / width >= SHORT_COUNT or width == _WIDTHS[0])


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """`count` windows of `seconds` of the people's time, from the run's zero."""

    seconds: float
    count: int
    speed: float

    @classmethod
    def over(cls, for_seconds: float, ended_seconds: float, speed: float) -> "WindowGrid":
        """The grid of a run: up to when arrivals were due or to its end, whichever is later."""
        seconds = window_seconds(for_seconds)
        # Without the margin, an end one rounding error past a window's edge would make an empty last window.
        count = max(math.ceil(max(for_seconds, ended_seconds) / seconds - 1e-6), 1)
        return cls(seconds, count, speed)

    def of(self, times_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """The window of each wall time in µs from the run's zero."""
        width_us = self.seconds / self.speed * MICROSECONDS
        found: NDArray[np.int64] = np.clip(np.floor_divide(times_us, width_us).astype(np.int64), 0, self.count - 1)
        return found

    def counts(self, times_us: NDArray[np.int64], weights: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """How many of the moments, or how much of their weights, fall into each window."""
        if weights is None:
            return np.bincount(self.of(times_us), minlength=self.count).astype(np.int64)
        # Weights are whole bytes below 2**53 in sum, so bincount's floats are exact.
        return np.bincount(self.of(times_us), weights=weights, minlength=self.count).astype(np.int64)
