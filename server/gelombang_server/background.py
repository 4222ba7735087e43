"""Background work: a tick that is run for ever, and waits while the database can't take what it writes.

Nobody who could come back asked for this work, so it has to outlive what a request is merely told: a lock that another process holds, a
full disk, a full line before the writer. An operation that failed has left nothing, and a tick forgets only what is durable: it is just run
again. Anything else that a tick raises ends the work, and with it the process.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Never

from gelombang.attempt import Code
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang_server.problem import Problem

PAUSE_SECONDS = 0.25
"""Wall time between two tries; each try waits for the database's lock by itself."""
PASSING = frozenset(
    {
        Code.DATABASE_BUSY,
        Code.DATABASE_FULL,
        Code.DATABASE_GONE,
        Code.MESSAGE_QUEUE_FULL,
        Code.OBJECTS_GONE,
        Code.OBJECTS_SLOW,
        Code.OBJECTS_REFUSED,
    }
)
"""What goes by without this process doing anything about it."""


async def run_for_ever(name: str, tick: Callable[[], Awaitable[None]], tick_seconds: float) -> Never:
    """Run `tick`, pause, and again. When it has to wait, and when it goes on, a line on stderr says so."""
    waits_since_us: int | None = None
    while True:
        try:
            await tick()
        except Problem as problem:
            if problem.code not in PASSING:
                raise
            if waits_since_us is None:
                waits_since_us = monotonic_us()
                print(f"{name} waits: {problem.code.name.lower()}, {problem.detail}", file=sys.stderr)
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            if waits_since_us is not None:
                print(f"{name} goes on after {(monotonic_us() - waits_since_us) / MICROSECONDS:.1f} s", file=sys.stderr)
                waits_since_us = None
            await asyncio.sleep(tick_seconds)
