"""A waiting room: who can't be let in draws a place, and is told the time at which it will be theirs.

Nobody loses by waiting where the selection is by lot, so the order may be by lot as well: places come in *blocks*, each as many as the site
lets in within some minutes, and who asks draws one of those still free in the open block. Coming a second earlier, or asking again, gains
nothing: a person has one place until it is used or over. Blocks follow one another without gaps, so the site does not run dry between
them. The told time is true because places are as many as the site can serve, and whoever comes in their time goes before those who
come without one (`gelombang.admission.budget_ratio_in_room`).

A promise is *kept* when the person was let in after a time within `PROMISE_RATIO` of the told one, told when the place was drawn.
Pure: time comes in, in microseconds, and so do draws. Left out: places that grow fewer when the site becomes slower than its profile
says; then promises are broken, and counted.
"""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

PROMISE_RATIO = 0.2


@dataclass(frozen=True, slots=True)
class RoomRule:
    """How many people a second find a place, and how places are drawn."""

    people_per_second: float
    block_people: int
    soonest_us: int
    """No place is nearer than this."""
    horizon_us: int
    """Nor further away: beyond it nobody is promised anything."""
    grace_us: int
    """How long after its time a place is still good."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a person was told at `told_us`: a place at `at_us`."""

    told_us: int
    at_us: int

    def is_kept(self, admitted_us: int) -> bool:
        """Whether the person who was let in at `admitted_us` had been told the truth."""
        told, waited = self.at_us - self.told_us, admitted_us - self.told_us
        return abs(waited - told) <= PROMISE_RATIO * told


class WaitingRoom:
    """Promises that are open, each person's one. `draw(n)` is a whole number from 0 to n - 1."""

    def __init__(self, rule: RoomRule, draw: Callable[[int], int]) -> None:
        assert rule.people_per_second > 0
        assert rule.block_people > 0
        self._rule = rule
        self._draw = draw
        self._gap_us = 1e6 / rule.people_per_second
        self._free: list[int] = []
        """Of the open block: the n-th place of all is at n gaps."""
        self._next_block = 0
        self._promises: dict[int, Promise] = {}
        self._ends: list[tuple[int, int]] = []

    @property
    def people(self) -> int:
        """People with a place, as of the last call."""
        return len(self._promises)

    def promise(self, now_us: int, person: int) -> Promise | None:
        """The person's place: the one they have, or one that is drawn now. None: there is none before the horizon."""
        if (known := self.promised(now_us, person)) is not None:
            return known
        place = self._drawn(now_us)
        if place is None:
            return None
        drawn = Promise(now_us, round(place * self._gap_us))
        self.keep(now_us, person, drawn)
        return drawn

    def promised(self, now_us: int, person: int) -> Promise | None:
        """The place that the person has."""
        while self._ends and self._ends[0][0] < now_us:
            _, one = heapq.heappop(self._ends)
            if one in self._promises and self._end_us(self._promises[one]) < now_us:
                del self._promises[one]
        return self._promises.get(person)

    def keep(self, now_us: int, person: int, promise: Promise) -> None:
        """Remember a promise, one that was shown for instance; who has one keeps that, and one that is over is none."""
        if person not in self._promises and self._end_us(promise) >= now_us:
            self._promises[person] = promise
            heapq.heappush(self._ends, (self._end_us(promise), person))

    def is_due(self, now_us: int, person: int) -> bool:
        """Whether the person has a place and its time has come."""
        promise = self.promised(now_us, person)
        return promise is not None and promise.at_us <= now_us

    def admitted(self, person: int) -> Promise | None:
        """The person is in: their place, if they had one, is used."""
        return self._promises.pop(person, None)

    def _end_us(self, promise: Promise) -> int:
        return promise.at_us + self._rule.grace_us

    def _drawn(self, now_us: int) -> int | None:
        """A free place of the open block; of the next, when all of it is given away or past."""
        rule = self._rule
        first = math.ceil((now_us + rule.soonest_us) / self._gap_us)
        while True:
            while self._free:
                at = self._draw(len(self._free))
                place, self._free[at] = self._free[at], self._free[-1]
                self._free.pop()
                if place >= first:
                    return place
            block = max(self._next_block, first // rule.block_people)
            if (block + 1) * rule.block_people * self._gap_us > now_us + rule.horizon_us:
                return None
            self._next_block = block + 1
            self._free = list(range(max(block * rule.block_people, first), (block + 1) * rule.block_people))
