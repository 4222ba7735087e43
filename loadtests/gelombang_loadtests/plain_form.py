"""The form of a request step with nothing out of the ordinary: its head is made when the run is built, and a good answer costs little.

Most steps of most journeys are like that: one request to a path of the target, a body that is text or none, an answer with 2xx. What such a
step means is said by `RequestForm`; this says the same in fewer words, and hands whatever else comes back (a refusal, a redirect, a broken
connection) to it. That both come to the same is a law: `tests/laws/test_plain_form_laws.py`.
"""

from collections.abc import Mapping
from functools import partial

from gelombang.attempt import Code, Outcome
from gelombang.attempt_id import AttemptId
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
from gelombang_loadtests.request_form import HeadersForm, RequestForm
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
    """Whether a step is one request of a person without cookies, to a path, whose good answers are those with 2xx."""
    special = step.parallel or step.repeat_until or step.hook or any(status.startswith("2") for status in step.success.status)
    cookies = gear.cookies if step.cookies is None else step.cookies
    return (
        not (special or cookies or any(capture.cookie for capture in step.capture.values()))
        and taken_apart(step.path)[0].startswith(("/", "%s"))
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
        self._always_here = step.path.startswith("/")
        """Otherwise the path is a captured one, and may lead elsewhere."""
        own = {name.decode() for name, _ in gear.identity}
        named = {name.lower(): taken_apart(text) for name, text in step.headers.items() if name.lower() not in own}
        self._wholly = not any("\n" in shape for shape, _ in named.values())
        """Whether the form makes all that is sent."""
        if self._wholly:
            self._constant += header_lines({name: shape % () for name, (shape, names) in named.items() if not names})
        self._own_headers = HeadersForm({name: text for name, text in step.headers.items() if named.get(name.lower(), ("", ()))[1]})
        """Those that hold a person's values, and the same as one shape to be filled in one go."""
        self._own_shape = "".join([f"{name}: {shape}\r\n" for name, (shape, names) in named.items() if names])
        self._own_names = tuple([each for _, names in named.values() for each in names])
        self._own_lines = self._own_shape.count("\n")
        self._identity = b"".join([b"%b: %b\r\n" % line for line in gear.identity])
        texts = (step.path, *step.query.values())
        self._made = None if any(taken_apart(text)[1] for text in texts) else self._head(self._url({}))
        """Target and head, where they are the same for everybody."""
        self._least_seconds: dict[int | None, float] = {}
        """By persona, what no draw of patience is below; 0 where the person's own is drawn at once."""

    def attempt(self, applicant: Applicant, person: Person, values: Mapping[str, str], attempt: AttemptId) -> Try:
        """Try once. Blocks the calling task for the person's patience at most."""
        request = self._request(applicant, person, values, attempt)
        if request is None:
            return self._alone(applicant, person, values, attempt)
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

    def _request(self, applicant: Applicant, person: Person, values: Mapping[str, str], attempt: AttemptId) -> Request | None:
        """The request as it is sent; None where a person's values make it one out of the ordinary."""
        made = self._made
        if made is None:
            url = self._url(values)
            if not self._always_here and not url.startswith("/"):
                return None
            made = self._head(url)
        target, head = made
        body, base = self._body, self._base
        content = b"" if body is None else body.made(applicant, person, values, attempt.step).content
        traceparent = attempt.traceparent_bytes(1)
        assert isinstance(content, bytes)
        request = Request(self._wire_method, target, base.host, base.port, (), content, head, base.tls)
        own = b""
        if self._own_names and self._wholly:
            own = (self._own_shape % tuple([values[name] for name in self._own_names])).encode("latin-1", "replace")
            if own.count(b"\n") != self._own_lines:
                return None  # a value would break the head: nothing of it is sent
        if not self._wholly:
            request.headers = ((b"traceparent", traceparent), *header_lines(self._headers(values)))
        elif len(content) >= PACED_FROM_BYTES:
            request.headers = ((b"traceparent", traceparent), *header_lines(self._own_headers(values)))
        elif content or self._with_body:
            request.whole = b"%b%b%btraceparent: %b\r\nContent-Length: %d\r\n\r\n%b" % (
                head,
                own,
                self._identity,
                traceparent,
                len(content),
                content,
            )
        else:
            request.whole = b"%b%b%btraceparent: %b\r\n\r\n" % (head, own, self._identity, traceparent)
        request.identity = self._gear.identity
        return request

    def _head(self, url: str) -> tuple[bytes, bytes]:
        base = self._base
        target = path_bytes(base.path + url)
        return target, prepare(self._wire_method, target, base.host, base.port, self._constant, base.tls)


def _no_cookie(name: str) -> str | None:
    raise AssertionError(name)
