"""Requests that come close together share a turn of the loop.

A process that is woken for every request pays for each what a busy one pays for many: the way out of the kernel and back, caches that
another process has used since, and a commit of the database. So after a turn in which something came the loop looks again only when a pace
has passed since it last looked, as a network card does that gathers packets before it interrupts. A loop that has more to do than that is
not held up at all, and one that slept answers the first who comes at once.
"""

import asyncio

from gelombang.clock import MICROSECONDS, monotonic_us, sleep_seconds


class WakePace:
    """One per process; use from the thread of its loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, every_seconds: float) -> None:
        """0: every request is looked at when it comes."""
        assert every_seconds >= 0
        self._loop = loop
        self._every_us = round(every_seconds * MICROSECONDS)
        self._rests_soon = False
        self._looked_us = 0

    def came(self) -> None:
        """Something has come: the loop will rest at the end of this turn. Its threads go on meanwhile."""
        if self._every_us and not self._rests_soon:
            self._rests_soon = True
            self._loop.call_soon(self._rest)

    def _rest(self) -> None:
        self._rests_soon = False
        left_us = self._looked_us + self._every_us - monotonic_us()
        if left_us > 0:
            sleep_seconds(left_us / MICROSECONDS)
        self._looked_us = monotonic_us()
