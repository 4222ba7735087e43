"""The engine's loop on gevent, inside a Locust process.

People's greenlets are in a group of our own: those in Locust's group would be killed or doubled by its next dispatch.
"""

import gc
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gevent
from gevent.pool import Group, Pool

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import GelombangError

KILL_SECONDS_LIMIT = 5.0
"""Killed greenlets close their sockets and end at once; one that does not is left behind."""
IDLE_WORKERS_LIMIT = 1_000
"""Greenlets without work that are kept for the next attempts: making one costs several times what waking one does."""
COLLECT_EVERY_US = 50_000
"""How often Python's collector of rings looks at who came lately. Left to itself it looks when some thousand objects more were made than
freed: while as many people leave as come, that takes many seconds, and then it looks at everybody who came in them (47 ms with 10,000
people waiting, 67 with more). At 180 people a second a second's objects took it 4 to 10 ms, and a tenth of one 0.7 ms, at most 2.5.
What an attempt leaves behind is freed by its count; a ring that lives longer stays to the end."""
_YIELD_US = 200
"""Sleeps shorter than this only let the others run: a timer of the event loop would come a millisecond late."""


class _Worker(gevent.Greenlet):  # type: ignore[misc]  # gevent has no types
    """Does one work after the other; between two it is parked in its loop's list of idle ones."""

    def __init__(self, idle: list["_Worker"], work: Callable[[], None]) -> None:
        super().__init__()
        self._idle = idle
        self.work: Callable[[], None] | None = work

    def _run(self) -> None:
        hub, idle = gevent.get_hub(), self._idle
        while self.work is not None:
            work, self.work = self.work, None
            work()
            del work  # a parked worker holds nobody
            if len(idle) < IDLE_WORKERS_LIMIT:
                idle.append(self)
                hub.switch()


class GeventLoop:
    """`gelombang_loadtests.loop.Loop`; times are relative to `zero_us` on the system-wide monotonic clock."""

    def __init__(self, zero_us: int) -> None:
        self._zero_us = zero_us
        self._group = Group()
        self._idle: list[_Worker] = []
        self._hub = gevent.get_hub()
        self._waiting: gevent.Greenlet | None = None
        self._resuming: Any = None
        self._woken = False

    def now_us(self) -> int:
        return monotonic_us() - self._zero_us

    def spawn(self, work: Callable[[], None]) -> None:
        if self._idle:
            worker = self._idle.pop()
            worker.work = work
            self._hub.loop.run_callback(worker.switch)
        else:
            self._group.start(_Worker(self._idle, work))

    def sleep_until(self, when_us: int) -> None:
        gevent.sleep(max(when_us - self.now_us(), 0) / MICROSECONDS)

    def wait_until(self, when_us: int) -> None:
        if self._woken:
            self._woken = False
            return
        self._waiting = gevent.getcurrent()
        left_us = when_us - self.now_us()
        timer = None
        if left_us < _YIELD_US:
            self._resuming = self._hub.loop.run_callback(self._resume)
        else:
            timer = self._hub.loop.timer(left_us / MICROSECONDS)
            # Told to, gevent's loop asks the time again: without it the timer counts from when the loop last woke, and goes off early.
            timer.start(self._resume, update=True)
        try:
            self._hub.switch()
        finally:
            self._waiting = None
            if self._resuming is not None:
                self._resuming.stop()
                self._resuming = None
            if timer is not None:
                timer.stop()
                timer.close()

    def wake(self) -> None:
        if self._waiting is None:
            self._woken = True
        elif self._resuming is None:
            self._resuming = self._hub.loop.run_callback(self._resume)

    def kill_spawned(self) -> None:
        self._idle.clear()
        self._group.kill(timeout=KILL_SECONDS_LIMIT)

    def _resume(self) -> None:
        if self._waiting is not None:
            self._waiting.switch()


def calm_collector() -> None:
    """Before a run: forget what is there for good, and look at nothing by itself. `collect_young` looks."""
    gc.collect()
    gc.freeze()
    gc.disable()


def collect_young(loop: GeventLoop) -> None:
    """Look for rings among the objects that came lately, again and again, until killed."""
    try:
        while True:
            loop.sleep_until(loop.now_us() + COLLECT_EVERY_US)
            gc.collect(1)
    finally:
        gc.enable()


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
    """A greenlet beside the people's; what it lets out is handed to `on_defect`, a programmer error shown as well."""

    def watched() -> None:
        try:
            work()
        except Exception as error:
            if not isinstance(error, GelombangError):
                show_defect(error)
            on_defect(error)

    return gevent.spawn(watched)


def show_defect(error: BaseException) -> None:
    """The traceback of a programmer error, on stderr."""
    traceback.print_exception(error, file=sys.stderr)
