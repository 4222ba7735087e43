"""The time series that a run kept: what Prometheus would have scraped, as arrays.

Times are wall seconds from the run's zero. A counter's growth adds up over restarts of its process (a fall is a restart from zero), and
counts from the last sample at or before the window's beginning, so neighbouring windows add up to the whole; nothing is extrapolated.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

UP = "up"
"""Whether a process answered a scrape: 1 or 0, as Prometheus writes it itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series; `times` rise."""

    name: str
    labels: Mapping[str, str]
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    grown: NDArray[np.float64] = field(init=False)
    """Growth from the first sample to each, restarts counted."""

    def __post_init__(self) -> None:
        assert len(self.times) == len(self.values), self.name
        steps = self.values[1:] - self.values[:-1]
        risen = np.concatenate(([0.0], np.where(steps < 0, self.values[1:], steps).cumsum()))
        object.__setattr__(self, "grown", risen[: len(self.values)])

    def growth(self, from_seconds: float, to_seconds: float) -> float | None:
        """How much a counter grew in the window; None without two samples."""
        begin = max(int(self.times.searchsorted(from_seconds, side="right")) - 1, 0)
        end = int(self.times.searchsorted(to_seconds, side="right"))
        return float(self.grown[end - 1] - self.grown[begin]) if end - begin >= 2 else None

    def mean(self, from_seconds: float, to_seconds: float) -> float | None:
        """The mean of a gauge over the samples in the window; None without any."""
        begin = int(self.times.searchsorted(from_seconds, side="left"))
        end = int(self.times.searchsorted(to_seconds, side="right"))
        return float(self.values[begin:end].mean()) if end > begin else None

    def lowest(self, from_seconds: float, to_seconds: float) -> float | None:
        """The smallest sample of a gauge in the window; None without any."""
        begin = int(self.times.searchsorted(from_seconds, side="left"))
        end = int(self.times.searchsorted(to_seconds, side="right"))
        return float(self.values[begin:end].min()) if end > begin else None

    def last(self, at_seconds: float) -> float | None:
        """The newest sample at or before a moment."""
        end = int(self.times.searchsorted(at_seconds, side="right"))
        return float(self.values[end - 1]) if end else None


@dataclass(slots=True, eq=False)
class SeriesTable:
    """All series of a run, by name; it is filled before it is asked."""

    by_name: dict[str, list[Series]] = field(default_factory=dict)
    _begins: float | None = None

    @classmethod
    def of(cls, series: Iterable[Series]) -> "SeriesTable":
        table = cls()
        for one in series:
            table.by_name.setdefault(one.name, []).append(one)
        return table

    def named(self, name: str) -> list[Series]:
        return self.by_name.get(name, [])

    @property
    def begins_seconds(self) -> float:
        """The first sample; 0 without any."""
        if self._begins is None:
            self._begins = min((float(one.times[0]) for own in self.by_name.values() for one in own if len(one.times)), default=0.0)
        return self._begins

    @property
    def ends_seconds(self) -> float:
        """The last sample; 0 without any."""
        return max((float(one.times[-1]) for own in self.by_name.values() for one in own if len(one.times)), default=0.0)
