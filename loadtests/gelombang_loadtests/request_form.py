"""The request form of a step: one HTTP request filled with a person's values, and what its answer means."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

from gelombang.attempt import Code, Outcome, Phase
from gelombang.attempt_id import AttemptId
from gelombang.clock import MICROSECONDS
from gelombang.hooks import load_hook
from gelombang.journey import outcome_of_answer
from gelombang.person import Person, page_patience_seconds, upload_patience_seconds
from gelombang.steps import RequestStep, Success, is_upload, outcome_of
from gelombang.templates import filled
from gelombang_loadtests.answers import Reading, reading_of
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.bodies import NOTHING, BodyForm
from gelombang_loadtests.exchanged import Answer
from gelombang_loadtests.exchanges import NOTHING_CAPTURED, ExchangeListener, Exchanges, Try
from gelombang_loadtests.gear import Gear
from gelombang_loadtests.holdings import Holdings
from gelombang_loadtests.hooked import Hooked
from gelombang_loadtests.parallel import merged, step_of
from gelombang_loadtests.target import Target
from gelombang_loadtests.tus_form import Asking, TusForm
from gelombang_loadtests.visit import Visit

SHOWS_PROGRESS = "upload_shows_progress"
"""The capture that says whether the site's page shows how far an upload is; without it, it does not."""


_NO_HEADERS: Mapping[str, str] = {}
_OK = Outcome.OK
"""Looked up once: an attribute of an enum costs 0.1 µs."""


class _Found(NamedTuple):
    outcome: Outcome
    captured: Mapping[str, str] = NOTHING_CAPTURED
    rule: str = ""
    reason: str = ""


