"""The open-arrival engine: everybody begins when the plan says, whatever became of those before them.

One heap of wake-ups holds the people between two attempts; a task runs only during an attempt, and goes on where the next one is due at
once. Arrivals come lazily from the plan's array of due times. What an attempt is, the engine does not know: it calls `attempt(applicant)`
in a task and gets back what comes next.

People end in exactly one fate. When arrivals are over the run drains until its end, or until nobody can act any more; then open
attempts are cut. People in an exchange at the end are CUT, people between attempts are WAITING, people never started are UNSENT.
"""

import heapq
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TypeGuard

import numpy as np

from gelombang.attempt import Fate
from gelombang.clock import MICROSECONDS
from gelombang.errors import GelombangError
from gelombang_loadtests.applicant import Applicant, State
from gelombang_loadtests.due_people import NEVER_US, Arrivals
from gelombang_loadtests.engine_ports import Again, Attempt, Book, EngineLimits, Next, RunEnd
from gelombang_loadtests.keep_alive import KEEP_ALIVE_SECONDS
from gelombang_loadtests.loop import Loop
from gelombang_loadtests.tabs import Tab, Tabs

CUT_GRACE_US = 200_000
"""Attempts whose patience was shortened to the end of the run get this long to say in which phase the end met them."""

RESTS_AFTER_US = int(KEEP_ALIVE_SECONDS * MICROSECONDS)
"""Wall time after which somebody who waits for a message is taken to be away: as long as an idle connection is kept. Most messages are here
within the second; behind a registry with a line of its own hundreds of thousands wait for an hour."""


