"""The walker: one attempt of one applicant, from its row in the ledger to what comes next.

An attempt is tried by the form of its step, its outcome is looked up in the journey's table, and where the table says "again" the
person decides by their patience. What people captured on the way is theirs alone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gelombang import person as persons
from gelombang.attempt import Fate, Outcome
from gelombang.attempt_id import AttemptId
from gelombang.clock import MICROSECONDS
from gelombang.created import CreatedRows
from gelombang.journey import Journey, fate_of_target
from gelombang.patience import Choice, after_failure
from gelombang.person import Person, make_person, think_seconds
from gelombang.scenario import Scenario
from gelombang.steps import is_upload
from gelombang_loadtests.applicant import NO_ROW, Applicant
from gelombang_loadtests.beside import Beside
from gelombang_loadtests.book import Book
from gelombang_loadtests.complaints import Complaints
from gelombang_loadtests.engine_ports import Again, Next, RunEnd
from gelombang_loadtests.exchanges import Try
from gelombang_loadtests.loop import Loop
from gelombang_loadtests.message_form import MessageForm
from gelombang_loadtests.photo_form import PhotoForm
from gelombang_loadtests.recorder import Ending
from gelombang_loadtests.request_form import RequestForm

Form = RequestForm | PhotoForm | MessageForm


@dataclass(frozen=True, slots=True)
class Crowd:
    """What all people of a run share."""

    run: int
    seed: int
    scenario: Scenario
    """The scaled one."""
    journey: Journey
    beside: Beside = field(default_factory=Beside)
    """What placeholders stand for that nobody brings along or captures."""
    complaints: Complaints = field(default_factory=Complaints)
    created: CreatedRows | None = None
    """Where everybody is written before their first request leaves, when the target is somebody's own service."""


_OK, _CONFLICT, _TIMED_OUT = Outcome.OK, Outcome.CONFLICT, Outcome.TIMED_OUT
"""Looked up once: an attribute of an enum costs 0.1 µs."""
_tuple = tuple.__new__
"""Makes a tuple with names without the function that its class has for it."""


