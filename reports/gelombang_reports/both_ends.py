"""The same attempts as the person's end and as the server's end timed them, over a run, from people's rows that come part by part.

Counts per bucket of the histogram stand for the times, so a quantile is within its error (0.8 %).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS
from gelombang.evidence import Evidence
from gelombang.histogram import BUCKETS, bucket_middles_us, buckets_of
from gelombang.row_match import NOT_JOINED
from gelombang.step_totals import decided
from gelombang.steps import Step
from gelombang.windows import WindowGrid
from gelombang_reports.response import SAMPLES_WANTED
from gelombang_reports.spread import PROBABILITIES

COLUMNS_LIMIT = 31


@dataclass(frozen=True, slots=True)
class BothEndsTimes:
    """One quantile of the same attempts, as the person's end and as the server's end measured them, per column of the time axis."""

    quantile: str
    column_seconds: float
    client_seconds: tuple[float | None, ...]
    server_seconds: tuple[float | None, ...]


class BothEnds:
    """Attempts that both ends ended; by the moment at which their person was done."""

    def __init__(self, steps: Sequence[Step], grid: WindowGrid) -> None:
        self._steps = steps
        self._grid = grid
        self._merged = ceil(grid.count / COLUMNS_LIMIT)
        self._columns = ceil(grid.count / self._merged)
        self._counts: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        """By step, what either end measured: attempts by column and bucket."""

    def add(self, evidence: Evidence, server_of: NDArray[np.int64]) -> None:
        """All attempts of people who were not there yet."""
        rows = evidence.generator
        there = (server_of != NOT_JOINED) & decided(rows) & (rows["done"] > 0)
        rows, server = rows[there], evidence.server[server_of[there]]
        ended = server["ended"] > 0
        rows, server = rows[ended], server[ended]
        column = self._grid.of(rows["done"]) // self._merged
        for index in range(len(self._steps)):
            own = rows["step"] == index
            if own.any():
                times = (rows["done"][own] - rows["sent"][own], server["ended"][own] - server["began"][own])
                counts = self._counts.setdefault(index, (self._empty(), self._empty()))
                for total, us in zip(counts, times, strict=True):
                    places = column[own] * BUCKETS + buckets_of(np.maximum(us, 0))
                    np.add(total, np.bincount(places, minlength=total.size).reshape(total.shape), out=total)

    def times(self) -> dict[str, BothEndsTimes]:
        """By name of step, in the people's time."""
        found = {}
        for index, counts in sorted(self._counts.items()):
            samples = counts[0].sum(axis=1)
            quantile = "p90" if np.median(samples[samples > 0]) >= SAMPLES_WANTED["p90"] else "p50"
            ends = [self._by_column(end, quantile) for end in counts]
            found[self._steps[index].step] = BothEndsTimes(quantile, self._grid.seconds * self._merged, *ends)
        return found

    def _empty(self) -> NDArray[np.int64]:
        return np.zeros((self._columns, BUCKETS), dtype=np.int64)

    def _by_column(self, counts: NDArray[np.int64], quantile: str) -> tuple[float | None, ...]:
        """The quantile of each column, at nearest rank; None where its samples do not carry it."""
        found: list[float | None] = []
        for column in counts:
            samples = int(column.sum())
            place = np.searchsorted(np.cumsum(column), max(ceil(PROBABILITIES[quantile] * samples), 1))
            enough = samples >= SAMPLES_WANTED[quantile]
            found.append(float(f"{bucket_middles_us()[place] * self._grid.speed / MICROSECONDS:.3g}") if enough else None)
        return tuple(found)
