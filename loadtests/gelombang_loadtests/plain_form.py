"""The form of a request step with nothing out of the ordinary: its head is made when the run is built, and a good answer costs little.

Most steps of most journeys are like that: one request to the target, a body that is text or none, an answer with 2xx. `RequestForm` says
what such a step means; this says the same in fewer words, and hands whatever else comes back (a refusal, a redirect, a broken connection)
to it. That both come to the same is a law: `tests/laws/test_plain_form_laws.py`.
"""

from collections.abc import Mapping

from gelombang.attempt import AttemptId, Code, Outcome
from gelombang.person import Person, page_patience_seconds
from gelombang.steps import RequestStep
from gelombang.templates import taken_apart
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.bodies import fixed_type_of
from gelombang_loadtests.exchanged import Headers, Request, prepare
from gelombang_loadtests.exchanges import NOTHING_CAPTURED, ExchangeListener, Exchanges, Try
from gelombang_loadtests.gear import Gear
from gelombang_loadtests.holdings import Holdings
from gelombang_loadtests.recorder import Ending
from gelombang_loadtests.request_form import RequestForm
from gelombang_loadtests.target import Target
from gelombang_loadtests.visit import ACCEPT_LINE, header_lines, path_bytes

_OK, _NONE = Outcome.OK, Code.NONE
"""Looked up once: an attribute of an enum costs 0.1 µs."""


def is_plain(step: RequestStep, gear: Gear) -> bool:
    """Whether a step is one request of a person without cookies, to the target, whose good answers are those with 2xx."""
    special = step.parallel or step.repeat_until or step.hook or step.success.status
    cookies = gear.cookies if step.cookies is None else step.cookies
    return (
        not (special or cookies or any(capture.cookie for capture in step.capture.values()))
        and step.path.startswith("/")
        and "traceparent" not in (name.lower() for name in step.headers)
        and (step.body is None or "\n" not in (fixed_type_of(step.body) or "\n"))
    )


class PlainForm(RequestForm):
    """One plain step, ready to be tried by anybody."""

    def __init__(self, step: RequestStep, base: Target, exchanges: Exchanges, listener: ExchangeListener, gear: Gear) -> None:
        assert is_plain(step, gear), step.step
        super().__init__(step, base, exchanges, listener, gear)
        given = {name.lower() for name in step.headers}
        content_type = None if step.body is None else fixed_type_of(step.body)
        self._constant: Headers = () if "accept" in given else (ACCEPT_LINE,)
        if content_type and "content-type" not in given:
            self._constant += header_lines({"content-type": content_type})
        self._wire_method = step.method.encode()
        texts = (step.path, *step.query.values())
        self._made = None if any(taken_apart(text)[1] for text in texts) else self._head(self._url({}))
        """Target and head, where they are the same for everybody."""
        self._named = None if any(taken_apart(text)[1] for text in step.headers.values()) else header_lines(self._headers({}))
        """The step's own headers, where they are the same for everybody."""

    def attempt(self, applicant: Applicant, person: Person, values: Mapping[str, str], attempt: AttemptId) -> Try:
        """Try once. Blocks the calling task for the person's patience at most."""
        named = self._named
        if named is None:
            named = header_lines(self._headers(values))
        target, head = self._made or self._head(self._url(values))
        body = self._body
        content = b"" if body is None else body.made(applicant, person, values, attempt.step).content
        base = self._base
        lines = ((b"traceparent", attempt.traceparent(1).encode()), *named)
        request = Request(self._wire_method, target, base.host, base.port, lines, content, head, base.tls)
        answer = self._exchanges(applicant, person, request, page_patience_seconds(person, attempt.step, attempt.number))
        if answer.outcome_error is not None or not 200 <= answer.status < 300:
            return self._alone(applicant, person, values, attempt, answered=answer)
        outcome, captured, rule, reason = _OK, NOTHING_CAPTURED, "", ""
        if self._looks:
            outcome, captured, rule, reason = self._found(Holdings(answer, _no_cookie), None)
        self._listener(self._method, attempt, answer, outcome, _NONE)
        ending = Ending(
            outcome,
            answer.phase,
            1,
            answer.status,
            _NONE,
            answer.bytes_sent,
            answer.bytes_received,
            answer.connect_us,
            answer.send_us,
            answer.wait_us,
            answer.receive_us,
        )
        return Try(ending, None, captured, None, rule, reason)

    def _head(self, url: str) -> tuple[bytes, bytes]:
        base = self._base
        target = path_bytes(base.path + url)
        return target, prepare(self._wire_method, target, base.host, base.port, self._constant, base.tls)


def _no_cookie(name: str) -> str | None:
    raise AssertionError(name)
