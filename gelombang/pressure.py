"""How many newcomers a process lets in while its processor is behind: a share that is learned from its own delay.

A process that is asked for more than it can do answers everybody late, people leave, come again, and what it does is done for nobody. What
it can know is how late it comes to anything: the delay of a timer. While even the least delay of an interval is above a target the process
is behind (the test is CoDel's: Nichols and Jacobson, "Controlling queue delay", 2012), and the share of newcomers falls by a factor; else
it rises by a step (additive increase, multiplicative decrease: Chiu and Jain, 1989). Who is inside comes before newcomers: they are let in
as long as the share is not at its bottom, and then two of three.

The share is kept exactly and without chance: of n newcomers it lets in `share × n`, evenly. Pure: times come in, in microseconds.
"""

import math
from dataclasses import dataclass

FALL, RISE = 0.7, 0.05
SHARE_FLOOR = 0.02
"""Some are always let in: how else would it be known that there is room again?"""
INSIDE_SHARE_AT_FLOOR = 2 / 3


@dataclass(frozen=True, slots=True)
class PressureRule:
    """When a process is behind."""

    target_us: int
    interval_us: int


class Pressure:
    """Of one process."""

    def __init__(self, rule: PressureRule) -> None:
        assert 0 < rule.target_us <= rule.interval_us
        self._rule = rule
        self._interval_end_us = -math.inf
        self._least_us = math.inf
        self._owed = {False: 0.0, True: 0.0}
        self.share = 1.0
        """Of newcomers, that are let in now."""

    def looked(self, now_us: int, delay_us: int) -> None:
        """A timer came this late."""
        self._least_us = min(self._least_us, delay_us)
        if now_us < self._interval_end_us:
            return
        if self._least_us > self._rule.target_us:
            self.share = max(SHARE_FLOOR, self.share * FALL)
        else:
            self.share = min(1.0, self.share + RISE)
        self._interval_end_us = now_us + self._rule.interval_us
        self._least_us = math.inf

    def lets_in(self, is_inside: bool) -> bool:
        """Whether the next one is let in; ask once for each."""
        if self.share >= 1.0 or (is_inside and self.share > SHARE_FLOOR):
            return True
        self._owed[is_inside] += INSIDE_SHARE_AT_FLOOR if is_inside else self.share
        if self._owed[is_inside] < 1.0:
            return False
        self._owed[is_inside] -= 1.0
        return True
