"""The form of a request step with nothing out of the ordinary: its head is made when the run is built, and a good answer costs little.

Most steps of most journeys are like that: one request to the target, a body that is text or none, an answer with 2xx. `RequestForm` says
what such a step means; this says the same in fewer words, and hands whatever else comes back (a refusal, a redirect, a broken connection)
to it. That both come to the same is a law: `tests/laws/test_plain_form_laws.py`.
"""

from collections.abc import Mapping
from functools import partial

from gelombang.attempt import AttemptId, Code, Outcome
from gelombang.person import Person, least_page_patience_seconds, page_patience_seconds
from gelombang.steps import RequestStep
from gelombang.templates import taken_apart
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.bodies import fixed_type_of
from gelombang_loadtests.exchange import WITH_BODY
from gelombang_loadtests.exchanged import Headers, Request, prepare
from gelombang_loadtests.exchanges import NOTHING_CAPTURED, ExchangeListener, Exchanges, Try
from gelombang_loadtests.gear import Gear
from gelombang_loadtests.holdings import Holdings
from gelombang_loadtests.recorder import Ending
from gelombang_loadtests.request_form import RequestForm
from gelombang_loadtests.target import Target
from gelombang_loadtests.uplink import PACED_FROM_BYTES
from gelombang_loadtests.visit import ACCEPT_LINE, header_lines, path_bytes

DRAWN_LATE_FROM_SECONDS = 0.02
"""Wall time. Where nobody's patience is below it, a person's own is drawn when it matters: most answers are here before."""

_OK, _NONE = Outcome.OK, Code.NONE
"""Looked up once: an attribute of an enum costs 0.1 µs."""
_tuple = tuple.__new__
"""Makes a tuple with names without the function that a class of them has for it, which costs as much as all else here."""


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
        self._with_body = self._wire_method in WITH_BODY
        named = None if any(taken_apart(text)[1] for text in step.headers.values()) else header_lines(self._headers({}))
        self._wholly = named is not None and not any(b"\n" in line for _, line in named)
        """Whether the form makes all that is sent: its header lines are the same for everybody, but the trace id."""
        if named is not None and self._wholly:
            own = {name for name, _ in gear.identity}
            self._constant += tuple([line for line in named if line[0] not in own])
        self._identity = b"".join([b"%b: %b\r\n" % line for line in gear.identity])
        texts = (step.path, *step.query.values())
        self._made = None if any(taken_apart(text)[1] for text in texts) else self._head(self._url({}))
        """Target and head, where they are the same for everybody."""
        self._least_seconds: dict[int | None, float] = {}
        """By persona, what no draw of patience is below; 0 where the person's own is drawn at once."""

    def attempt(self, applicant: Applicant, person: Person, values: Mapping[str, str], attempt: AttemptId) -> Try:
        """Try once. Blocks the calling task for the person's patience at most."""
        target, head = self._made or self._head(self._url(values))
        body, base = self._body, self._base
        content = b"" if body is None else body.made(applicant, person, values, attempt.step).content
        traceparent = attempt.traceparent_bytes(1)
        assert isinstance(content, bytes)
        request = Request(self._wire_method, target, base.host, base.port, (), content, head, base.tls)
        if not self._wholly:
            request.headers = ((b"traceparent", traceparent), *header_lines(self._headers(values)))
        elif len(content) >= PACED_FROM_BYTES:
            request.headers = ((b"traceparent", traceparent),)
        elif content or self._with_body:
            request.whole = b"%b%btraceparent: %b\r\nContent-Length: %d\r\n\r\n%b" % (
                head,
                self._identity,
                traceparent,
                len(content),
                content,
            )
        else:
            request.whole = b"%b%btraceparent: %b\r\n\r\n" % (head, self._identity, traceparent)
        request.identity = self._gear.identity
        least_seconds = self._least_seconds.get(person.persona)
        if least_seconds is None:
            least_seconds = self._least_seconds[person.persona] = least_page_patience_seconds(person)
        if least_seconds < DRAWN_LATE_FROM_SECONDS:
            patience_seconds = page_patience_seconds(person, attempt.step, attempt.number)
        else:
            patience_seconds = least_seconds
            request.draws_patience = partial(page_patience_seconds, person, attempt.step, attempt.number)
        answer = self._exchanges(applicant, person, request, patience_seconds)
        if answer.outcome_error is not None or not 200 <= answer.status < 300:
            return self._alone(applicant, person, values, attempt, answered=answer)
        outcome, captured, rule, reason = _OK, NOTHING_CAPTURED, "", ""
        if self._looks:
            outcome, captured, rule, reason = self._found(Holdings(answer, _no_cookie), None)
        self._listener(self._method, attempt, answer, outcome, _NONE)
        ending = (
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
            0,
        )
        return _tuple(Try, (_tuple(Ending, ending), None, captured, None, rule, reason))

    def _head(self, url: str) -> tuple[bytes, bytes]:
        base = self._base
        target = path_bytes(base.path + url)
        return target, prepare(self._wire_method, target, base.host, base.port, self._constant, base.tls)


def _no_cookie(name: str) -> str | None:
    raise AssertionError(name)
