"""The book of a run of your own Locust code: each request that Locust reports is an attempt of the person who made it.

Steps are not known beforehand: each kind of request (method and Locust's name) becomes one when it is first made, up to a limit; what comes
after that shares the last one. A row is written when its request has ended, because that is when Locust tells; requests under way when the
run ends are not in the ledger, their person is CUT.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gelombang.attempt import Code, Fate, Outcome, Phase
from gelombang.errors import HostError
from gelombang.ledger import MILESTONE_LIMIT
from gelombang.steps import RequestStep
from gelombang_loadtests.applicant import NO_ROW, Applicant
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.recorder import Ending, Recorder

OTHERS = "other-requests"
"""The step of requests beyond the limit."""
NUMBER_LIMIT = 0xFFFF
"""A person's requests at one step that the ledger can number."""
_SLUG_LIMIT = 28
_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE"))


@dataclass(frozen=True, slots=True)
class Guest:
    """A person who has arrived."""

    applicant: Applicant
    late_us: int
    """How much later than due they began: the generator's fault."""


class Now(Protocol):
    """Microseconds since the run's zero."""

    def __call__(self) -> int: ...


class OpenBook:
    """`gelombang_loadtests.engine.Book` for people whose journey is Locust code."""

    def __init__(self, recorder: Recorder, counts: GeneratorCounts, now_us: Now) -> None:
        """`counts` has MILESTONE_LIMIT steps, whose names it gets from here."""
        self._recorder = recorder
        self._counts = counts
        self._now_us = now_us
        self._steps: dict[tuple[str, str], int] = {}
        self._made: list[RequestStep] = []
        self.beyond_numbers = 0
        """Requests that had no number left and are not in the ledger."""

    @property
    def steps(self) -> list[RequestStep]:
        """The kinds of requests so far, in the order in which they were first made."""
        return list(self._made)

    def person_begins(self, applicant: Applicant) -> Guest:
        now_us = self._now_us()
        applicant.person_row = self._recorder.begin_person(applicant.index, applicant.due_us, now_us)
        self._counts.first_sent(now_us - applicant.due_us)
        return Guest(applicant, max(now_us - applicant.due_us, 0))

    def request_ended(
        self, guest: Guest, method: str, name: str, service_us: int, outcome: Outcome, phase: Phase, status: int, received_bytes: int
    ) -> None:
        """Locust has reported a request of this person, just now. Raises HostError when there is no room for its row."""
        applicant, step = guest.applicant, self._step(method, name)
        number = applicant.tries[step] + 1
        if number > NUMBER_LIMIT:
            self.beyond_numbers += 1
            return
        done_us = self._now_us()
        sent_us = done_us - service_us
        # What the generator was late for a person counts once, in what they felt at their first request.
        late_us = 0 if applicant.attempts else guest.late_us
        row = self._recorder.begin_attempt(applicant.index, step, number, max(sent_us - late_us, 1), max(sent_us, 1))
        applicant.tries[step] = number  # only now: numbers have no gaps, also where there was no room for a row
        applicant.attempts += 1
        ending = Ending(outcome, phase, 1, status, Code.NONE, 0, received_bytes, wait_us=service_us)
        self._recorder.end_attempt(row, ending, done_us, outcome)
        self._recorder.moves_to(applicant.person_row, step)
        self._recorder.made_attempts(applicant.person_row, applicant.attempts)
        self._counts.ended(step, outcome, phase, service_us + late_us, 0)
        if outcome in (Outcome.OK, Outcome.CONFLICT) and not applicant.has_passed(step):
            applicant.passed_steps |= 1 << step
            self._recorder.passed(applicant.person_row, step, done_us)
            self._counts.passed[step] += 1
        applicant.step = step

    def person_ends(self, applicant: Applicant, fate: Fate) -> None:
        self._recorder.end_person(applicant.person_row, fate, applicant.step, applicant.attempts, self._now_us())

    # What the engine asks.

    def cut(self, applicant: Applicant, now_us: int) -> Fate:
        if applicant.person_row == NO_ROW:
            self.unsent(applicant.index, applicant.due_us)
            return Fate.UNSENT
        self._recorder.end_person(applicant.person_row, Fate.CUT, applicant.step, applicant.attempts, now_us)
        return Fate.CUT

    def unsent(self, index: int, due_us: int) -> None:
        # On a full disk there is no room for a row, and its absence says the same.
        with suppress(HostError):
            self._recorder.unsent_person(index, due_us)

    def waiting_at_the_end(self, now_us: int) -> int:
        return self._recorder.end_all_people(Fate.WAITING, now_us)

    def _step(self, method: str, name: str) -> int:
        known = self._steps.get((method, name))
        if known is not None:
            return known
        if len(self._made) < MILESTONE_LIMIT - 1:
            slug, title = _slug(method, name, {step.step for step in self._made}), f"{method} {name}"
        elif len(self._made) == MILESTONE_LIMIT - 1:
            slug, title = OTHERS, f"requests beyond the first {MILESTONE_LIMIT - 1} kinds"
        else:
            return MILESTONE_LIMIT - 1
        fields: Mapping[str, object] = {"method": method if method in _METHODS else "GET", "path": "/", "title": title}
        self._made.append(RequestStep.model_validate({"step": slug, "form": "request", "milestone": True, **fields}))
        self._counts.name_step(len(self._made) - 1, slug)
        if slug != OTHERS:
            self._steps[method, name] = len(self._made) - 1
        return len(self._made) - 1


def _slug(method: str, name: str, taken: set[str]) -> str:
    """`GET /items/[id]` as `get-items-id`: what objectives call it."""
    text = re.sub(r"[^a-z0-9]+", "-", f"{method} {name}".lower()).strip("-")
    text = (text if text[:1].isalpha() else f"request-{text}")[:_SLUG_LIMIT].strip("-")
    for number in range(2, len(taken) + 3):
        if text not in taken:
            break
        text = f"{text[: _SLUG_LIMIT - 3].rstrip('-')}-{number}"
    return text
