"""One person walks the journey by the code that walks crowds, and every attempt is told as it ends.

The walker, the forms, the book and the network are those of a run; only the engine is missing, because one person has no schedule: each
next attempt begins at once, and waits that the journey itself asks for (a told time to come back, a message) are bounded. What has failed
on the site's or the network's side ends the trial at once: trying again would hide it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import gevent
from gevent.event import Event

from gelombang.attempt import Code, Fate, Outcome, Phase
from gelombang.attempt_id import AttemptId
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import ExitCode
from gelombang.patience import FAILURES
from gelombang.person import Person
from gelombang.steps import RequestStep
from gelombang.trial.events import AttemptEvent, EndEvent
from gelombang.trial.masking import Mask
from gelombang.trial.one_person import TRIAL_SECONDS_LIMIT
from gelombang.trial.order import TrialOrder
from gelombang.trial.rules import where_next, why_answered, why_message, why_unanswered
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.book import Book
from gelombang_loadtests.engine_ports import Again
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.exchanges import Exchanges, Try
from gelombang_loadtests.generator import Generator
from gelombang_loadtests.gevent_loop import GeventLoop, spawn_watched
from gelombang_loadtests.trial_showing import Showing

TOLD_SECONDS_LIMIT = 30.0
"""A site that says "come back later than this" ends the trial."""

Say = Callable[[AttemptEvent | EndEvent], None]


@dataclass(slots=True)
class _Watched:
    """The attempt that is open, or that has just ended."""

    began_us: int = 0
    ended_us: int = 0
    tried: Try | None = None
    exchanges: list[tuple[Request, Answer]] = field(default_factory=list)


class _WatchingExchanges:
    """`Exchanges` that remembers what passed."""

    def __init__(self, inner: Exchanges, watched: _Watched) -> None:
        self._inner = inner
        self._watched = watched

    def __call__(self, applicant: Applicant, person: Person, request: Request, patience_seconds: float) -> Answer:
        answer = self._inner(applicant, person, request, patience_seconds)
        self._watched.exchanges.append((request, answer))
        return answer


class _WatchingBook(Book):
    """A book that also remembers the last attempt."""

    def watch(self, watched: _Watched) -> None:
        self._watched = watched

    def attempt_begins(self, applicant: Applicant, now_us: int) -> None:
        super().attempt_begins(applicant, now_us)
        self._watched.began_us = now_us
        self._watched.tried = None
        self._watched.exchanges.clear()

    def attempt_ends(self, applicant: Applicant, tried: Try, now_us: int, cut: bool) -> None:
        super().attempt_ends(applicant, tried, now_us, cut)
        self._watched.ended_us = now_us
        self._watched.tried = tried


class Trial:
    """One trial. `run` blocks until the journey ended, the wanted step was tried, or something stopped it."""

    def __init__(self, order: TrialOrder, generator: Generator, mask: Mask, say: Say) -> None:
        self._order = order
        self._generator = generator
        self._journey = generator.journey
        self._mask = mask
        self._say = say
        self._watched = _Watched()
        self._showing = Showing(mask, generator.origins, Path(order.keep) if order.keep else None)
        self._told = 0

    def run(self) -> EndEvent:
        """Walk. Raises TargetUnreachableError and HostError as a run does."""
        zero_us = monotonic_us()
        loop = GeventLoop(zero_us)
        recorder = self._generator.recorder()
        book = _WatchingBook(recorder, self._generator.counts)
        book.watch(self._watched)
        phone = self._generator.phone(loop)
        walker = self._generator.walker(loop, zero_us, phone, book, lambda inner: _WatchingExchanges(inner, self._watched))
        applicant = Applicant(self._order.person, 1, len(self._journey.steps))
        rung = Event()
        defects: list[BaseException] = []

        def failed(error: BaseException) -> None:
            defects.append(error)
            rung.set()

        beside = spawn_watched(lambda: phone.run(lambda _: rung.set()), failed)
        try:
            while True:
                step = applicant.step
                rung.clear()
                then = walker(applicant)
                if isinstance(then, Again) and then.parked:
                    rung.wait(max(then.due_us - loop.now_us(), 0) / MICROSECONDS)
                    if defects:
                        raise defects[0]
                    then = walker(applicant)
                assert then is not None, "one tab, so its attempt says what is next"
                outcome = self._tell(applicant, step)
                end = self._end(applicant, step, outcome, then, loop)
                if end is not None:
                    return end
        finally:
            phone.stop()
            beside.kill()
            self._generator.close()
            recorder.close()

    def _tell(self, applicant: Applicant, step: int) -> Outcome:
        """Say what the attempt was that has just ended."""
        watched, journey = self._watched, self._journey
        tried = watched.tried
        assert tried is not None
        outcome = tried.ending.outcome
        for name, value in tried.captured.items():
            self._mask.learn(name, value)
        self._told += 1
        number = applicant.tries[step]
        event = AttemptEvent(
            step=journey.names[step],
            title=journey.title(step),
            form=journey.steps[step].form,
            number=number,
            trace_id=AttemptId(self._order.plan.run, applicant.index, 0, step, number).trace_id(),
            exchanges=[
                self._showing.exchange(request, answer, f"{self._told:02d}-{journey.names[step]}-{i}")
                for i, (request, answer) in enumerate(watched.exchanges, 1)
            ],
            seconds=round((watched.ended_us - watched.began_us) / MICROSECONDS, 4),
            outcome=outcome.name.lower(),
            rule=self._mask.text(self._rule(step, tried)),
            captured={name: self._mask.text(value) for name, value in tried.captured.items()},
            next=where_next(journey, step, outcome, tried.rule),
            passed=outcome in (Outcome.OK, Outcome.CONFLICT),
        )
        self._say(event)
        return outcome

    def _rule(self, step: int, tried: Try) -> str:
        form, outcome = self._journey.steps[step], tried.ending.outcome
        if tried.ending.code is Code.HOST_NOT_ALLOWED:
            return "the address is on a host that is not allowed; nothing was sent (want it in [target] allowed_hosts, if it belongs there)"
        if tried.ending.phase is Phase.INBOX:
            return why_message(outcome)
        if not self._watched.exchanges:
            return self._mask.json_text(tried.reason) or why_answered(outcome, 0, None)
        _, answer = self._watched.exchanges[-1]
        if answer.outcome_error is not None:
            return why_unanswered(answer.outcome_error, answer.phase, answer.error)
        if tried.reason:
            return self._mask.json_text(tried.reason)
        if isinstance(form, RequestStep):
            return why_answered(outcome, answer.status, form.success)
        return why_answered(outcome, answer.status, None)

    def _end(self, applicant: Applicant, step: int, outcome: Outcome, then: Again | Fate, loop: GeventLoop) -> EndEvent | None:
        """How the trial ends here; None when it goes on, after the wait that the journey asks for."""
        passed = outcome in (Outcome.OK, Outcome.CONFLICT)
        name = self._journey.names[step]
        came_to = f"{name} came to {outcome.name.lower()}"
        last_try = self._order.until_number is not None and applicant.tries[step] >= self._order.until_number
        if self._order.until == name and (passed or last_try):
            return self._ended(applicant, "reached" if passed else "stopped", step, "" if passed else came_to)
        if isinstance(then, Fate):
            fate = then.name.lower()
            return self._ended(applicant, fate, step, "" if then is Fate.FINISHED else f"{came_to}: fate {fate}")
        again = applicant.step == step
        if again and outcome in FAILURES:
            unreachable = outcome is Outcome.CONNECT_REFUSED or (outcome is Outcome.TIMED_OUT and self._phase() is Phase.CONNECT)
            code = ExitCode.UNREACHABLE if unreachable else ExitCode.FAILED
            return self._ended(applicant, "stopped", step, came_to, code)
        wait_seconds = max(then.due_us - loop.now_us(), 0) / MICROSECONDS
        if wait_seconds > TOLD_SECONDS_LIMIT:
            return self._ended(applicant, "stopped", step, f"{came_to}: come back in {wait_seconds:.0f} s")
        if loop.now_us() > TRIAL_SECONDS_LIMIT * MICROSECONDS:
            return self._ended(applicant, "stopped", step, f"the trial has taken {TRIAL_SECONDS_LIMIT:g} s")
        gevent.sleep(wait_seconds)
        return None

    def _phase(self) -> Phase:
        return self._watched.exchanges[-1][1].phase if self._watched.exchanges else Phase.NONE

    def _ended(self, applicant: Applicant, fate: str, step: int, reason: str, code: ExitCode | None = None) -> EndEvent:
        well = fate in ("finished", "reached")
        return EndEvent(
            fate=fate,
            step=self._journey.names[step],
            reason=reason,
            exit_code=code or (ExitCode.AS_EXPECTED if well else ExitCode.FAILED),
            person=applicant.index,
            steps_passed=applicant.passed_steps.bit_count(),
        )
