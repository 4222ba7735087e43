"""Passwords: argon2id (RFC 9106) in a bounded pool of threads.

Hashing is the only real work of a small request, so it has a line of its own with bounds of its own: in number, and where the profile says
so in time, because a hash for somebody who has given up is the dearest thing that a busy site does. A password is never written anywhere.
A log-in with an unknown address costs as much as one with a wrong password.
"""

import math
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from gelombang import telemetry
from gelombang.attempt import Code
from gelombang.profile import Password
from gelombang.standing_line import LineRule
from gelombang_server.commit_threads import CommitThreads, Waiting
from gelombang_server.metrics import Metrics
from gelombang_server.places_line import PlacesLine
from gelombang_server.problem import Problem

T = TypeVar("T")
FOREVER_US = 1 << 62
PLACES_PER_THREAD = 2
"""One that is hashed, and one that is next: a busy loop gives away places late."""
PLACES_PER_THREAD_LIMIT = 64
"""However long a loop rests and however little a hash costs."""
RESTS_FOR_PLACE = 2
"""A place that was given back is given away one rest later, and is a thread's work after another."""
HASHED_BYTES_PER_SECOND = 2_000_000_000
"""What a thread fills, passes included, about; only how much it is handed ahead hangs on it."""
_MEMORY_MIN_KIB = 8
"""argon2's own lower bound with one lane."""


class Passwords:
    """The hasher of one process."""

    def __init__(self, password: Password, metrics: Metrics, rest_seconds: float = 0.0) -> None:
        """`rest_seconds`, wall time: for how long the loop may look at nothing."""
        self._hasher = hasher(password)
        self._threads = CommitThreads(password.threads_limit, "password")
        self._threads_limit = password.threads_limit
        most = password.threads_limit + password.queue_limit
        places = min(places_per_thread(password, rest_seconds) * password.threads_limit, most)
        self._line = PlacesLine(_rule(password, places), places, _busy)
        self._nobody = self._hasher.hash("nobody's password")
        metrics.gauge(telemetry.HASH_QUEUE_LIMIT).set(password.queue_limit)
        metrics.gauge(telemetry.HASH_THREADS_LIMIT).set(password.threads_limit)
        self._queue, self._busy = metrics.gauge(telemetry.HASH_QUEUE), metrics.gauge(telemetry.HASH_THREADS_BUSY)
        metrics.at_scrape(self._scrape)

    async def hash(self, password: str) -> str:
        """The encoded hash, with a fresh salt. Raises Problem(hash_queue_full)."""
        return await self._in_thread(self._hasher.hash, password)

    async def matches(self, encoded: str | None, password: str) -> bool:
        """Whether the password is the one; None (nobody) takes as long and never matches. Raises Problem(hash_queue_full)."""
        matched = await self._in_thread(self._verify, encoded or self._nobody, password)
        return matched and encoded is not None

    def close(self) -> None:
        """Wait for the hashes in progress."""
        self._threads.close()

    def _scrape(self) -> None:
        busy = min(self._line.in_place, self._threads_limit)
        self._queue.set(self._line.waiting + self._line.in_place - busy)
        self._busy.set(busy)

    def _verify(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except VerifyMismatchError:
            return False

    async def _in_thread(self, function: Callable[..., T], *arguments: str) -> T:
        def work(waiting: Waiting[T]) -> None:
            waiting.result = function(*arguments)
            self._threads.tell((waiting,))

        await self._line.enter()
        try:
            return await self._threads.ask(work)
        finally:
            self._line.leave()


def hasher(password: Password) -> PasswordHasher:
    """argon2id as a scaled profile says."""
    return PasswordHasher(time_cost=password.time_cost, memory_cost=_memory_kib(password), parallelism=1)


def places_per_thread(password: Password, rest_seconds: float) -> int:
    """How many are handed to a thread at once: enough to hash while the loop rests, or a loop that has time left would hold the line up."""
    hash_seconds = _memory_kib(password) * 1024 * password.time_cost / HASHED_BYTES_PER_SECOND
    return min(PLACES_PER_THREAD + math.ceil(RESTS_FOR_PLACE * rest_seconds / hash_seconds), PLACES_PER_THREAD_LIMIT)


def _memory_kib(password: Password) -> int:
    return max(_MEMORY_MIN_KIB, password.memory_bytes // 1024)


def _rule(password: Password, places: int) -> LineRule:
    """Without a rule of time nobody has waited too long. Who is next at a thread is one of those who may wait."""
    line = password.line
    target_us, interval_us = (FOREVER_US, FOREVER_US) if line is None else (line.target_us, line.interval_us)
    return LineRule(password.queue_limit - (places - password.threads_limit), target_us, interval_us)


def _busy() -> Problem:
    return Problem(Code.HASH_QUEUE_FULL, "too many people sign up or log in at once; please come back")


PASSWORDS = web.AppKey("passwords", Passwords)
