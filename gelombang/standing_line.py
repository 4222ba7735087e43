"""A bounded line before a few places that does not stand: CoDel decides who has waited too long, and while it does, the newest goes first.

A line that empties now and then only smooths a burst, whatever its length. A line that *stands* makes everybody wait and serves people
who have given up. The two are told apart by the shortest wait within an interval (Nichols and Jacobson, "Controlling queue delay", 2012):
while even the luckiest waited longer than the target, the line stands. Here, as where Facebook runs it for requests (Maurer, "Fail at
scale", 2015): a standing line refuses whoever has waited twice the target, and serves the newest first, who is the likeliest to be there
still; a line that does not stand is first come, first served and refuses nobody.

The wait that is looked at is that of the one who stands first, even while the newest are served: otherwise serving them would make
the line look short while the old still stand in it. Pure: time comes in, in microseconds. Left out: priorities among those who wait.
"""

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gelombang.admission import Place, place_for_turn

Job = TypeVar("Job", bound=Hashable)

REFUSED_AFTER_TARGETS = 2
"""How many targets somebody may have waited in a standing line: CoDel's "slough" as Facebook has it."""


@dataclass(frozen=True, slots=True)
class LineRule:
    """How long the line may be, and when it stands."""

    line_limit: int
    target_us: int
    interval_us: int


class StandingLine(Generic[Job]):
    """Jobs that have a place, and jobs in line for one. A job asks once, and leaves or is done once."""

    def __init__(self, rule: LineRule, places_limit: int) -> None:
        assert rule.line_limit >= 0
        assert 0 < rule.target_us <= rule.interval_us
        assert places_limit > 0
        self._rule = rule
        self._line: OrderedDict[Job, int] = OrderedDict()
        """When each asked."""
        self._interval_end_us = -math.inf
        self._shortest_us = 0
        self.places_limit = places_limit
        """May change at any time: those who have a place keep it."""
        self.in_place = 0
        self.stands = False

    @property
    def waiting(self) -> int:
        """Jobs in line."""
        return len(self._line)

    def ask(self, now_us: int, job: Job) -> Place:
        """A place, a place in line, or none at all: then nothing is kept of the job."""
        self._look(now_us)
        place = place_for_turn(self.in_place, self.places_limit, len(self._line), self._rule.line_limit)
        if place is Place.TURN:
            self.in_place += 1
        elif place is Place.QUEUE:
            self._line[job] = now_us
        return place

    def leave(self, job: Job) -> bool:
        """A job goes out of the line; False when it is not in it any more."""
        return self._line.pop(job, None) is not None

    def done(self) -> None:
        """A job gives back its place."""
        assert self.in_place > 0
        self.in_place -= 1

    def next_refused(self, now_us: int) -> list[Job]:
        """Who has waited too long in a line that stands: they are out of it, and are to be told so."""
        self._look(now_us)
        if not self.stands:
            return []
        refused = []
        while self._line and self._longest_us(now_us) > REFUSED_AFTER_TARGETS * self._rule.target_us:
            refused.append(self._line.popitem(last=False)[0])
        return refused

    def next_begun(self, now_us: int) -> list[Job]:
        """Who gets a place now, in this order."""
        begun = []
        while self._line and self.in_place < self.places_limit:
            begun.append(self._line.popitem(last=self.stands)[0])
            self.in_place += 1
        self._look(now_us)
        return begun

    def _longest_us(self, now_us: int) -> int:
        return now_us - next(iter(self._line.values())) if self._line else 0

    def _look(self, now_us: int) -> None:
        """Once an interval: does the line stand? In between: the shortest wait that was seen."""
        longest_us = self._longest_us(now_us)
        if now_us >= self._interval_end_us:
            self.stands = self._shortest_us > self._rule.target_us and self._interval_end_us > -math.inf
            self._interval_end_us = now_us + self._rule.interval_us
            self._shortest_us = longest_us
        self._shortest_us = min(self._shortest_us, longest_us)
        if not self._line:
            self.stands = False
