"""The civil registry: a partner that looks up so many numbers a second and no more. Process 0 asks it, first come first served.

Personal data is answered at once with "being checked"; the queue is a table, so that a person who waits for days waits in the database.
The result, and the message that tells it, are one transaction.
"""

from collections import deque
from itertools import islice
from typing import NamedTuple, Never

from gelombang import telemetry
from gelombang.attempt import Code
from gelombang_server.background import run_for_ever
from gelombang_server.config import SiteContext
from gelombang_server.nik import is_known_to_registry
from gelombang_server.outbox import MessageKind, post_message
from gelombang_server.pacing import Pacer
from gelombang_server.peoplestore import Cursor
from gelombang_server.problem import Problem
from gelombang_server.sealing import Seal

TICK_SECONDS = 0.01
READ_LIMIT = 500
SETTLE_LIMIT = 100
"""Look-ups settled in one operation: others wait for it."""


class Lookup(NamedTuple):
    row: int
    applicant: int
    nik: str
    """As the database keeps it."""
    queued_us: int


def queue_lookup(cursor: Cursor, applicant: int, nik: str, now_us: int, queue_limit: int) -> None:
    """Ask for a look-up, inside the caller's transaction. Raises Problem(registry_queue_full)."""
    oldest, newest = cursor.execute("SELECT (SELECT min(id) FROM registry_queue), (SELECT max(id) FROM registry_queue)").fetchone()
    if oldest is not None and newest - oldest + 1 >= queue_limit:
        raise Problem(Code.REGISTRY_QUEUE_FULL, "too many people are waiting for the civil registry; please come back")
    cursor.execute("INSERT INTO registry_queue (applicant, nik, queued_us) VALUES (?, ?, ?)", (applicant, nik, now_us))


class Registry:
    """The asker; one per site."""

    def __init__(self, context: SiteContext) -> None:
        self._context = context
        self._pacer = Pacer(context.profile.registry.lookups_per_second, context.now_us())
        self._latency_us = round(context.profile.registry.latency_seconds * 1e6)
        self._read: deque[Lookup] = deque()
        """Rows read and not asked yet: at most READ_LIMIT."""
        self._asked: deque[tuple[int, Lookup]] = deque()
        """(answered_us, look-up): at most rate × latency, and what one tick adds."""
        self._answered: deque[Lookup] = deque()
        """Answered, and not durably settled yet: while the database can't be written, at most what the queue may hold."""
        self._last_read = 0
        self._tell_limit()
        context.when_changed.append(self._change)
        context.metrics.gauge(telemetry.REGISTRY_WAITING_LIMIT).set(context.profile.registry.queue_limit)
        waiting = context.metrics.gauge(telemetry.REGISTRY_WAITING)
        lookups = context.metrics.counter(telemetry.REGISTRY_LOOKUPS)
        self._counters = {result: lookups.labels(result) for result in ("verified", "unknown")}
        # First come first served without a gap, so the span of ids is the length of the queue, and costs two look-ups.
        length = "SELECT coalesce((SELECT max(id) FROM registry_queue) - (SELECT min(id) FROM registry_queue) + 1, 0)"

        async def look() -> None:
            waiting.set(await context.database.read(lambda cursor: int(cursor.execute(length).fetchone()[0])))

        context.metrics.level(look)

    def resume(self) -> None:
        """Read from the database where the work stands; what was under way is asked again."""
        self._last_read = 0
        for lookups in (self._read, self._asked, self._answered):
            lookups.clear()

    def _change(self) -> None:
        self._pacer = Pacer(self._context.profile.registry.lookups_per_second, self._context.now_us())
        self._tell_limit()

    def _tell_limit(self) -> None:
        self._context.metrics.gauge(telemetry.REGISTRY_LIMIT_PER_SECOND).set(self._context.profile.registry.lookups_per_second)

    async def run(self) -> Never:
        """Ask and take answers, for ever."""
        await run_for_ever("the registry", self._tick, TICK_SECONDS)

    async def _tick(self) -> None:
        now_us = self._context.now_us()
        await self._ask(now_us)
        while self._asked and self._asked[0][0] <= now_us:
            self._answered.append(self._asked.popleft()[1])
        while self._answered:
            await self._settle_first(list(islice(self._answered, SETTLE_LIMIT)))

    async def _ask(self, now_us: int) -> None:
        while True:
            if not self._read:
                rows = await self._context.database.read(
                    lambda cursor: cursor.execute(
                        "SELECT id, applicant, nik, queued_us FROM registry_queue WHERE id > ? ORDER BY id LIMIT ?",
                        (self._last_read, READ_LIMIT),
                    ).fetchall()
                )
                if not rows:
                    return
                self._read.extend(Lookup(*row) for row in rows)
                self._last_read = self._read[-1].row
            start_us = self._pacer.start_us(self._read[0].queued_us, now_us)
            if start_us is None:
                return
            self._asked.append((start_us + self._latency_us, self._read.popleft()))

    async def _settle_first(self, lookups: list[Lookup]) -> None:
        """Settle the first of what was answered, as many as there is room for messages. Raises Problem when that is none."""
        now_us, limit = self._context.now_us(), self._context.profile.messages.queue_limit
        seal = self._context.seal
        results = await self._context.database.run(lambda cursor: _settle(cursor, lookups, seal, now_us, limit))
        for result in results:
            self._answered.popleft()
            if result is None:
                continue
            self._counters[result].inc()
            if result == "verified":
                self._context.metrics.passed("nik").inc()


def _settle(cursor: Cursor, lookups: list[Lookup], seal: Seal, now_us: int, queue_limit: int) -> list[str | None]:
    """The results of the first of them, in order; None for one that another server settled meanwhile."""
    results: list[str | None] = []
    for lookup in lookups:
        if cursor.execute("SELECT 1 FROM registry_queue WHERE id = ?", (lookup.row,)).fetchone() is None:
            results.append(None)
            continue
        result = "verified" if is_known_to_registry(seal.open("nik", lookup.nik)) else "unknown"
        (email,) = cursor.execute("SELECT email FROM applicants WHERE id = ?", (lookup.applicant,)).fetchone()
        try:
            post_message(cursor, MessageKind.REGISTRY, email, result, now_us, queue_limit)
        except Problem:
            if not results:
                raise
            break
        cursor.execute("UPDATE applicants SET nik_state = ? WHERE id = ? AND nik = ?", (result, lookup.applicant, lookup.nik))
        cursor.execute("DELETE FROM registry_queue WHERE id = ?", (lookup.row,))
        results.append(result)
    return results
