"""Ends a run of a search early when the people inside grow in number without end: what it would say is known by then.

Looks at what the generators tell each second: people in an exchange or waiting. After the warm-up, a rise that keeps a large share of all
who arrive, over a good part of the hold, is no chance. The kill switch of the run's folder ends it, as an operator would.
"""

from pathlib import Path

import numpy as np

from gelombang.stops import STOP_FILE
from gelombang_capacity.breaking import WARM_UP_RATIO
from gelombang_cli.child import Event

LOOKED_AT_RATIO = 1 / 6
"""Of the hold, at least."""
GROWTH_RATIO = 0.5
"""Of the arrivals: far more than a search needs to call it growth, so that nothing ends early that might have gone well."""


class BacklogWatch:
    """Follows one run. `reason` is not empty once it has ended it."""

    def __init__(self, folder: Path, arrivals_per_second: float, for_seconds: float) -> None:
        """Both of people's time, as sent."""
        self._folder = folder
        self._arrivals = arrivals_per_second
        self._for_seconds = for_seconds
        self._seen: list[tuple[float, float]] = []
        self.reason = ""

    def take(self, event: Event) -> None:
        """One event of the run."""
        if event.get("event") != "progress" or self.reason:
            return
        at = float(event.get("people_seconds", 0.0))
        if not WARM_UP_RATIO * self._for_seconds <= at <= self._for_seconds:
            return
        self._seen.append((at, float(event.get("waiting", 0)) + float(event.get("in_flight", 0))))
        if at - self._seen[0][0] < LOOKED_AT_RATIO * self._for_seconds:
            return
        seconds, inside = np.array(self._seen).T
        slope = float(np.polyfit(seconds, inside, 1)[0])
        if slope > GROWTH_RATIO * self._arrivals:
            self.reason = f"ended early: {slope / self._arrivals:.0%} of all who arrive stay inside"
            (self._folder / STOP_FILE).touch()
