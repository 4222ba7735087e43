"""The modelled photo store, live: `gelombang.sharing.SharedStore` driven by one timer of the event loop.

What was scarce in 2020 is declared in the profile and not left to this machine's disk: bandwidth shared equally among the turns in
progress, a commit cost in bytes, a latency, a number of turns, a line, a capacity in bytes, stalls. Timers of an event loop have steps of
a millisecond; the model is told the true time at every call and gives line and turns their true microseconds, so a late timer delays an
answer a little and never slows the store. Who is cancelled while waiting leaves the line or the turn at once.
"""

import asyncio
from dataclasses import dataclass

from gelombang import telemetry
from gelombang.admission import Place
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.profile_uploads import Store
from gelombang.sharing import SharedStore, Slowdown
from gelombang_server.metrics import Metrics

_TIMER_STEP_SECONDS = 0.001
"""Event loops round timers to this; a timer is set up to one step late, so that it never comes round early and in vain."""


class NoTurnError(Exception):
    """All turns are taken and the line is full."""


class NoRoomError(Exception):
    """The store's capacity in bytes is used up."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that is over: how long it was waited for, and how long it took, the latency included."""

    wait_us: int
    store_us: int


class PhotoStore:
    """One per run: its process is the only one that takes photos. Numbers of `store` are scaled; `zero_us` is the run's zero."""

    def __init__(self, store: Store, metrics: Metrics, zero_us: int) -> None:
        self._store = store
        stalls = [_slowdown(stall.at_seconds, stall.for_seconds, stall.bandwidth_ratio, zero_us) for stall in store.stalls]
        self._shared: SharedStore[asyncio.Future[Turn]] = SharedStore(
            store.bandwidth_bytes_per_second, store.turns_limit, store.queue_limit, stalls
        )
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._used_bytes = 0
        self._moved_told_bytes = 0.0
        self._metrics = metrics
        metrics.gauge(telemetry.STORE_TURNS_LIMIT).set(store.turns_limit)
        metrics.gauge(telemetry.STORE_WAITING_LIMIT).set(store.queue_limit)
        self.resize(store.capacity_bytes)
        metrics.gauge(telemetry.STORE_BANDWIDTH_BYTES_PER_SECOND).set(store.bandwidth_bytes_per_second)
        metrics.at_scrape(self._scrape)

    @property
    def turns(self) -> int:
        return self._shared.turns

    @property
    def waiting(self) -> int:
        return self._shared.waiting

    @property
    def used_bytes(self) -> int:
        """Bytes stored, or promised to a turn in progress."""
        return self._used_bytes

    @property
    def moved_bytes(self) -> float:
        """Bytes moved up to now, commit costs included."""
        self._catch_up()
        return self._shared.moved_bytes

    async def turn(self, photo_bytes: int) -> Turn:
        """Wait in line, move the photo and its commit cost, wait the latency. Raises NoTurnError or NoRoomError at once.

        The bytes count as used from the beginning; `forget` gives them back. A caller that is cancelled leaves, and its bytes are given
        back here.
        """
        if self._used_bytes + photo_bytes > self._capacity_bytes:
            raise NoRoomError
        future: asyncio.Future[Turn] = self._loop.create_future()
        if self._shared.ask(monotonic_us(), future, photo_bytes + self._store.commit_bytes) is Place.FULL:
            self._catch_up()
            raise NoTurnError
        self._used_bytes += photo_bytes
        self._catch_up()
        try:
            turn = await future
            if self._store.latency_seconds > 0:
                await asyncio.sleep(self._store.latency_seconds)
        except BaseException:
            self._used_bytes -= photo_bytes
            self._shared.leave(monotonic_us(), future)
            self._catch_up()
            raise
        return Turn(turn.wait_us, turn.store_us + round(self._store.latency_seconds * MICROSECONDS))

    def resize(self, capacity_bytes: int) -> None:
        """The store holds this much from now on; what is in it stays."""
        self._capacity_bytes = capacity_bytes
        self._metrics.gauge(telemetry.STORE_CAPACITY_BYTES).set(capacity_bytes)

    def remember(self, photo_bytes: int) -> None:
        """Photos of an earlier process are in it."""
        self._used_bytes += photo_bytes

    def forget(self, photo_bytes: int) -> None:
        """A photo that had its turn is not kept after all."""
        self._used_bytes -= photo_bytes

    def close(self) -> None:
        """Stop the timer. Nobody waits any more, or whoever waits is about to be cancelled."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _catch_up(self) -> None:
        """Tell everybody whose turn is over by now, and set the timer for the next."""
        for finished in self._shared.advance(monotonic_us()):
            if not finished.job.done():
                finished.job.set_result(Turn(finished.began_us - finished.asked_us, finished.finished_us - finished.began_us))
        self.close()
        next_us = self._shared.next_finish_us()
        if next_us is not None:
            delay_seconds = max(0, next_us - monotonic_us()) / MICROSECONDS
            self._timer = self._loop.call_later(delay_seconds + _TIMER_STEP_SECONDS, self._catch_up)

    def _scrape(self) -> None:
        moved_bytes = self.moved_bytes
        self._metrics.counter(telemetry.STORE_MOVED_BYTES).inc(max(0.0, moved_bytes - self._moved_told_bytes))
        self._moved_told_bytes = moved_bytes
        self._metrics.gauge(telemetry.STORE_TURNS).set(self.turns)
        self._metrics.gauge(telemetry.STORE_WAITING).set(self.waiting)
        self._metrics.gauge(telemetry.STORE_USED_BYTES).set(self._used_bytes)


class NoStore:
    """No model: whoever comes goes on to the disk at once."""

    turns = waiting = 0
    moved_bytes = 0.0

    def __init__(self) -> None:
        self.used_bytes = 0

    async def turn(self, photo_bytes: int) -> Turn:
        self.used_bytes += photo_bytes
        return Turn(0, 0)

    def resize(self, capacity_bytes: int) -> None:
        """There is nothing to be made larger."""

    def remember(self, photo_bytes: int) -> None:
        self.used_bytes += photo_bytes

    def forget(self, photo_bytes: int) -> None:
        self.used_bytes -= photo_bytes

    def close(self) -> None:
        """Nobody waits here."""


def _slowdown(at_seconds: float, for_seconds: float, bandwidth_ratio: float, zero_us: int) -> Slowdown:
    from_us = zero_us + round(at_seconds * MICROSECONDS)
    return Slowdown(from_us, from_us + max(1, round(for_seconds * MICROSECONDS)), bandwidth_ratio)
