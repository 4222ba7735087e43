"""The engine's loop on gevent, inside a Locust process.

People's greenlets are in a group of our own: those in Locust's group would be killed or doubled by its next dispatch.
"""

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

import gevent
from gevent.event import Event
from gevent.pool import Group, Pool

from gelombang.clock import MICROSECONDS, monotonic_us

KILL_SECONDS_LIMIT = 5.0
"""Killed greenlets close their sockets and end at once; one that does not is left behind."""
_YIELD_US = 200
"""Sleeps shorter than this only let the others run: a timer of the event loop would come a millisecond late."""


class GeventLoop:
    """`gelombang_loadtests.loop.Loop`; times are relative to `zero_us` on the system-wide monotonic clock."""

    def __init__(self, zero_us: int) -> None:
        self._zero_us = zero_us
        self._group = Group()
        self._woken = Event()

    def now_us(self) -> int:
        return monotonic_us() - self._zero_us

    def spawn(self, work: Callable[[], None]) -> None:
        self._group.start(gevent.Greenlet(work))

    def sleep_until(self, when_us: int) -> None:
        gevent.sleep(max(when_us - self.now_us(), 0) / MICROSECONDS)

    def wait_until(self, when_us: int) -> None:
        left_us = when_us - self.now_us()
        if left_us < _YIELD_US:
            gevent.sleep(0)
        else:
            self._woken.wait(left_us / MICROSECONDS)
        self._woken.clear()

    def wake(self) -> None:
        self._woken.set()

    def kill_spawned(self) -> None:
        self._group.kill(timeout=KILL_SECONDS_LIMIT)


T = TypeVar("T")


def together(works: Sequence[Callable[[], T]], limit: int, /) -> list[T]:
    """All of it in greenlets of their own, at most so many at once; they end with the caller's. Raises what one of them raised."""
    pool = Pool(limit)
    try:
        started = [pool.spawn(work) for work in works]
        return [each.get() for each in started]
    finally:
        pool.kill()


def spawn_watched(work: Callable[[], None], on_defect: Callable[[BaseException], None]) -> gevent.Greenlet:
    """A greenlet beside the people's; what it lets out is shown with its traceback and handed to `on_defect`."""

    def watched() -> None:
        try:
            work()
        except Exception as error:
            show_defect(error)
            on_defect(error)

    return gevent.spawn(watched)


def show_defect(error: BaseException) -> None:
    """The traceback of a programmer error, on stderr."""
    traceback.print_exception(error, file=sys.stderr)