class Walker:
    """Walks applicants through the journey, one attempt at a time. An instance is the engine's `Attempt`."""

    def __init__(self, crowd: Crowd, forms: tuple[Form, ...], loop: Loop, book: Book, end: RunEnd) -> None:
        assert len(forms) == len(crowd.journey.steps)
        self._crowd = crowd
        self._forms = forms
        self._asks_for = tuple(self._message_after(step) for step in range(len(forms)))
        self._is_photo = tuple(is_upload(step) for step in crowd.journey.steps)
        self._next: list[list[int]] = crowd.journey.next.tolist()
        """The journey's table as lists: NumPy's numbers cost several times as much to ask for one by one."""
        self._thinks = tuple(step.think_seconds is not None for step in crowd.journey.steps)
        self._loop = loop
        self._book = book
        self._end = end

    def __call__(self, applicant: Applicant) -> Next | None:
        """One attempt, or the end of a wait for a message."""
        crowd, step = self._crowd, applicant.step
        person, values = applicant.person, applicant.filling
        if person is None:
            person = applicant.person = make_person(crowd.seed, applicant.index, crowd.scenario, crowd.run)
        if values is None:
            values = applicant.filling = Values(person, applicant.values, crowd.beside)
        form = self._forms[step]
        if isinstance(form, MessageForm):
            return self._message(applicant, person, form, values)
        now = self._loop.now_us()
        attempt = self._numbered(applicant, person, now)
        self._book.attempt_begins(applicant, now)
        return self._ended(applicant, person, self._tried(form, applicant, person, values, attempt))

    def _tried(
        self, form: RequestForm | PhotoForm, applicant: Applicant, person: Person, values: Mapping[str, str], attempt: AttemptId
    ) -> Try:
        asked_for = self._asks_for[attempt.step]
        try:
            if asked_for is not None:
                asked_for.asked_again(values)
            return form.attempt(applicant, person, values, attempt)
        except NoValueError as missing:
            return self._without(attempt.step, missing.name)

    def _message(self, applicant: Applicant, person: Person, form: MessageForm, values: Mapping[str, str]) -> Next:
        """A wait for a message begins, or has ended."""
        if applicant.parked_us:
            applicant.parked_us = 0
            return self._ended(applicant, person, form.end(applicant, values))
        now = self._loop.now_us()
        self._numbered(applicant, person, now)
        self._book.attempt_begins(applicant, now)
        try:
            began = form.begin(applicant, person, values, self._loop.now_us())
        except NoValueError as missing:
            began = self._without(applicant.step, missing.name)
        if isinstance(began, int):
            applicant.parked_us = max(self._loop.now_us(), 1)
            return Again(began, parked=True)
        return self._ended(applicant, person, began)

    def _without(self, step: int, name: str) -> Try:
        """The try of somebody who came another way than through the step that captures what this one asks for."""
        sentence = f"asks for {{{name}}}, which no answer on this person's way held; want a capture on every way here; nothing was sent"
        self._crowd.complaints.about(self._crowd.journey.names[step], name, sentence)
        return Try(Ending(Outcome.CAPTURE_FAILED), reason=sentence)

    def _message_after(self, step: int) -> MessageForm | None:
        """The message that a request asks for: the step that its success leads to."""
        target = self._crowd.journey.follow(step, Outcome.OK)
        form = self._forms[target] if target >= 0 else None
        return form if isinstance(form, MessageForm) and isinstance(self._forms[step], RequestForm) else None

    def _numbered(self, applicant: Applicant, person: Person, now: int) -> AttemptId:
        """The person's next try at the step."""
        if applicant.person_row == NO_ROW:
            self._note_created(person)
            self._book.person_begins(applicant, now)
        step, tries = applicant.step, applicant.tries
        tries[step] = number = tries[step] + 1
        applicant.attempts += 1
        return _tuple(AttemptId, (self._crowd.run, applicant.index, 0, step, number))

    def _note_created(self, person: Person) -> None:
        if self._crowd.created is not None:
            rows = self._crowd.beside.rows(person.index)
            self._crowd.created.add(person.index, persons.email(person), persons.phone(person), rows)

    def _ended(self, applicant: Applicant, person: Person, tried: Try) -> Next:
        now = self._loop.now_us()
        cut = tried.ending.outcome is _TIMED_OUT and now >= self._end.us
        self._book.attempt_ends(applicant, tried, now, cut)
        return self._goes_on(applicant, person, tried, now, cut)

    def _goes_on(self, applicant: Applicant, person: Person, tried: Try, now: int, cut: bool) -> Next:
        """What a try that is written down means for the person."""
        outcome = tried.ending.outcome
        if cut:
            self._book.person_ends(applicant, Fate.CUT, now)
            return Fate.CUT
        if tried.captured:
            applicant.values.update(tried.captured)
        step = applicant.step
        if (outcome is _OK or outcome is _CONFLICT) and not applicant.passed_steps >> step & 1:
            self._book.passes(applicant, now)
        rule = tried.rule
        target = self._crowd.journey.follow(step, outcome, rule) if rule else self._next[step][outcome]
        then: Next
        if target >= 0:
            then = self._moves(applicant, person, target, now)
        else:
            fate = fate_of_target(target)
            then = self._persists(applicant, person, tried, now) if fate is None else fate
        if isinstance(then, Fate):
            self._book.person_ends(applicant, then, now)
        return then

    def _moves(self, applicant: Applicant, person: Person, target: int, now_us: int) -> Next:
        """On to a step, which may be the one before."""
        number = applicant.tries[target]
        if number >= person.patience.attempts_limit:
            return Fate.GAVE_UP
        applicant.step = target
        applicant.failures_in_row = 0
        self._book.moves(applicant)
        if self._thinks[target]:
            now_us += int(think_seconds(person, target, number) * MICROSECONDS)
        return Again(now_us)

    def _persists(self, applicant: Applicant, person: Person, tried: Try, now_us: int) -> Next:
        step, outcome = applicant.step, tried.ending.outcome
        decision = after_failure(
            person.seed,
            person.index,
            person.patience,
            step,
            applicant.tries[step],
            applicant.failures_in_row,
            outcome,
            tried.told_seconds,
            photo=self._is_photo[step],
        )
        applicant.failures_in_row = decision.failures_in_a_row
        if decision.smaller_copy:
            applicant.switch_to_smaller(step, again=outcome is Outcome.TOO_LARGE)
        if decision.choice is Choice.GAVE_UP:
            return Fate.GAVE_UP
        if decision.choice is Choice.AWAY:
            applicant.leave_line()
        return Again(now_us + int(decision.seconds * MICROSECONDS))


_OWN: dict[str, Callable[[Person], str]] = {
    "name": persons.name,
    "email": persons.email,
    "phone": persons.phone,
    "nik": persons.nik,
    "kk": persons.kk,
    "birth_date": lambda person: persons.birth_date(person).isoformat(),
    "address": persons.address,
    "password": persons.password,
}


class NoValueError(KeyError):
    """A placeholder that stands for nothing: what it names was not captured on the way that this person came."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Values(Mapping[str, str]):
    """What placeholders stand for: a person's own fields, each worked out when it is first asked for, what was captured, what is beside."""

    __slots__ = ("_beside", "_captured", "_own", "_person")

    def __init__(self, person: Person, captured: Mapping[str, str], beside: Beside) -> None:
        self._person = person
        self._captured = captured
        self._beside = beside
        self._own: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        known = self._own.get(name)
        if known is not None:
            return known
        own = _OWN.get(name)
        if own is not None:
            self._own[name] = found = own(self._person)
            return found
        if name in self._captured:
            return self._captured[name]
        try:
            return self._beside.value(name, self._person.index)
        except KeyError:
            raise NoValueError(name) from None

    def __iter__(self) -> Iterator[str]:
        yield from _OWN
        yield from self._captured

    def __len__(self) -> int:
        return len(_OWN) + len(self._captured)
