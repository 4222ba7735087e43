"""An event loop on virtual time: the engine's real code, with an hour in a millisecond."""

import heapq
from collections.abc import Callable
from itertools import count

import greenlet


class VirtualLoop:
    """`gelombang_loadtests.loop.Loop` where time passes only when every task sleeps."""

    def __init__(self, now_us: int = 0) -> None:
        self._now_us = now_us
        self._sequence = count()
        self._sleepers: list[tuple[int, int, greenlet.greenlet]] = []
        self._hub = greenlet.getcurrent()
        self._waiting: greenlet.greenlet | None = None
        self._woken = False
        self._spawned: set[greenlet.greenlet] = set()

    def run(self, work: Callable[[], None]) -> None:
        """Run `work` and everything that it spawns until `work` returns."""
        main = greenlet.greenlet(work, parent=self._hub)
        self._sleep(main, self._now_us)
        while not main.dead:
            when_us, _, task = heapq.heappop(self._sleepers)
            self._now_us = max(self._now_us, when_us)
            if not task.dead:
                task.switch()

    def now_us(self) -> int:
        return self._now_us

    def spawn(self, work: Callable[[], None]) -> None:
        task = greenlet.greenlet(work, parent=self._hub)
        self._spawned.add(task)
        self._sleep(task, self._now_us)

    def sleep_until(self, when_us: int) -> None:
        self._sleep(greenlet.getcurrent(), max(when_us, self._now_us))
        self._hub.switch()

    def wait_until(self, when_us: int) -> None:
        waiting = greenlet.getcurrent()
        while not self._woken and self._now_us < when_us:
            self._waiting = waiting
            self.sleep_until(when_us)
        self._waiting = None
        self._woken = False
        self._sleepers = [entry for entry in self._sleepers if entry[2] is not waiting]
        heapq.heapify(self._sleepers)

    def wake(self) -> None:
        if not self._woken and self._waiting is not None:
            self._sleep(self._waiting, self._now_us)
        self._woken = True

    def kill_spawned(self) -> None:
        for task in self._spawned:
            if not task.dead:
                task.parent = greenlet.getcurrent()
                task.throw()
        self._spawned.clear()

    def _sleep(self, task: greenlet.greenlet, when_us: int) -> None:
        heapq.heappush(self._sleepers, (when_us, next(self._sequence), task))
