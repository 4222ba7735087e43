"""An engine on virtual time whose attempts are a function, and a book that remembers."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gelombang.attempt import Fate
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.due_people import Arrivals
from gelombang_loadtests.engine import Engine
from gelombang_loadtests.engine_ports import EngineLimits, Next, RunEnd
from tests.unit.virtual_loop import VirtualLoop

SECOND = 1_000_000


@dataclass
class Ledger:
    """A book that remembers."""

    begun: list[tuple[int, int]] = field(default_factory=list)
    """(now, person) of every attempt, in the order in which they began."""
    fates: dict[int, Fate] = field(default_factory=dict)
    people: set[int] = field(default_factory=set)

    def cut(self, applicant: Applicant, now_us: int) -> Fate:
        self.fates[applicant.index] = Fate.CUT
        return Fate.CUT

    def unsent(self, index: int, due_us: int) -> None:
        self.fates[index] = Fate.UNSENT

    def waiting_at_the_end(self, now_us: int) -> int:
        waiting = self.people - set(self.fates)
        self.fates |= dict.fromkeys(waiting, Fate.WAITING)
        return len(waiting)


def arrivals(due_seconds: list[float], first: int = 0) -> Arrivals:
    """People numbered from `first` on."""
    due_us = np.array([round(s * SECOND) for s in due_seconds], dtype=np.int64)
    return Arrivals(due_us, np.arange(first, first + len(due_us), dtype=np.int64))


class Surge:
    """An engine on virtual time whose attempts are a function of (surge, applicant)."""

    def __init__(
        self,
        due_seconds: list[float],
        attempt: Callable[["Surge", Applicant], Next],
        end_seconds: float = 100.0,
        in_flight_limit: int = 1000,
        messages_may_come: bool = False,
    ) -> None:
        self.loop = VirtualLoop()
        self.ledger = Ledger()
        self._what = attempt
        self.engine = Engine(
            arrivals(due_seconds),
            EngineLimits(in_flight_limit=in_flight_limit, steps=3),
            RunEnd(round(end_seconds * SECOND)),
            self.loop,
            self._attempt,
            self.ledger,
            lambda: messages_may_come,
        )

    def _attempt(self, applicant: Applicant) -> Next:
        self.ledger.begun.append((self.loop.now_us(), applicant.index))
        self.ledger.people.add(applicant.index)
        then = self._what(self, applicant)
        if isinstance(then, Fate):
            self.ledger.fates[applicant.index] = then
        return then

    def takes(self, seconds: float) -> None:
        self.loop.sleep_until(self.loop.now_us() + round(seconds * SECOND))

    def run(self) -> "Surge":
        self.loop.run(self.engine.run)
        assert sum(self.engine.fates.values()) == self.engine.planned
        assert len(self.ledger.fates) == self.engine.planned
        return self

    def fates(self, fate: Fate) -> list[int]:
        return sorted(index for index, found in self.ledger.fates.items() if found is fate)


def finish(surge: Surge, applicant: Applicant) -> Next:
    surge.takes(1.0)
    return Fate.FINISHED
