"""The request form of a step: one HTTP request filled with a person's values, and what its answer means."""

from collections.abc import Mapping

import orjson

from gelombang.attempt import AttemptId, Code, Outcome, Phase
from gelombang.journey import outcome_of_answer
from gelombang.person import Person, page_patience_seconds
from gelombang.steps import RequestStep, Success
from gelombang.templates import filled, filled_json
from gelombang_loadtests.answers import Reading
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.exchange import Answer, Request
from gelombang_loadtests.exchanges import ExchangeListener, Exchanges, Tally, Try
from gelombang_loadtests.target import Target

JSON_TYPE = (b"content-type", b"application/json")
ACCEPT_JSON = (b"accept", b"application/json")


class RequestForm:
    """One step of the form `request`, ready to be tried by anybody."""

    def __init__(self, step: RequestStep, base: Target, exchanges: Exchanges, listener: ExchangeListener) -> None:
        self._step = step
        self._base = base
        self._exchanges = exchanges
        self._listener = listener
        self._method = step.method.encode()

    def attempt(self, applicant: Applicant, person: Person, values: Mapping[str, str], attempt: AttemptId) -> Try:
        """Try once. Blocks the calling task for the person's patience at most."""
        request = self._request(values, attempt)
        if request is None:
            return Try(Tally().ending(Outcome.PROTOCOL, Phase.NONE, 0, Code.NONE))
        answer = self._exchanges(applicant, person, request, page_patience_seconds(person, attempt.step, attempt.number))
        tally = Tally()
        tally.add(answer)
        reading = Reading(answer.status, answer.headers, answer.body, wants_value=bool(self._step.capture))
        outcome = judged(answer, reading, self._step.success)
        captured: dict[str, str] = {}
        if outcome is Outcome.OK and self._step.capture:
            found = reading.captured(self._step.capture)
            if found is None:
                outcome = Outcome.PROTOCOL
            else:
                captured = found
        self._listener(self._step.method, attempt, answer, outcome, reading.code)
        return Try(tally.ending(outcome, answer.phase, answer.status, reading.code), reading.told_seconds, captured)

    def _request(self, values: Mapping[str, str], attempt: AttemptId) -> Request | None:
        """None when a captured URL is none."""
        step = self._step
        try:
            target = self._base.at(filled(step.path, values))
        except ValueError:
            return None
        headers = [ACCEPT_JSON, (b"traceparent", attempt.traceparent(1).encode()), *filled_headers(step.headers, values)]
        body = b""
        if step.body is not None and step.body.json_fields is not None:
            body = orjson.dumps(filled_json(step.body.json_fields, values))
            headers.append(JSON_TYPE)
        return Request(self._method, target.path.encode(), target.host, target.port, tuple(headers), body)


def filled_headers(headers: Mapping[str, str], values: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """A step's headers with a person's values."""
    return [(name.lower().encode(), filled(text, values).encode("latin-1", "replace")) for name, text in headers.items()]


def judged(answer: Answer, reading: Reading, success: Success | None) -> Outcome:
    """What an exchange came to for the person."""
    if answer.outcome_error is not None:
        return answer.outcome_error
    return outcome_of_answer(answer.status, reading.code_text, success, reading.told_seconds is not None)
