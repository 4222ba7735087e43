"""What was answered: whether head goes wrong in more pairs than base, before anything is asked about what an answer costs.

Promise: chance alone makes a route wrong only as often as the part of alpha allows that is given for it; a route that head never answers as
wanted is wrong for certain; a base that goes wrong itself is no base.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

from gelombang.errors import InputError
from gelombang_gates.gate_file import GateRoute
from gelombang_gates.pairs import Lane, Pair
from gelombang_gates.sequence import holm

ANSWERS_DOUBT = 0.2
"""From three pairs out of three on, a route that goes wrong more often is no pass, even before it is a failure."""
NEVER_RIGHT_PAIRS = 2
"""A route that head never once answers as wanted, in so many pairs, is wrong for certain and no matter of chance."""
BASE_UNWANTED_LIMIT = 0.01
"""Share of a route's requests that base may answer otherwise; more, and there is nothing to compare head with."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one route answered in all pairs."""

    wanted: str
    base: Mapping[str, int]
    head: Mapping[str, int]
    p: float
    """Of "head does not go wrong in more pairs than base", after Holm."""
    failed: bool
    doubtful: bool
    """Head may go wrong more often; this is no pass."""


def answers_of(seen: Sequence[Pair], routes: Sequence[GateRoute], alpha: float) -> dict[str, Answers]:
    """By route, with head's false alarms of all routes together at most `alpha`. A pair counts once, however many of its requests went
    wrong: they are not independent (an exact sign test over pairs). Raises InputError when base itself does not answer as wanted."""
    mixes: dict[str, tuple[Counter[str], Counter[str]]] = {}
    raw: list[float] = []
    for route in routes:
        wanted = str(route.status)
        base, head = (sum((pair.outcomes[lane, route.name] for pair in seen), Counter[str]()) for lane in (Lane.BASE, Lane.HEAD))
        unwanted = base.total() - base[wanted]
        if unwanted > BASE_UNWANTED_LIMIT * base.total():
            raise InputError(f"base answered {unwanted} of {base.total()} requests of {route.name} with {_mix(base)}; want {wanted}")
        worse = sum(_unwanted(pair, Lane.HEAD, route) > _unwanted(pair, Lane.BASE, route) for pair in seen)
        better = sum(_unwanted(pair, Lane.HEAD, route) < _unwanted(pair, Lane.BASE, route) for pair in seen)
        n = worse + better
        raw.append(sum(comb(n, k) for k in range(worse, n + 1)) / 2**n)
        mixes[route.name] = (base, head)
    adjusted, certain = holm(raw), never_right(seen, routes)
    return {
        route.name: Answers(
            str(route.status),
            dict(mixes[route.name][0]),
            dict(mixes[route.name][1]),
            p,
            p <= alpha or route.name in certain,
            own <= ANSWERS_DOUBT,
        )
        for route, p, own in zip(routes, adjusted, raw, strict=True)
    }


def never_right(seen: Sequence[Pair], routes: Sequence[GateRoute]) -> list[str]:
    """Routes that head answered wrongly in all of NEVER_RIGHT_PAIRS pairs or more; none in fewer."""
    if len(seen) < NEVER_RIGHT_PAIRS:
        return []
    return [route.name for route in routes if not any(pair.outcomes[Lane.HEAD, route.name][str(route.status)] for pair in seen)]


def _unwanted(pair: Pair, lane: Lane, route: GateRoute) -> int:
    outcomes = pair.outcomes[lane, route.name]
    return outcomes.total() - outcomes[str(route.status)]


def _mix(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{status} ({count} times)" for status, count in sorted(outcomes.items()))
