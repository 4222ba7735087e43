"""A plain step comes to the same by its short way as by the general one: the same bytes go out, the same is made of what comes back."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from gelombang.attempt import Code, Outcome, Phase
from gelombang.attempt_id import AttemptId
from gelombang.loading import load_scenario
from gelombang.person import Person, make_person
from gelombang.steps import RequestStep
from gelombang_loadtests.answer_headers import AnswerHeaders
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.beside import Beside
from gelombang_loadtests.complaints import Complaints
from gelombang_loadtests.exchange import _message_of
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.exchanges import Try
from gelombang_loadtests.gear import Gear
from gelombang_loadtests.guard import Guard
from gelombang_loadtests.plain_form import PlainForm, is_plain
from gelombang_loadtests.request_form import RequestForm
from gelombang_loadtests.target import Target
from gelombang_loadtests.walker import Values
from tests.support.walking import picture

SCENARIO = load_scenario("smoke")
CAPTURED = {"token": "a/ü{name}", "link": "/verify/x y", "away": "http://127.0.0.1:8080/away", "broken": "a\r\nX-Evil: 1"}
ATTEMPT = AttemptId(3, 17, 0, 1, 2)
BASE = Target("127.0.0.1", 8080, "/base")
IDENTITY = ((b"user-agent", b"gelombang/1 (oncall@team.example)"), (b"x-load-test", b"a-run"))

steps = st.fixed_dictionaries(
    {
        "method": st.sampled_from(("GET", "POST", "PUT", "HEAD")),
        "path": st.sampled_from(("/", "/people/{nik}?full=1", "/a b/ü/{token}", "/x%20y", "/{{}}", "{link}", "{link}?and={nik}", "{away}")),
        "redirects": st.sampled_from(("follow", "answer")),
    },
    optional={
        "query": st.sampled_from(({"q": "plain text&"}, {"q": "{name}", "page": "1"})),
        "headers": st.sampled_from(
            (
                {"Accept": "text/html"},
                {"Authorization": "Bearer {token}"},
                {"Authorization": "Bearer {token}", "Accept": "text/html", "X-Both": "{link} {nik} 7 %"},
                {"User-Agent": "{token}", "X-Broken": "a\nb"},
                {"X-Broken": "{broken}"},
                {"Content-Type": "application/x"},
                {"X-One": "1", "User-Agent": "me"},
            )
        ),
        "body": st.sampled_from(
            (
                {"json": {"name": "{name}", "n": [1, {"deep": "{token}"}]}},
                {"form": {"e": "{email}", "x": "1"}},
                {"raw": "{token}"},
                {"raw": "x", "content_type": "text/csv"},
                {"raw": "x", "content_type": "text/csv\nX-Broken: 1"},
            )
        ),
        "capture": st.sampled_from(({"token": {"json_pointer": "/token"}}, {"token": {"header": "etag"}, "w": {"regex": "(ok)"}})),
        "success": st.sampled_from(
            (
                {"rules": {"says-ok": {"contains": "ok", "otherwise": "failed"}}},
                {"status": {"429": "expired", "4xx": "ok"}},
            )
        ),
    },
)
heads = st.sampled_from(
    (
        b"HTTP/1.1 200 OK\r\nETag: abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nLocation: /elsewhere\r\nRetry-After: 7\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nLocation: http://127.0.0.1:9/away\r\nSet-Cookie: a=b\r\n\r\n",
    )
)
bodies = st.sampled_from((b"", b"ok", b'{"token":"t-1","state":"ok"}', b'{"code":"email_taken","retry_after_seconds":3}'))
numbers = st.integers(0, 90_000)
whole = st.builds(
    lambda status, head, body, n: Answer(
        None, Phase.RECEIVE, status, AnswerHeaders(head, 0), body, n, n + 1, n % 7, n % 11, n, n % 3, "", 1
    ),
    st.sampled_from((200, 201, 204, 299, 301, 303, 307, 400, 404, 409, 410, 413, 429, 500, 503)),
    heads,
    bodies,
    numbers,
)
broken = st.builds(
    lambda outcome, phase, n, code: Answer(outcome, phase, bytes_sent=n, wait_us=n, error="gone", connections=1, code=code),
    st.sampled_from((Outcome.TIMED_OUT, Outcome.RESET, Outcome.CONNECT_REFUSED, Outcome.PROTOCOL)),
    st.sampled_from((Phase.NONE, Phase.CONNECT, Phase.SEND, Phase.WAIT, Phase.RECEIVE)),
    numbers,
    st.sampled_from((Code.NONE, Code.HOST_NOT_ALLOWED)),
)


class Seen:
    """What one form does with one attempt."""

    def __init__(self, kind: type[RequestForm], step: RequestStep, answers: list[Answer]) -> None:
        self.requests: list[tuple[object, ...]] = []
        self.heard: list[tuple[object, ...]] = []
        self.said: list[str] = []
        self._left = iter(answers * 11)
        gear = Gear(picture, complaints=Complaints(self.said.append), identity=IDENTITY)
        form = kind(step, BASE, self._carry, lambda *told: self.heard.append(told), gear)
        person = make_person(5, 17, SCENARIO, 3)
        applicant = Applicant(17, 1, len(SCENARIO.journey))
        values: Mapping[str, str] = Values(person, CAPTURED, Beside())
        self.tried: Try = form.attempt(applicant, person, values, ATTEMPT)

    def _carry(self, applicant: Applicant, person: Person, request: Request, patience_seconds: float) -> Answer:
        assert request.whole == b"" or request.identity == IDENTITY
        Guard(lambda *_: Answer(), {BASE.host}, IDENTITY)(applicant, person, request, 1.0)
        message = (request.whole, ()) if request.whole else _message_of(request)
        lines = () if message is None else sorted(message[0].split(b"\r\n"))
        parts = () if message is None else message[1]
        if request.draws_patience is not None:
            assert patience_seconds <= request.draws_patience()
            patience_seconds = request.draws_patience()
        self.requests.append((request.method, request.host, request.port, request.tls, request.body, lines, parts, patience_seconds))
        return next(self._left)


@given(steps, st.lists(whole | broken, min_size=1, max_size=3))
def test_a_plain_step_comes_to_the_same_by_both_ways(what: dict[str, object], answers: list[Answer]) -> None:
    step = RequestStep.model_validate({"step": "home", "form": "request", **what})
    gear = Gear(picture)
    if step.body is not None and step.body.content_type and "\n" in step.body.content_type:
        assert not is_plain(step, gear), "its head is checked when it is sent"
        return
    assert is_plain(step, gear)
    plain, general = Seen(PlainForm, step, answers), Seen(RequestForm, step, answers)
    assert plain.requests == general.requests
    assert plain.heard == general.heard
    assert plain.said == general.said
    assert plain.tried == general.tried


def test_what_a_short_way_leaves_out_goes_the_general_one() -> None:
    special: list[dict[str, object]] = [
        {"cookies": True},
        {"success": {"status": {"404": "ok", "204": "failed"}}},
        {"success": {"status": {"2xx": "invalid"}}},
        {"path": "x{link}"},
        {"path": "http://127.0.0.1:1/"},
        {"headers": {"Traceparent": "00"}},
        {"capture": {"token": {"cookie": "sid"}}},
        {"repeat_until": {"contains": "ok", "every_seconds": 1.0, "times_limit": 3, "otherwise": "failed"}},
        {"parallel": [{"method": "GET", "path": "/beside"}]},
    ]
    plain = {"step": "home", "form": "request", "method": "GET", "path": "/"}
    assert is_plain(RequestStep.model_validate(plain), Gear(picture))
    assert not is_plain(RequestStep.model_validate(plain), Gear(picture, cookies=True))
    for one in special:
        assert not is_plain(RequestStep.model_validate({**plain, **one}), Gear(picture)), one
