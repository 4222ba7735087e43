"""The slow simulator's people and their walk: from the end of an attempt to what comes next, as a heap of callbacks."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from gelombang.attempt import Fate, Outcome
from gelombang.journey import RETRY, compile_journey, fate_of_target
from gelombang.patience import Choice, after_failure
from gelombang.person import Person, think_seconds
from gelombang.seeds import Purpose, unit
from gelombang.steps import PhotoKind, PhotoStep, is_upload
from gelombang_capacity.costs import LEVELS, Costs, Spread
from gelombang_capacity.endings import ENDS, Ending
from gelombang_capacity.site import SitePlan


class Told(NamedTuple):
    """One attempt as this simulator tells it."""

    person: int
    step: int
    number: int
    ending: int
    due_us: int
    done_us: int
    received_bytes: int


@dataclass(slots=True, eq=False)
class Applicant:
    """One person, and how far they are."""

    person: Person
    due_us: int
    round_trip_us: int
    step: int = 0
    tries: dict[int, int] = field(default_factory=dict)
    failures: int = 0
    passed: set[int] = field(default_factory=set)
    copies: dict[PhotoKind, int] = field(default_factory=dict)
    stored: dict[PhotoKind, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    did: set[str] = field(default_factory=set)
    code_ends_us: int = 0
    leaves_us: int = 0
    parked_for: str = ""
    wake_up: int = 0
    fate: Fate = Fate.WAITING


class SlowWalk:
    """Everybody, and what is due for them; `begin_step` does what a person does at their step."""

    def __init__(self, plan: SitePlan, seed: int, costs: Costs, begin_step: Callable[[Applicant, int], None]) -> None:
        self.told: list[Told] = []
        self.people: list[Applicant] = []
        self.plan, self.seed, self.costs = plan, seed, costs
        self.scenario, self.site = plan.scenario, plan.profile
        self._begin_step = begin_step
        self._journey = compile_journey(plan.scenario)
        self._events: list[tuple[int, int, Applicant, Callable[[int], None]]] = []
        self._sequence = 0

    def next_event_us(self) -> int | None:
        """When somebody's own next event is due."""
        return self._events[0][0] if self._events else None

    def take_event(self, now_us: int) -> None:
        """Somebody's own next event happens, if it is not void."""
        _, wake_up, applicant, then = heapq.heappop(self._events)
        if applicant.wake_up == wake_up:
            then(now_us)

    def schedule(self, applicant: Applicant, at_us: int, then: Callable[[int], None]) -> None:
        """The person's next event, in place of any other."""
        self._sequence += 1
        applicant.wake_up = self._sequence
        heapq.heappush(self._events, (at_us, self._sequence, applicant, then))

    def begin(self, applicant: Applicant, now_us: int) -> None:
        """An attempt at the person's step begins."""
        applicant.due_us = now_us
        applicant.tries[applicant.step] = applicant.tries.get(applicant.step, 0) + 1
        self._begin_step(applicant, now_us)

    def end(self, a: Applicant, ending: Ending, done_us: int, told_seconds: float | None = None, received_bytes: int = 0) -> None:
        """An attempt is over at `done_us`, now or later: tell it, and decide what comes next."""
        if done_us >= self.plan.end_us:
            ending, done_us = Ending.CUT, self.plan.end_us
        step, number = a.step, a.tries[a.step]
        self.told.append(Told(a.person.index, step, number, int(ending), a.due_us, done_us, received_bytes))
        outcome = ENDS[ending].outcome
        if outcome is Outcome.CUT:
            a.fate, a.wake_up = Fate.CUT, 0
            return
        if outcome in (Outcome.OK, Outcome.CONFLICT):
            a.passed.add(step)
        target = self._journey.follow(step, outcome)
        fate = fate_of_target(target)
        if target == RETRY:
            self._decide(a, outcome, done_us, told_seconds)
        elif fate is not None:
            a.fate, a.wake_up = fate, 0
        elif a.tries.get(target, 0) >= a.person.patience.attempts_limit:
            a.fate, a.wake_up = Fate.GAVE_UP, 0
        else:
            a.step, a.failures = target, 0
            thinking = think_seconds(a.person, target, a.tries.get(target, 0))
            self.schedule(a, done_us + int(thinking * 1e6), lambda now_us: self.begin(a, now_us))

    def _decide(self, a: Applicant, outcome: Outcome, done_us: int, told_seconds: float | None) -> None:
        step = self.scenario.journey[a.step]
        number = a.tries[a.step]
        patience = a.person.patience
        decision = after_failure(self.seed, a.person.index, patience, a.step, number, a.failures, outcome, told_seconds, is_upload(step))
        a.failures = decision.failures_in_a_row
        if decision.smaller_copy and isinstance(step, PhotoStep):
            copy = a.copies.get(step.photo, 0)
            if copy == 0 or (outcome is Outcome.TOO_LARGE and copy < 255):
                a.copies[step.photo] = copy + 1
        if decision.choice is Choice.GAVE_UP:
            a.fate, a.wake_up = Fate.GAVE_UP, 0
        else:
            self.schedule(a, done_us + int(decision.seconds * 1e6), lambda now_us: self.begin(a, now_us))

    def drawn_us(self, spread: Spread, purpose: Purpose, a: Applicant, fixed_us: int) -> int:
        """A time drawn from a spread; `fixed_us` where there is none."""
        if not spread:
            return fixed_us
        place = unit(self.seed, a.person.index, purpose, a.step << 24 | a.tries[a.step]) * (LEVELS - 1)
        low_us, high_us = spread[int(place)] * 1e6, spread[int(place) + 1] * 1e6
        return int(low_us + (place - int(place)) * (high_us - low_us))

    def answer_takes_us(self, a: Applicant) -> int:
        """What the answer to the person's step takes besides."""
        return self.drawn_us(self.costs.answers.get(self.scenario.journey[a.step].step, ()), Purpose.ANSWER_TIME, a, 0)


def served(free_us: list[int], now_us: int, service_us: int) -> int:
    """When it is done by whoever of several is free first."""
    first = free_us.index(min(free_us))
    free_us[first] = max(now_us, free_us[first]) + service_us
    return free_us[first]
