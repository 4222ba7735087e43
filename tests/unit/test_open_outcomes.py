"""What a request of your own Locust code came to."""

import socket
import ssl

import pytest

from gelombang.attempt import Outcome, Phase
from gelombang_loadtests.open_outcomes import outcome_of_request


def wrapped(inner: BaseException) -> Exception:
    """As libraries put their own exceptions around the socket's."""
    outer = OSError("the library's own words")
    outer.__cause__ = RuntimeError("between", inner)
    return outer


@pytest.mark.parametrize(
    ("status", "exception", "told", "outcome"),
    [
        (200, None, False, Outcome.OK),
        (404, None, False, Outcome.OK),
        (404, ValueError(), False, Outcome.INVALID),
        (413, ValueError(), False, Outcome.TOO_LARGE),
        (503, ValueError(), False, Outcome.FAILED),
        (503, ValueError(), True, Outcome.REFUSED),
        (200, ValueError("the body did not like the answer"), False, Outcome.INVALID),
    ],
)
def test_locust_says_whether_it_failed_and_the_status_says_how(
    status: int, exception: BaseException | None, told: bool, outcome: Outcome
) -> None:
    assert outcome_of_request(status, exception, told) == (outcome, Phase.RECEIVE)


@pytest.mark.parametrize(
    ("inner", "outcome"),
    [
        (ConnectionRefusedError(111, "refused"), Outcome.CONNECT_REFUSED),
        (ConnectionResetError(104, "reset"), Outcome.RESET),
        (BrokenPipeError(32, "pipe"), Outcome.RESET),
        (TimeoutError(), Outcome.TIMED_OUT),
        (type("ReadTimeout", (OSError,), {})(), Outcome.TIMED_OUT),
        (ssl.SSLCertVerificationError(1, "no"), Outcome.TLS_FAILED),
        (socket.gaierror(-2, "no such name"), Outcome.CONNECT_REFUSED),
        (type("HTTPConnectionClosed", (Exception,), {})(), Outcome.RESET),
        (KeyError("of the body"), Outcome.PROTOCOL),
    ],
)
def test_without_a_status_the_innermost_exception_names_the_outcome(inner: BaseException, outcome: Outcome) -> None:
    assert outcome_of_request(0, wrapped(inner), False)[0] is outcome
    assert outcome_of_request(None, inner, False)[0] is outcome


def test_exceptions_that_hold_each_other_end() -> None:
    first, second = OSError(), OSError()
    first.__cause__, second.__cause__ = second, first
    assert outcome_of_request(0, first, False)[0] is Outcome.PROTOCOL
