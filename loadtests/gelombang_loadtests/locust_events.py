"""Locust's `request` event, once per exchange, so that its web page, CSV files and plug-ins keep working.

Locust's statistics are for looking at; the run's record is made from the ledgers. Exception texts are a bounded set (outcome and code),
because Locust keeps one entry for each different text. Where nobody but Locust's own statistics listens to the event, they are told by
the second (`locust_statistics`); whoever else listens makes it be fired for each exchange.
"""

from collections.abc import Callable, Sequence

from locust.env import Environment

from gelombang.attempt import Code, Outcome
from gelombang.attempt_id import AttemptId
from gelombang_loadtests.exchanged import Answer
from gelombang_loadtests.locust_statistics import LocustStatistics

_FINE = frozenset({Outcome.OK, Outcome.CONFLICT})


class ExchangeError(Exception):
    """An exchange whose outcome was not ok; the text is the outcome and the problem's code."""


_EXCEPTIONS: dict[tuple[Outcome, Code], ExchangeError] = {}


class LocustEvents:
    """An `ExchangeListener` that fires Locust's event; its context holds the `AttemptId` as `attempt`."""

    def __init__(self, environment: Environment, steps: Sequence[str]) -> None:
        event = environment.events.request
        self._fire = event.fire
        # Locust has no public way to ask who listens; the list is the one that its own methods change.
        self._listeners: list[Callable[..., object]] = event._handlers
        self._alone = [listener for listener in self._listeners if _is_statistics(listener)]
        self._stats = environment.stats
        self._statistics = LocustStatistics(environment.stats)
        self._steps = tuple(steps)

    def __call__(self, kind: str, attempt: AttemptId, answer: Answer, outcome: Outcome, code: Code) -> None:
        service_ms = (answer.connect_us + answer.send_us + answer.wait_us + answer.receive_us) / 1000
        name = self._steps[attempt.step]
        exception = None if outcome in _FINE else _exception(outcome, code)
        if self._listeners == self._alone:
            self._statistics.add(kind, name, service_ms, len(answer.body))
            if exception is not None:
                self._stats.log_error(kind, name, exception)
            return
        self._fire(
            request_type=kind,
            name=name,
            response_time=service_ms,
            response_length=len(answer.body),
            exception=exception,
            context={"attempt": attempt},
        )

    def close(self) -> None:
        """Nothing is told any more, and Locust knows of everything."""
        self._statistics.close()


def _is_statistics(listener: Callable[..., object]) -> bool:
    """Whether this is what Locust's runner counts requests with."""
    return listener.__module__ == "locust.runners" and listener.__qualname__ == "Runner.__init__.<locals>.on_request"


def _exception(outcome: Outcome, code: Code) -> ExchangeError:
    known = _EXCEPTIONS.get((outcome, code))
    if known is None:
        text = outcome.name.lower() if code is Code.NONE else f"{outcome.name.lower()}: {code.name.lower()}"
        known = _EXCEPTIONS[outcome, code] = ExchangeError(text)
    return known
