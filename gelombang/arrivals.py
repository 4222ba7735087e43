"""The plan: exactly how many people come and when each of them is due, decided before the run.

The count is exact, round(integral × sample × load). Given the count, the arrivals of a Poisson process with this rate are independent
draws from the normalised rate (Cox and Lewis, "The Statistical Analysis of Series of Events", 1966, section 2.1): one counter-based
uniform number per person, sorted, pushed through the inverse of the cumulative. Sorting, square roots and divisions are exact to the last
bit on every machine, so the same scenario, scale and seed give the same bytes. Person i is the i-th to arrive and belongs to generator
process i mod W, whatever W is.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS
from gelombang.curve import Rate, rate_of
from gelombang.errors import InputError
from gelombang.feeds import require_rows
from gelombang.person import PEOPLE_LIMIT
from gelombang.scale import Dimension, Scale
from gelombang.scenario import Scenario
from gelombang.seeds import Purpose, unit_array

HOUR_SECONDS = 3_600.0


@dataclass(frozen=True, eq=False)
class ArrivalPlan:
    """Who is due when. Index = place in `due_us`: int64 wall microseconds since the run's zero, ascending, at least 1."""

    due_us: NDArray[np.int64]
    for_us: int
    """Wall time in which arrivals are due."""
    identity: str
    """Canonical JSON of scenario, scale, seed and length: with the due times, what the digest covers."""

    @property
    def people(self) -> int:
        """How many are planned."""
        return len(self.due_us)

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex over the identity and the due times as little-endian bytes."""
        hashed = hashlib.sha256(self.identity.encode())
        hashed.update(self.due_us.astype("<i8").tobytes())
        return hashed.hexdigest()

    def stripe(self, process: int, processes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The indices and due times of the people of one generator process."""
        assert 0 <= process < processes
        indices = np.arange(process, self.people, processes, dtype=np.int64)
        return indices, self.due_us[process::processes]

    def offered_per_window(self, window_us: int) -> NDArray[np.int64]:
        """How many are due in each window of wall time from zero on; the last window may be a short one."""
        assert window_us > 0
        windows = max(1, -(-self.for_us // window_us))
        return np.bincount(np.minimum(self.due_us // window_us, windows - 1), minlength=windows).astype(np.int64)


def planned_people(scenario: Scenario, scale: Scale, for_seconds: float | None = None) -> int:
    """How many people the plan would have, without making it."""
    return _count(rate_of(scenario.arrivals, for_seconds), scale)


def busiest_hour_people(scenario: Scenario, scale: Scale, for_seconds: float | None = None) -> int:
    """How many come, at most, between two full hours of people's time; all of them when the plan is shorter."""
    rate = rate_of(scenario.arrivals, for_seconds)
    ends = np.append(np.arange(0.0, rate.duration_seconds, HOUR_SECONDS), rate.duration_seconds)
    return round(float(np.diff(rate.expected_until(ends)).max()) * scale.factor(Dimension.ARRIVALS))


def make_plan(scenario: Scenario, scale: Scale, seed: int, for_seconds: float | None = None) -> ArrivalPlan:
    """The plan of a loaded scenario (at full size) under a scale.

    `for_seconds`, people's time, takes the place of the scenario's own. Raises InputError when nobody, or more people than can have a NIK
    of their own, would come; FileError when a unique feed has fewer rows.
    """
    rate = rate_of(scenario.arrivals, for_seconds)
    count = _count(rate, scale)
    require_rows(scenario.feed, count)
    shares = unit_array(seed, np.arange(count, dtype=np.int64), Purpose.ARRIVAL)
    shares.sort()
    wall = rate.inverse(shares * rate.total) * scale.factor(Dimension.WAITING)
    due_us = np.maximum(1, (wall * MICROSECONDS).astype(np.int64))
    for_us = int(scale.wall_seconds(rate.duration_seconds) * MICROSECONDS)
    return ArrivalPlan(due_us, for_us, _identity(scenario, scale, seed, rate.duration_seconds))


def _count(rate: Rate, scale: Scale) -> int:
    expected = rate.total * scale.factor(Dimension.ARRIVALS)
    count = round(expected)
    if count < 1:
        raise InputError(f"the plan has {expected:.2g} people; want at least 1: a larger --sample or a longer --for")
    if count > PEOPLE_LIMIT:
        raise InputError(f"the plan has {count:,} people; want at most {PEOPLE_LIMIT:,}, one for each NIK: a smaller --sample or --load")
    return count


_NO_PART_OF_THE_PLAN: Any = {
    "feed": {"__all__": {"content": {"path"}}},
    "browser_probes": True,
    "browser_probe_at": True,
    "complaints": True,
}
"""Where a feed lies on this machine, what it holds is part; a browser that walks beside the people; and what they say elsewhere."""


def _identity(scenario: Scenario, scale: Scale, seed: int, for_seconds: float) -> str:
    return json.dumps(
        {
            "scenario": scenario.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_NO_PART_OF_THE_PLAN),
            "scale": {"sample": str(scale.sample), "speed": scale.speed, "bytes_ratio": scale.bytes_ratio, "load": scale.load},
            "seed": seed,
            "for_seconds": for_seconds,
        },
        sort_keys=True,
        separators=(",", ":"),
    )
