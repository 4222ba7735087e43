"""No request leaves to a host that nobody allowed, and those that leave say who sends them."""

from typing import cast

import pytest

from gelombang.attempt import Code, Outcome, Phase
from gelombang.person import Person
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.exchanges import Tally
from gelombang_loadtests.guard import Guard

NOBODY = cast(Applicant, None), cast(Person, None)
IDENTITY = ((b"user-agent", b"gelombang/1 (oncall@team.example)"), (b"x-load-test", b"a-run"))


class Network:
    def __init__(self) -> None:
        self.sent: list[Request] = []

    def __call__(self, applicant: Applicant, person: Person, request: Request, patience_seconds: float) -> Answer:
        self.sent.append(request)
        return Answer(status=200)


def test_a_request_to_another_host_is_never_sent_and_its_attempt_says_why() -> None:
    network = Network()
    guard = Guard(network, {"staging.example"}, ())
    answer = guard(*NOBODY, Request(b"GET", b"/", "evil.example", 443), 1.0)
    assert network.sent == []
    tally = Tally()
    tally.add(answer)
    ending = tally.ending(Outcome.PROTOCOL, answer.phase, answer.status, Code.NONE)
    assert (ending.outcome, ending.phase, ending.code) == (Outcome.PROTOCOL, Phase.NONE, Code.HOST_NOT_ALLOWED)
    assert "evil.example" in answer.error


def test_an_allowed_request_carries_who_sends_it_in_place_of_what_the_step_says() -> None:
    network = Network()
    guard = Guard(network, {"staging.example"}, IDENTITY)
    guard(*NOBODY, Request(b"GET", b"/", "staging.example", 443, ((b"accept", b"*/*"), (b"user-agent", b"somebody else"))), 1.0)
    assert network.sent[0].headers == ((b"accept", b"*/*"), *IDENTITY)


def test_towards_the_reference_server_a_request_stays_as_it_is() -> None:
    network = Network()
    request = Request(b"GET", b"/", "127.0.0.1", 80, ((b"accept", b"*/*"),))
    Guard(network, {"127.0.0.1"}, ())(*NOBODY, request, 1.0)
    assert network.sent == [request]


def test_an_attempt_whose_later_request_was_sent_has_its_own_code() -> None:
    tally = Tally()
    tally.add(Answer(code=Code.HOST_NOT_ALLOWED))
    tally.add(Answer(status=503))
    assert tally.ending(Outcome.FAILED, Phase.RECEIVE, 503, Code.UPLOAD_FAILED).code is Code.UPLOAD_FAILED


def test_a_whole_request_passes_as_it_is_and_one_that_hides_its_sender_does_not() -> None:
    network = Network()
    guard = Guard(network, {"staging.example"}, IDENTITY)
    said = Request(b"GET", b"/", "staging.example", 443, whole=b"GET / HTTP/1.1\r\n\r\n", identity=IDENTITY)
    guard(*NOBODY, said, 1.0)
    assert network.sent == [said]
    assert said.headers == ()
    with pytest.raises(AssertionError):
        guard(*NOBODY, Request(b"GET", b"/", "staging.example", 443, whole=b"GET / HTTP/1.1\r\n\r\n"), 1.0)
