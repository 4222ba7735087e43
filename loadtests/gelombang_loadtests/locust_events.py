"""Locust's `request` event, fired once per exchange, so that its web page, CSV files and plug-ins keep working.

Locust's statistics are for looking at; the run's record is made from the ledgers. Exception texts are a bounded set (outcome and code),
because Locust keeps one entry for each different text.
"""

from collections.abc import Sequence

from locust.env import Environment

from gelombang.attempt import AttemptId, Code, Outcome
from gelombang_loadtests.exchange import Answer

_FINE = frozenset({Outcome.OK, Outcome.CONFLICT})


class ExchangeError(Exception):
    """An exchange whose outcome was not ok; the text is the outcome and the problem's code."""


_EXCEPTIONS: dict[tuple[Outcome, Code], ExchangeError] = {}


class LocustEvents:
    """An `ExchangeListener` that fires Locust's event; its context holds the `AttemptId` as `attempt`."""

    def __init__(self, environment: Environment, steps: Sequence[str]) -> None:
        self._fire = environment.events.request.fire
        self._steps = tuple(steps)

    def __call__(self, kind: str, attempt: AttemptId, answer: Answer, outcome: Outcome, code: Code) -> None:
        service_us = answer.connect_us + answer.send_us + answer.wait_us + answer.receive_us
        self._fire(
            request_type=kind,
            name=self._steps[attempt.step],
            response_time=service_us / 1000,
            response_length=len(answer.body),
            exception=None if outcome in _FINE else _exception(outcome, code),
            context={"attempt": attempt},
        )


def _exception(outcome: Outcome, code: Code) -> ExchangeError:
    known = _EXCEPTIONS.get((outcome, code))
    if known is None:
        text = outcome.name.lower() if code is Code.NONE else f"{outcome.name.lower()}: {code.name.lower()}"
        known = _EXCEPTIONS[outcome, code] = ExchangeError(text)
    return known
