"""Requests of one attempt that are under way at the same time, and what they come to together.

The first one that is not ok decides, in the order of the scenario, the step's own request first. Times and bytes of all are added up in the
attempt's row, so the phases of a parallel attempt may be longer than the attempt.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from gelombang.attempt import Outcome
from gelombang.step_parts import ParallelRequest
from gelombang.steps import RequestStep
from gelombang_loadtests.exchanges import HTTP_TRIES_LIMIT, Try

Work = Callable[[], Try]


class Together(Protocol):
    """Does all of it, at most so many at the same time, and returns when the last one has ended."""

    def __call__(self, works: Sequence[Work], limit: int, /) -> list[Try]: ...


def one_after_the_other(works: Sequence[Work], limit: int, /) -> list[Try]:
    """`Together` where nothing runs beside."""
    return [work() for work in works]


def step_of(request: ParallelRequest, step: RequestStep) -> RequestStep:
    """The request as a step, named like the one it goes out with; cookies, redirects and the hook are that one's too."""
    shared = {"redirects": step.redirects, "cookies": step.cookies, "hook": step.hook}
    return step.model_copy(
        update={**{name: getattr(request, name) for name in ParallelRequest.model_fields}, **shared}
        | {"parallel": [], "repeat_until": None, "hook_values": []}
    )


def merged(tries: Sequence[Try]) -> Try:
    """One attempt of several requests; the step's own is the first."""
    deciding = next((tried for tried in tries if tried.ending.outcome is not Outcome.OK), tries[0])
    endings = [tried.ending for tried in tries]
    ending = deciding.ending._replace(
        exchanges=min(sum(each.exchanges for each in endings), HTTP_TRIES_LIMIT),
        bytes_sent=sum(each.bytes_sent for each in endings),
        bytes_received=sum(each.bytes_received for each in endings),
        connect_us=sum(each.connect_us for each in endings),
        send_us=sum(each.send_us for each in endings),
        wait_us=sum(each.wait_us for each in endings),
        receive_us=sum(each.receive_us for each in endings),
        hook_us=sum(each.hook_us for each in endings),
    )
    captured = {name: value for tried in tries for name, value in tried.captured.items()}
    return deciding._replace(ending=ending, captured=captured if ending.outcome is Outcome.OK else {})
