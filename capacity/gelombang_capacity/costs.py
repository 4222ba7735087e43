"""What requests cost a site, measured and not declared: demands of CPU, commits of the database, and what an answer takes besides.

A request holds the event loop of its process for its CPU demand; when its own handler has run, which is sooner, it goes on to a password
thread if it has a password, then to the database's writer if it changes something; those are lines, and get longer with load. What is left
of an answer's time (the kernel's way there and back, the threads' hand-over, the generator's clock and parsing) keeps nobody else waiting.
Each of them differs from request to request: a `Spread` is the measured quantile function, from which the simulator draws for each person
and try.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS

LEVELS = 65
"""Points of a spread: quantiles at every 64th, straight lines between."""
FIXED = -1
"""In place of a row: no spread, every request takes the same."""

Spread = tuple[float, ...]
"""Quantiles in seconds at 0, 1/64, ... 63/64, and the end of the last line."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What requests cost the site, in full-size terms; not in any profile, because machines differ.

    Seconds are WALL time at every scale, because real cost does not scale, but for `hash_seconds`.
    """

    api_seconds: float = 0.0004
    """CPU of a small request."""
    api_spread: Spread = ()
    """Empty: each takes `api_seconds`."""
    api_after_seconds: float = 0.0
    """The part of a small request's CPU that its own answer does not wait for, because it comes beside or after the handler (the database's
    thread, the kernel, the connection's end): whoever comes next waits for it all the same. At most the shortest of `api_spread`."""
    ticket_seconds: float = 0.0004
    """CPU of a wish for a ticket, in the process that takes uploads."""
    ticket_spread: Spread = ()
    api_processes: int = 1
    hash_seconds: float = 0.018
    """argon2id at 19 MiB and two passes, in the people's time, as the scale rule has it."""
    commit_spread: Spread = ()
    """One transaction of the database. Whoever comes while one is under way goes into the next, together. Empty: no time at all."""
    answers: Mapping[str, Spread] = field(default_factory=dict)
    """By step: what an answer takes beyond lines, CPU, commit and the person's round trip; a photo step's is that of its wish for a ticket.
    A step that is not there takes nothing more."""
    round_trip_from_seconds: float = 0.0
    """Round trips shorter than this are not waited for: 0.005 is a live run's, where a real request takes about as long."""


def spread_of(values: NDArray[np.float64]) -> Spread:
    """The spread of measured times. Its last point is not the longest of them but such that the longest 64th keeps its mean: a straight
    line to the one that took a second would make all of them long."""
    points = np.quantile(values, np.linspace(0.0, 1.0, LEVELS))
    points[-1] = max(points[-2], 2 * float(values[values >= points[-2]].mean()) - points[-2])
    return tuple(map(float, points))


def scaled_to(spread: Sequence[float], mean: float) -> Spread:
    """The same form about another mean."""
    now = mean_of(spread)
    return tuple(value * mean / now for value in spread) if now > 0 else (mean,) * LEVELS


def moved_to(spread: Sequence[float], mean: float) -> Spread:
    """The same differences about another mean; none is below 0."""
    by = mean - mean_of(spread)
    return tuple(max(0.0, value + by) for value in spread)


def mean_of(spread: Sequence[float]) -> float:
    """The mean of what is drawn from a spread: straight lines between its points."""
    return float(np.mean((np.array(spread[:-1]) + np.array(spread[1:])) / 2))


class SpreadRows:
    """Spreads as rows of one table, in microseconds."""

    def __init__(self) -> None:
        self._rows: list[Spread] = []

    def add(self, spread: Spread) -> int:
        """The number of its row; FIXED when there is none."""
        if not spread:
            return FIXED
        assert len(spread) == LEVELS
        self._rows.append(spread)
        return len(self._rows) - 1

    @property
    def table(self) -> NDArray[np.float64]:
        return np.array(self._rows, dtype=np.float64).reshape(-1, LEVELS) * MICROSECONDS
