"""The canary: how many of the first people are looked at before the others are believed to be safe, and when they end the run.

Leaves out where their outcomes come from, and that arrivals go on meanwhile: `gelombang_loadtests.harm_watch`.
"""

import math
from collections.abc import Mapping, Sequence

from gelombang.stops import GOOD, UNDECIDED, Stop, StopRule

CANARY_RATIO = 0.01
CANARY_PEOPLE_LEAST = 10
CANARY_ATTEMPTS_LEAST = 10
"""Decided attempts of the first people before they are judged."""
CANARY_ENDED_LEAST = 5
"""First people whose way has ended, before that is judged."""
CANARY_BAD_LIMIT_RATIO = 0.5
"""The run ends when more than this share of the first people's decided attempts was bad, or of their ways did not end in finished."""


def canary_people(people: int) -> int:
    """How many of the first people are looked at before the others are believed to be safe."""
    return min(people, max(CANARY_PEOPLE_LEAST, math.ceil(people * CANARY_RATIO)))


def judge_canary(outcomes: Mapping[str, int], harmless: Sequence[str], now_us: int) -> Stop | None:
    """The stop when the first people fare badly; None when they do well, or too few of their attempts have been decided."""
    decided = {name: count for name, count in outcomes.items() if name not in UNDECIDED and name not in harmless}
    total = sum(decided.values())
    bad = sum(count for name, count in decided.items() if name not in GOOD)
    if total < CANARY_ATTEMPTS_LEAST or bad <= CANARY_BAD_LIMIT_RATIO * total:
        return None
    worst = max((name for name in decided if name not in GOOD), key=lambda name: decided[name])
    reason = (
        f"{bad} of the first {total} attempts of the first people ended badly, most of them {worst}; "
        f"want at most {CANARY_BAD_LIMIT_RATIO:.0%}"
    )
    return Stop("the canary", reason, now_us)


def judge_first_people(fates: Mapping[str, int], harmless: Sequence[str], now_us: int) -> Stop | None:
    """The stop when the first people do not finish, however well their attempts go; None when they do, or too few ways have ended.

    Not judged in a scenario that calls outcomes harmless: there people may leave. Who was never reachable says nothing about the target.
    """
    bad = fates.get("gave_up", 0) + fates.get("rejected", 0)
    ended = bad + fates.get("finished", 0)
    if harmless or ended < CANARY_ENDED_LEAST or bad <= CANARY_BAD_LIMIT_RATIO * ended:
        return None
    reason = f"{bad} of the first {ended} people whose way ended did not finish; want at most {CANARY_BAD_LIMIT_RATIO:.0%}"
    return Stop("the canary", reason, now_us)


def harmless_outcomes(rules: Sequence[StopRule]) -> list[str]:
    """Outcomes that any rule calls harmless: the canary does not count them either."""
    return sorted({name for rule in rules for name in rule.harmless})
