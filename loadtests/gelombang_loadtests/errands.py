"""Who walks the steps of `[[setup]]` and `[[shared]]`: one task of the process, outside the plan and its ledgers.

Its requests carry a trace id of another run, so that no end of the join counts them. A setup step that fails is tried again a few times,
and then the run does not begin. A shared value that can't be renewed stays what it was and is asked for again, with a line on stderr:
people then meet what the site makes of an old value, and the ledger shows it.
"""

import dataclasses
import math
import sys
from collections.abc import Callable, Mapping, Sequence

import gevent

from gelombang.attempt import Outcome
from gelombang.attempt_id import AttemptId
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.distribution import Fixed
from gelombang.errands import RENEWED_AFTER_RATIO, SharedStep
from gelombang.errors import TargetUnreachableError
from gelombang.person import PEOPLE_LIMIT, Person, make_person
from gelombang.scenario import Scenario
from gelombang.steps import RequestStep
from gelombang.trial.masking import Mask
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.beside import Beside
from gelombang_loadtests.exchanges import Try
from gelombang_loadtests.request_form import RequestForm

ANSWER_SECONDS_LIMIT = 30.0
"""Wall time in which a step of an errand must be answered."""
TRIES_LIMIT = 3
PAUSE_SECONDS = 1.0
"""Wall time between two tries, and between two renewals at least."""
REASON_CHARACTERS_LIMIT = 300

MakeForm = Callable[[RequestStep], RequestForm]


class Errands:
    """Walks errands; what it captures goes into `beside.values`, where everybody's placeholders find it."""

    def __init__(self, run: int, seed: int, scenario: Scenario, beside: Beside, form: MakeForm) -> None:
        """`scenario` is the scaled one."""
        self._run = run ^ 1 or 2
        self._scenario = scenario
        self._beside = beside
        self._form = form
        patient = scenario.patience.model_copy(
            update={"page_seconds": Fixed(value=ANSWER_SECONDS_LIMIT), "upload_seconds": Fixed(value=ANSWER_SECONDS_LIMIT)}
        )
        person = make_person(seed, PEOPLE_LIMIT - 1, scenario.model_copy(update={"patience": patient, "persona": None}), self._run)
        self._person: Person = dataclasses.replace(person, uplink_bytes_per_second=math.inf, round_trip_seconds=0.0)
        self._number = 0
        self._renew_us: list[int] = []
        """When each shared step is due again, on the system-wide monotonic clock."""

    def set_up(self, handed_over: Mapping[str, str] | None) -> dict[str, str]:
        """Before arrivals: setup steps, or what another process of the run captured by them; then shared steps. What setup captured.

        Raises TargetUnreachableError when a step does not pass.
        """
        before = dict(handed_over) if handed_over is not None else self._walk(self._scenario.setup, "setup")
        self._beside.values.update(before)
        for i in range(len(self._scenario.shared)):
            self._renew(i)
        return before

    def keep_fresh(self) -> None:
        """Renew shared values, each before it expires; never returns. Without shared values there is nothing to do."""
        while self._renew_us:
            due_us = min(self._renew_us)
            gevent.sleep(max((due_us - monotonic_us()) / MICROSECONDS, 0.0))
            for i in range(len(self._renew_us)):
                if self._renew_us[i] <= monotonic_us():
                    self._try_to_renew(i)

    def _try_to_renew(self, number: int) -> None:
        try:
            self._renew(number)
        except TargetUnreachableError as error:
            print(f"gelombang: a shared value stays as it was: {error}", file=sys.stderr)
            self._renew_us[number] = monotonic_us() + int(PAUSE_SECONDS * MICROSECONDS)

    def _renew(self, number: int) -> None:
        step = self._scenario.shared[number]
        captured = self._walk([step], "shared")
        seconds = max(_life_seconds(step, captured) * RENEWED_AFTER_RATIO, PAUSE_SECONDS)
        self._beside.values.update(captured)
        due_us = monotonic_us() + int(seconds * MICROSECONDS)
        self._renew_us[number : number + 1] = [due_us]

    def _walk(self, steps: Sequence[RequestStep], table: str) -> dict[str, str]:
        captured: dict[str, str] = {}
        applicant = Applicant(self._person.index, 1, max(len(steps), 1))
        try:
            for i, step in enumerate(steps):
                captured |= self._passed(applicant, i, step, captured, table)
        finally:
            applicant.leave_line()
        return captured

    def _passed(self, applicant: Applicant, place: int, step: RequestStep, captured: Mapping[str, str], table: str) -> dict[str, str]:
        form = self._form(step)
        for left in reversed(range(TRIES_LIMIT)):
            self._number = self._number % 60_000 + 1
            attempt = AttemptId(self._run, self._person.index, 0, place, self._number)
            tried = form.attempt(applicant, self._person, {**self._beside.known, **captured}, attempt)
            if tried.ending.outcome is Outcome.OK:
                return dict(tried.captured)
            if left:
                gevent.sleep(PAUSE_SECONDS)
        raise TargetUnreachableError(f"{table} step {step.step} came to {self._why(tried)}, {TRIES_LIMIT} times; want it to pass")

    def _why(self, tried: Try) -> str:
        outcome = tried.ending.outcome.name.lower()
        status = f" (status {tried.ending.status})" if tried.ending.status else ""
        reason = Mask(self._beside.known).text(tried.reason)[:REASON_CHARACTERS_LIMIT]
        return f"{outcome}{status}{': ' if reason else ''}{reason}"


def _life_seconds(step: SharedStep, captured: Mapping[str, str]) -> float:
    if step.for_seconds is not None:
        return step.for_seconds
    assert step.lifetime is not None
    try:
        seconds = float(captured[step.lifetime])
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise TargetUnreachableError(f"shared step {step.step} captured no lifetime in {step.lifetime}; want seconds above 0")
    return seconds
