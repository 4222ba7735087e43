"""The search for a limit: double until it breaks, then noisy bisection, then a longer hold at a load that should be carried.

The load is a multiple of the scenario's own arrivals, which are open: nobody waits with arriving until the site has answered. A probe is
one run at one load, made by whoever calls (live or simulated). A probe with doubts counts for nothing and is repeated with other people,
so often and no more; a probe at which the backlog grows has broken, whatever its objectives say.

The confirming hold is part of the answer: the load that it was made at, and not the limit's most likely value, is what the site is said
to carry. When it breaks, the search goes on with what that taught, and confirms again, so often and no more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from gelombang_capacity.limit_belief import LimitBelief

CONFIDENCE = 0.9
CONFIRMATIONS_LIMIT = 3
DOUBTED_LIMIT = 3
"""Probes at one load that do not count, before the search gives up there."""
MARGIN_RATIO = 1.25
"""How far beyond the last met and the first broken load the limit may lie: either may have been chance."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What one run at one load said."""

    load: float
    number: int
    """From 1; the seed of its people follows from it."""
    is_long: bool
    is_met: bool
    doubts: tuple[str, ...] = ()
    """Why it does not count."""
    broken: tuple[str, ...] = ()
    """Objectives that were not met, and a growing backlog, in words."""
    first_broken: str = ""
    """The step and the stage in which it broke first."""
    busiest: str = ""
    """What was used most, in words."""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class SearchRules:
    """How far a search goes."""

    first_load: float = 1.0
    smallest_load: float = 1 / 64
    largest_load: float = 64.0
    precision_ratio: float = 0.05
    """The interval may reach this far to either side."""
    probes_limit: int = 40


@dataclass(slots=True)
class Found:
    """The end of a search. Without `limit` there is none, and `reason` says why."""

    probes: list[Probe] = field(default_factory=list)
    limit: float | None = None
    low: float | None = None
    high: float | None = None
    confirmed: float | None = None
    """The largest load at which a longer hold met everything."""
    reason: str = ""


Run = Callable[[float, int, bool], Probe]
"""A probe: load, number, and whether it is a longer hold."""


class _StoppedError(Exception):
    """The search can't go on, for the reason it carries."""


def search(run: Run, rules: SearchRules) -> Found:
    """Find the limit; never raises for what a probe says."""
    found = Found()
    try:
        met, broken = _bracket(found, run, rules)
        _narrow(found, run, rules, _belief(found, met, broken))
    except _StoppedError as stop:
        found.reason = str(stop)
    return found


def _belief(found: Found, met: float, broken: float) -> LimitBelief:
    """Everything seen so far, over loads around the bracket."""
    belief = LimitBelief(met / MARGIN_RATIO, broken * MARGIN_RATIO)
    for probe in found.probes:
        if not probe.doubts:
            belief.saw(probe.load, probe.is_met)
    return belief


def _bracket(found: Found, run: Run, rules: SearchRules) -> tuple[float, float]:
    """A load that is met and one, twice as large, that is not."""
    load = rules.first_load
    if _probe(found, run, rules, load).is_met:
        while True:
            if 2 * load > rules.largest_load:
                raise _StoppedError(f"a load of {load:g} is carried still; want a scenario whose arrivals are nearer to the site's limit")
            if not _probe(found, run, rules, 2 * load).is_met:
                return load, 2 * load
            load *= 2
    while True:
        if load / 2 < rules.smallest_load:
            raise _StoppedError(f"a load of {load:g} is not carried; its probe says why, and no smaller one was tried")
        if _probe(found, run, rules, load / 2).is_met:
            return load / 2, load
        load /= 2


def _narrow(found: Found, run: Run, rules: SearchRules, belief: LimitBelief) -> None:
    confirmations = 0
    while True:
        low, high = belief.interval(CONFIDENCE)
        found.limit, found.low, found.high = belief.quantile(0.5), low, high
        if high / low > ((1 + rules.precision_ratio) / (1 - rules.precision_ratio)):
            probe = _probe(found, run, rules, _next_load(found, belief))
            belief.saw(probe.load, probe.is_met)
            continue
        confirmations += 1
        probe = _probe(found, run, rules, low, is_long=True)
        if probe.is_met:
            found.confirmed = low
            return
        if confirmations == CONFIRMATIONS_LIMIT:
            raise _StoppedError(f"{confirmations} longer holds broke at loads that short ones carried; want a longer --hold")
        belief.saw(probe.load, False)
        belief.saw(probe.load, False)  # it lasted twice as long, so it says as much as two


def _next_load(found: Found, belief: LimitBelief) -> float:
    """Alternately near the lower and the upper quarter: both sides of a soft limit are looked at, and none from one side only."""
    counted = sum(not probe.doubts for probe in found.probes)
    return belief.quantile(0.35 if counted % 2 else 0.65)


def _probe(found: Found, run: Run, rules: SearchRules, load: float, is_long: bool = False) -> Probe:
    """One probe that counts."""
    for _ in range(DOUBTED_LIMIT):
        if len(found.probes) >= rules.probes_limit:
            raise _StoppedError(f"{rules.probes_limit} probes were not enough; want more --probes or less --precision")
        probe = run(load, len(found.probes) + 1, is_long)
        found.probes.append(probe)
        if not probe.doubts:
            return probe
    raise _StoppedError(f"{DOUBTED_LIMIT} probes at a load of {load:.4g} doubted themselves: {found.probes[-1].doubts[0]}")