class Engine:
    """Runs one process's share of a plan. `run` returns when every person has a fate."""

    def __init__(
        self,
        arrivals: Arrivals,
        limits: EngineLimits,
        end: RunEnd,
        loop: Loop,
        attempt: Attempt,
        book: Book,
        messages_may_come: Callable[[], bool],
        tabs: Tabs | None = None,
    ) -> None:
        assert limits.in_flight_limit > 0
        self._arrivals = arrivals
        self._due_us = arrivals.due_us
        """Ascending, also when somebody came late into the plan."""
        self._limits = limits
        self._loop = loop
        self._attempt = attempt
        self._book = book
        self._messages_may_come = messages_may_come
        self._tabs = tabs or Tabs()
        self._tabs.later = self._later
        self._wake_ups: list[tuple[int, int, Applicant]] = []
        self._lately_parked: deque[tuple[int, int, Applicant]] = deque()
        """(since when, ticket, who), the longest first; whoever has been in it for RESTS_AFTER_US leaves it as a small row."""
        self._sequence = 0
        self._in_flight: set[Applicant] = set()
        self._next_arrival = 0
        self.stopped_us = NEVER_US
        """When arrivals ended before their time."""
        self._next_arrival_us = self._due_us_of_next()
        self._end = end
        self.lease_us = NEVER_US
        """Nothing begins from then on: somebody else may walk this process's people. Whoever gives it brings it forward in time."""
        self.parked = 0
        """People waiting for a message."""
        self.between = 0
        """People with a wake-up before the end."""
        self.fates = dict.fromkeys(Fate, 0)
        self.started = 0
        """People whose first attempt was begun."""
        self.halted: GelombangError | None = None
        """What this machine could not do any more, such as keep what happens: arrivals ended then, and what was written is whole."""
        self.failure: BaseException | None = None
        """A defect of the generator itself: the run is void."""

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def waiting(self) -> int:
        """People who started, have no fate and are in no exchange."""
        return self.started - len(self._in_flight) - sum(self.fates.values())

    @property
    def stopped(self) -> bool:
        return self.stopped_us != NEVER_US

    @property
    def planned(self) -> int:
        return len(self._arrivals.due_us)

    def offered(self, now_us: int) -> int:
        """People whose due time has come."""
        return int(np.searchsorted(self._due_us, min(now_us, self.stopped_us), side="right"))

    def adopt(self, more: Arrivals) -> None:
        """People whose own process is dead; somebody whose time has come already starts at once, and late."""
        self._arrivals = self._arrivals.joined(self._next_arrival, more)
        self._due_us = np.sort(self._arrivals.due_us)
        self._next_arrival_us = self._due_us_of_next()
        self._loop.wake()

    def run(self) -> None:
        """Walk the plan to its end. Every planned person has one fate afterwards; `failure` says whether to believe it."""
        try:
            while not self._over():
                self._begin_due()
                self._loop.wait_until(self._next_wake_up_us())
        finally:
            self._close()

    def stop(self, drain_us: int) -> None:
        """End early: no arrivals from now on, and open attempts are cut after `drain_us` at the latest."""
        now = self._loop.now_us()
        self.stopped_us = min(self.stopped_us, now)
        self._next_arrival_us = NEVER_US
        self._end.us = min(self._end.us, now + drain_us)
        self.between = sum(ticket == a.ticket and a.state is State.BETWEEN and due < self._end.us for due, ticket, a in self._wake_ups)
        self._loop.wake()

    def fail(self, error: BaseException) -> None:
        """The generator itself is broken, or (an operator's error) this machine can't go on: end at once."""
        if isinstance(error, GelombangError):
            self.halted = self.halted or error
        elif self.failure is None:
            self.failure = error
        self.stop(0)

    def wake(self, applicant: Applicant) -> None:
        """What a parked applicant waits for is here."""
        if applicant.state is not State.PARKED:
            return
        self.parked -= 1
        self._put_back(applicant, Again(self._loop.now_us()))
        self._loop.wake()

    def _over(self) -> bool:
        now = self._loop.now_us()
        if now >= self.lease_us:
            self.stop(0)
        if now >= self._end.us:
            return True
        arrivals_left = self._next_arrival < self.planned and not self.stopped
        if arrivals_left or self._in_flight or self.between or self._tabs.open:
            return False
        return not (self.parked and self._messages_may_come())

    def _begin_due(self) -> None:
        """Begin everything that is due, in the order of due times, as far as there is room."""
        while self._has_room:
            arrival_us = self._next_arrival_us
            wake_up_us = self._wake_ups[0][0] if self._wake_ups else NEVER_US
            due_us = min(arrival_us, wake_up_us)
            now_us = self._loop.now_us()
            if due_us > now_us or due_us >= self._end.us:
                return
            if now_us >= self.lease_us:
                self.stop(0)
                return
            if arrival_us <= wake_up_us:
                self._begin(self._next_person())
            else:
                _, ticket, applicant = heapq.heappop(self._wake_ups)
                if applicant.ticket != ticket:
                    continue
                if isinstance(applicant, Tab):
                    self._loop.spawn(partial(self._attempts, applicant))
                else:
                    self.parked -= applicant.state is State.PARKED
                    self.between -= applicant.state is State.BETWEEN
                    self._begin(applicant)

    def _begin(self, applicant: Applicant) -> None:
        applicant.state = State.IN_FLIGHT
        self._in_flight.add(applicant)
        self._loop.spawn(partial(self._attempts, applicant))

    def _attempts(self, applicant: Applicant) -> None:
        """One attempt, and those after it that nobody has to be waited for; those are the first tab's."""
        person = applicant.main if isinstance(applicant, Tab) else applicant
        try:
            then = self._attempt(applicant)
            while self._goes_on(then):
                person.due_us = then.due_us
                then = self._attempt(person)
        except Exception as error:
            self.fail(error)
            return
        if then is None:
            self._loop.wake()  # a place may be free
            return
        full = not self._has_room
        self._in_flight.discard(person)
        if isinstance(then, Fate):
            person.state = State.RETIRED
            self.fates[then] += 1
        else:
            self._put_back(person, then)
        if full or not self._in_flight or self._is_next(then):
            self._loop.wake()

    def _goes_on(self, then: Next | None) -> TypeGuard[Again]:
        """Whether the next attempt is due already, before anybody else's: it begins at once, without a turn of the loop."""
        if then is None or isinstance(then, Fate) or then.parked:
            return False
        due_us = then.due_us
        if (self._wake_ups and self._wake_ups[0][0] < due_us) or self._next_arrival_us < due_us:
            return False
        return due_us <= self._loop.now_us() < min(self._end.us, self.lease_us)

    def _put_back(self, applicant: Applicant, again: Again) -> None:
        applicant.state = State.PARKED if again.parked else State.BETWEEN
        self._sequence += 1
        applicant.ticket = self._sequence
        if not again.parked:
            applicant.due_us = again.due_us
        if again.parked:
            self.parked += 1
            self._rests_later(applicant)
        if again.due_us < self._end.us:
            self.between += not again.parked
            heapq.heappush(self._wake_ups, (again.due_us, self._sequence, applicant))

    def _rests_later(self, applicant: Applicant) -> None:
        """With each who begins to wait, up to two leave the line who began long ago: so it holds no more than some seconds' worth."""
        line, now_us = self._lately_parked, self._loop.now_us()
        line.append((now_us, applicant.ticket, applicant))
        for _ in range(2):
            since_us, ticket, longest = line[0]
            if now_us - since_us < RESTS_AFTER_US:
                return
            line.popleft()
            if longest.ticket == ticket and longest.state is State.PARKED:
                longest.leave_line()

    def _later(self, tab: Tab, due_us: int) -> None:
        """The tab's attempt is due then, unless its ticket is taken away."""
        self._sequence += 1
        tab.ticket = self._sequence
        heapq.heappush(self._wake_ups, (due_us, self._sequence, tab))
        if self._wake_ups[0][2] is tab:
            self._loop.wake()

    @property
    def _has_room(self) -> bool:
        return len(self._in_flight) + self._tabs.left_behind < self._limits.in_flight_limit

    def _is_next(self, then: Next) -> bool:
        """Whether the loop sleeps longer than until this wake-up."""
        return isinstance(then, Again) and bool(self._wake_ups) and self._wake_ups[0][0] >= then.due_us

    def _next_person(self) -> Applicant:
        position, due_us = self._next_arrival, self._next_arrival_us
        self._next_arrival += 1
        self._next_arrival_us = self._due_us_of_next()
        self.started += 1
        return Applicant(self._arrivals.index(position), due_us, self._limits.steps)

    def _due_us_of_next(self) -> int:
        if self.stopped or self._next_arrival >= self.planned:
            return NEVER_US
        return int(self._arrivals.due_us[self._next_arrival])

    def _next_wake_up_us(self) -> int:
        if not self._has_room:
            return min(self._end.us, self.lease_us)
        wake_up_us = self._wake_ups[0][0] if self._wake_ups else NEVER_US
        return min(self._next_arrival_us, wake_up_us, self._end.us, self.lease_us)

    def _close(self) -> None:
        """Cut what is open and give everybody who has no fate the one that fits."""
        grace_over_us = self._loop.now_us() + (CUT_GRACE_US if self.failure is None else 0)
        while (self._in_flight or self._tabs.open) and self._loop.now_us() < grace_over_us:
            self._loop.wait_until(grace_over_us)
        self._loop.kill_spawned()
        now = self._loop.now_us()
        for applicant in self._in_flight:
            self.fates[self._book.cut(applicant, now)] += 1
        self._in_flight.clear()
        self.fates[Fate.WAITING] += self._book.waiting_at_the_end(now)
        while self._next_arrival < self.planned:
            position = self._next_arrival
            self._next_arrival += 1
            self._book.unsent(self._arrivals.index(position), int(self._arrivals.due_us[position]))
            self.fates[Fate.UNSENT] += 1
        assert self.failure is not None or sum(self.fates.values()) == self.planned, f"{self.fates} for {self.planned} planned"