class RequestForm:
    """One step of the form `request`, ready to be tried by anybody."""

    def __init__(self, step: RequestStep, base: Target, exchanges: Exchanges, listener: ExchangeListener, gear: Gear) -> None:
        self._step = step
        self._base = base
        self._exchanges = exchanges
        self._listener = listener
        self._gear = gear
        self._body = BodyForm(step.body, gear) if step.body is not None else None
        self._tus = TusForm(step.body.tus, gear) if step.body is not None and step.body.tus is not None else None
        self._hook = load_hook(step.hook) if step.hook is not None else None
        self._beside = [RequestForm(step_of(request, step), base, exchanges, listener, gear) for request in step.parallel]
        self._is_upload = is_upload(step)
        self._looks = bool(step.capture or step.success.rules or step.repeat_until or step.hook)
        """Whether what an answer holds matters, besides its status."""
        self._cookies = gear.cookies if step.cookies is None else step.cookies
        # Looked up once: a step's fields are checked ones, and cost more than our own.
        self._method, self._success, self._repeat, self._query = step.method, step.success, step.repeat_until, step.query
        self._follows = step.redirects == "follow"
        self._path = step.path
        self._headers = HeadersForm(step.headers)

    def attempt(self, applicant: Applicant, person: Person, values: Mapping[str, str], attempt: AttemptId) -> Try:
        """Try once. Blocks the calling task for the person's patience with each answer at most, and for the times between them."""
        if not self._beside:
            return self._alone(applicant, person, values, attempt)
        forms = [self, *self._beside]
        works = [partial(form._alone, applicant, person, values, attempt, branch) for branch, form in enumerate(forms)]
        return merged(self._gear.together(works, self._step.parallel_limit))

    def _alone(
        self,
        applicant: Applicant,
        person: Person,
        values: Mapping[str, str],
        attempt: AttemptId,
        branch: int = 0,
        answered: Answer | None = None,
    ) -> Try:
        hooked = Hooked(self._hook, values) if self._hook is not None else None
        visit = Visit(self._base, self._exchanges, self._listener, applicant, person, attempt, self._cookies, hooked, branch)
        headers = self._headers(values)
        patience_seconds = self._patience_seconds(person, values, attempt)
        url = self._url(values)
        if self._tus is not None:
            return self._uploaded(self._tus, visit, Asking(url, headers, patience_seconds, self._follows), values, hooked)
        carried = NOTHING if self._body is None else self._body.made(applicant, person, values, attempt.step)
        asked = 1
        while True:
            came = visit.go(self._method, url, headers, carried, patience_seconds, self._follows, answered)
            answered = None
            if came is None:
                return Try(visit.tally.ending(Outcome.PROTOCOL, Phase.NONE, 0, Code.NONE))
            answer, method = came
            reading = reading_of(answer.status, answer.headers, answer.body)
            outcome = judged(answer, reading, self._success)
            if outcome is not _OK or not self._looks:
                return self._ended(visit, answer, method, reading, _Found(outcome))
            holdings = Holdings(answer, visit.cookie)
            repeat = self._repeat
            if repeat is None or asked >= repeat.times_limit or not holdings.breach(repeat):
                return self._ended(visit, answer, method, reading, self._found(holdings, hooked))
            asked += 1
            self._listener(method, attempt, answer, outcome, reading.code)
            self._wait(repeat.every_seconds)

    def _uploaded(self, tus: TusForm, visit: Visit, asking: Asking, values: Mapping[str, str], hooked: Hooked | None) -> Try:
        """The step's upload, in as many exchanges as it takes."""

        def judge(answer: Answer) -> Outcome:
            return judged(answer, reading_of(answer.status, answer.headers, answer.body), self._step.success)

        def heard(method: str, answer: Answer, outcome: Outcome) -> None:
            self._listener(method, visit.attempt, answer, outcome, reading_of(answer.status, answer.headers, answer.body).code)

        came = tus.send(visit, asking, values, judge, heard)
        if came is None:
            return Try(visit.tally.ending(Outcome.PROTOCOL, Phase.NONE, 0, Code.NONE))
        answer, method, verdict = came
        found = _Found(verdict.outcome, reason=verdict.reason)
        if verdict.outcome is Outcome.OK:
            found = self._found(Holdings(answer, visit.cookie), hooked)
        elif verdict.reason:
            self._gear.complaints.about(self._step.step, "tus", f"tus: {verdict.reason}")
        return self._ended(visit, came.answer, method, reading_of(answer.status, answer.headers, answer.body), found)

    def _ended(self, visit: Visit, answer: Answer, method: str, reading: Reading, found: "_Found") -> Try:
        code = reading.code
        outcome, captured, rule, reason = found
        self._listener(method, visit.attempt, answer, outcome, code)
        return Try(visit.tally.ending(outcome, answer.phase, answer.status, code), reading.told_seconds, captured, None, rule, reason)

    def _found(self, holdings: Holdings, hooked: Hooked | None) -> "_Found":
        """What an answer with a good status comes to by what it holds."""
        step, repeat = self._step, self._step.repeat_until
        if repeat is not None and (breach := holdings.breach(repeat)):
            return self._complained("repeat_until", f"repeat_until {breach}", _Found(outcome_of(repeat.otherwise)))
        for name, rule in step.success.rules.items():
            if breach := holdings.breach(rule):
                return self._complained(f"rule {name}", f"rule {name} {breach}", _Found(outcome_of(rule.otherwise), rule=name))
        captured, missing = holdings.captured(step.capture) if step.capture else ({}, "")
        if hooked is not None and not missing:
            given, missing = hooked.given(step.hook_values)
            captured |= given
        if missing:
            return self._complained(missing.partition(" (")[0], missing, _Found(Outcome.CAPTURE_FAILED))
        return _Found(Outcome.OK, captured)

    def _complained(self, rule: str, sentence: str, found: "_Found") -> "_Found":
        self._gear.complaints.about(self._step.step, rule, sentence)
        return found._replace(reason=sentence)

    def _wait(self, seconds: float) -> None:
        loop = self._gear.loop
        assert loop is not None, "a step that asks again needs a clock"
        loop.sleep_until(loop.now_us() + round(seconds * MICROSECONDS))

    def _url(self, values: Mapping[str, str]) -> str:
        url = filled(self._path, values)
        if self._query:
            url += ("&" if "?" in url else "?") + urlencode({name: filled(text, values) for name, text in self._query.items()})
        return url

    def _patience_seconds(self, person: Person, values: Mapping[str, str], attempt: AttemptId) -> float:
        if self._is_upload:
            return upload_patience_seconds(person, attempt.step, attempt.number, values.get(SHOWS_PROGRESS) == "true")
        return page_patience_seconds(person, attempt.step, attempt.number)


class HeadersForm:
    """A step's headers, ready to be filled with anybody's values; names in lower case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = {name.lower(): text for name, text in headers.items()}

    def __call__(self, values: Mapping[str, str]) -> Mapping[str, str]:
        return {name: filled(text, values) for name, text in self._headers.items()} if self._headers else _NO_HEADERS


def judged(answer: Answer, reading: Reading, success: Success | None) -> Outcome:
    """What an exchange came to for the person."""
    if answer.outcome_error is not None:
        return answer.outcome_error
    if 200 <= answer.status < 300 and (success is None or not success.status):
        return _OK
    return outcome_of_answer(answer.status, reading.code_text, success, reading.told_seconds is not None)
