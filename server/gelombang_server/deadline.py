"""How long the caller of a request still waits, as it says itself: `Request-Timeout: 12.5`, in seconds from the request's head on.

Relative, as gRPC's `grpc-timeout` and Envoy's `x-envoy-expected-rq-timeout-ms` are, because phones' clocks are wrong; there is no
header that everybody knows for it (RFC 9110 has none, and gRPC's has a grammar of its own). Work past it is for nobody: it is dropped
where it stands, before it costs the store or the disk, and its attempt ends with the code `deadline_passed` at the stage that it had
reached. A commit that began is finished nevertheless. Left out: what a request waited in the kernel before its head was read.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from gelombang.attempt import Code, Stage
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang_server.problem import Problem

DEADLINE_HEADER = "Request-Timeout"
_LONGEST_SECONDS = 86_400.0
"""A day: a longer wait is none."""


def deadline_of(request: web.Request) -> int | None:
    """Until when (monotonic microseconds) somebody waits; None when the request does not say. Raises Problem(malformed_request)."""
    text = request.headers.get(DEADLINE_HEADER)
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST_SECONDS:
        raise Problem(
            Code.MALFORMED_REQUEST,
            f"the header {DEADLINE_HEADER} is {text[:40]!r}; want seconds from 0 to {_LONGEST_SECONDS:g}, such as 12.5",
        )
    return monotonic_us() + round(seconds * MICROSECONDS)


def require_time(deadline_us: int | None, stage: Stage) -> None:
    """Raises Problem(deadline_passed) when nobody waits any more."""
    if deadline_us is not None and monotonic_us() >= deadline_us:
        raise passed(stage)


@asynccontextmanager
async def kept(deadline_us: int | None, stage: Stage) -> AsyncIterator[None]:
    """What is in the block is cancelled at the deadline, and ends as Problem(deadline_passed)."""
    patience = asyncio.timeout(None if deadline_us is None else max(0, deadline_us - monotonic_us()) / MICROSECONDS)
    try:
        async with patience:
            yield
    except TimeoutError:
        if not patience.expired():
            raise
        raise passed(stage) from None


def passed(stage: Stage) -> Problem:
    """The caller waited no longer."""
    return Problem(Code.DEADLINE_PASSED, "the time within which the answer was wanted is over", stage=stage)
