"""Passwords: argon2id (RFC 9106) in a bounded pool of threads.

Hashing is the only real work of a small request, so it has a queue of its own with a bound of its own. A password is never written
anywhere. A log-in with an unknown address costs as much as one with a wrong password.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from gelombang import telemetry
from gelombang.attempt import Code
from gelombang.profile import Password
from gelombang_server.metrics import Metrics
from gelombang_server.problem import Problem

T = TypeVar("T")
_MEMORY_MIN_KIB = 8
"""argon2's own lower bound with one lane."""


class Passwords:
    """The hasher of one process."""

    def __init__(self, password: Password, metrics: Metrics) -> None:
        self._hasher = hasher(password)
        self._threads = ThreadPoolExecutor(password.threads_limit, thread_name_prefix="password")
        self._limit = password.queue_limit + password.threads_limit
        self._threads_limit = password.threads_limit
        self._in_progress = 0
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
        self._threads.shutdown(cancel_futures=True)

    def _scrape(self) -> None:
        self._queue.set(max(0, self._in_progress - self._threads_limit))
        self._busy.set(min(self._in_progress, self._threads_limit))

    def _verify(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except VerifyMismatchError:
            return False

    async def _in_thread(self, function: Callable[..., T], *arguments: str) -> T:
        if self._in_progress >= self._limit:
            raise Problem(Code.HASH_QUEUE_FULL, "too many people sign up or log in at once; please come back")
        self._in_progress += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        finally:
            self._in_progress -= 1


def hasher(password: Password) -> PasswordHasher:
    """argon2id as a scaled profile says."""
    memory_kib = max(_MEMORY_MIN_KIB, password.memory_bytes // 1024)
    return PasswordHasher(time_cost=password.time_cost, memory_cost=memory_kib, parallelism=1)


PASSWORDS = web.AppKey("passwords", Passwords)
