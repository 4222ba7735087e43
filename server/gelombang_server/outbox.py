"""Mail and SMS: written in the same transaction as what they tell, sent by process 0 at the partners' pace, delivered after their delay.

Each partner (one for mail, one for SMS) takes messages first come first served at its capped rate; a message then travels for a time
drawn from the profile's distribution, so messages may overtake each other. Delivery is durable before anybody can read it. The id that
readers see is the order of delivery: 1, 2, 3 … without a gap.
"""

import asyncio
import heapq
from collections import deque
from enum import StrEnum
from typing import NamedTuple, Never

from prometheus_client import Gauge

from gelombang import telemetry
from gelombang.attempt import Code
from gelombang.profile import Messages
from gelombang.seeds import Purpose, unit
from gelombang_server.background import run_for_ever
from gelombang_server.config import SiteContext
from gelombang_server.pacing import Pacer
from gelombang_server.peoplestore import Cursor
from gelombang_server.problem import Problem
from gelombang_server.waiting_messages import WaitingMessages

TICK_SECONDS = 0.01
"""How often the outbox looks for new and due messages, in wall time."""
READ_LIMIT = 1_000
"""Rows read at once."""
DELIVER_LIMIT = 1_000
"""Messages delivered in one operation: others wait for it."""
RECENT_LIMIT = 50_000
"""Delivered messages held in memory; older ones are read from the database."""


class MessageKind(StrEnum):
    EMAIL_LINK = "email-link"
    OTP = "otp"
    REGISTRY = "registry"
    WAVE_RESULT = "wave-result"

    @property
    def content_field(self) -> str:
        """How the content is called where messages are read."""
        return {MessageKind.EMAIL_LINK: "path", MessageKind.OTP: "code", MessageKind.REGISTRY: "result", MessageKind.WAVE_RESULT: "wave"}[
            self
        ]

    @property
    def partner(self) -> str:
        return "sms" if self in (MessageKind.OTP, MessageKind.WAVE_RESULT) else "mail"


class Message(NamedTuple):
    """A delivered message."""

    id: int
    kind: MessageKind
    address: str
    content: str

    def as_document(self) -> dict[str, str | int]:
        return {"id": self.id, "kind": self.kind.value, "address": self.address, self.kind.content_field: self.content}


def post_message(cursor: Cursor, kind: MessageKind, address: str, content: str, now_us: int, queue_limit: int) -> None:
    """Put a message into the outbox, inside the caller's transaction. Raises Problem(message_queue_full).

    The bound is on the span of ids from the partner's oldest message not delivered: two look-ups, and never less than what waits.
    """
    find = "SELECT min(id) FROM outbox WHERE delivered IS NULL AND (kind IN ('otp', 'wave-result')) = ?"
    (oldest,) = cursor.execute(find, (kind.partner == "sms",)).fetchone()
    if oldest is not None:
        (newest,) = cursor.execute("SELECT max(id) FROM outbox").fetchone()
        if newest - oldest + 1 >= queue_limit:
            raise Problem(Code.MESSAGE_QUEUE_FULL, "too many messages are waiting to be sent; please come back")
    cursor.execute("INSERT INTO outbox (kind, address, content, queued_us) VALUES (?, ?, ?, ?)", (kind.value, address, content, now_us))


_Row = tuple[int, str, str, str, int]
"""id, kind, address, content, queued_us."""


class Outbox:
    """The sender and the memory of what was delivered; one per site."""

    def __init__(self, context: SiteContext) -> None:
        self._context = context
        self._profile: Messages = context.profile.messages
        now_us = context.now_us()
        self._pacers = {"mail": Pacer(self._profile.mail_per_second, now_us), "sms": Pacer(self._profile.sms_per_second, now_us)}
        self._last_read = {"mail": 0, "sms": 0}
        self._read: dict[str, deque[_Row]] = {"mail": deque(), "sms": deque()}
        """Rows read and not taken by the partner yet: at most READ_LIMIT each."""
        self._travelling: list[tuple[int, int, MessageKind, str, str]] = []
        """A heap of (due_us, row, kind, address, content)."""
        self._due: list[tuple[int, int, MessageKind, str, str]] = []
        """Arrived, and not durably delivered yet: while the database can't be written, at most what the outbox may hold."""
        self._recent: list[Message] = []
        self._last = 0
        self._arrived = asyncio.Event()
        self._waiting = WaitingMessages(context.database)
        waiting = context.metrics.gauge(telemetry.MESSAGES_WAITING)
        sent = context.metrics.counter(telemetry.MESSAGES_SENT)
        self._sent = {kind: sent.labels(kind.value) for kind in MessageKind}
        context.metrics.level(lambda: self._count_waiting(waiting))

    @property
    def last(self) -> int:
        """The id of the newest delivered message; 0 before the first."""
        return self._last

    async def resume(self) -> None:
        """Go on where an earlier process of this site, or another one meanwhile, stood. Call it before anybody reads messages."""
        self._last = await self._context.database.read(_last_delivered)
        self._last_read = {"mail": 0, "sms": 0}
        for rows in self._read.values():
            rows.clear()
        for messages in (self._travelling, self._due):
            messages.clear()
        self._recent.clear()
        self._waiting.forget()

    async def run(self) -> Never:
        """Take, carry and deliver, for ever."""
        await run_for_ever("the outbox", self._tick, TICK_SECONDS)

    async def after(self, last: int, limit: int) -> list[Message]:
        """Delivered messages with an id above `last`, in order, at most `limit`."""
        first_recent = self._last - len(self._recent)
        if last >= first_recent:
            return self._recent[last - first_recent : last - first_recent + limit]
        rows = await self._context.database.read(
            lambda cursor: cursor.execute(
                "SELECT delivered, kind, address, content FROM outbox WHERE delivered > ? AND delivered <= ? ORDER BY delivered LIMIT ?",
                (last, self._last, limit),
            ).fetchall()
        )
        return [Message(row[0], MessageKind(row[1]), row[2], row[3]) for row in rows]

    async def wait_after(self, last: int, limit: int, wait_seconds: float) -> list[Message]:
        """`after`, waiting up to `wait_seconds` for the first one, or until the process drains."""
        if last >= self._last and wait_seconds > 0:
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._arrived.wait()
            except TimeoutError:
                pass
        return await self.after(last, limit)

    def release(self) -> None:
        """Nobody waits any more."""
        self._arrived.set()

    async def _tick(self) -> None:
        now_us = self._context.now_us()
        for partner in self._pacers:
            await self._take(partner, now_us)
        while self._travelling and self._travelling[0][0] <= now_us:
            self._due.append(heapq.heappop(self._travelling))
        while self._due:
            some = self._due[:DELIVER_LIMIT]
            await self._deliver(some)
            del self._due[: len(some)]

    async def _take(self, partner: str, now_us: int) -> None:
        """Let the partner take what it can take by now; from then on a message travels."""
        rows = self._read[partner]
        delay = self._profile.sms_delay_seconds if partner == "sms" else self._profile.mail_delay_seconds
        while rows or await self._read_more(partner):
            row, kind, address, content, queued_us = rows[0]
            start_us = self._pacers[partner].start_us(queued_us, now_us)
            if start_us is None:
                return
            rows.popleft()
            seconds = delay.quantile(unit(self._context.seed, row, Purpose.SERVER_JITTER))
            heapq.heappush(self._travelling, (start_us + round(seconds * 1e6), row, MessageKind(kind), address, content))

    async def _read_more(self, partner: str) -> bool:
        query = (
            "SELECT id, kind, address, content, queued_us FROM outbox"
            " WHERE delivered IS NULL AND (kind IN ('otp', 'wave-result')) = ? AND id > ? ORDER BY id LIMIT ?"
        )
        bounds = (partner == "sms", self._last_read[partner], READ_LIMIT)
        found: list[_Row] = await self._context.database.read(lambda cursor: cursor.execute(query, bounds).fetchall())
        if found:
            self._read[partner].extend(found)
            self._last_read[partner] = found[-1][0]
        return bool(found)

    async def _deliver(self, due: list[tuple[int, int, MessageKind, str, str]]) -> None:
        messages = [Message(self._last + n, kind, address, content) for n, (_, _, kind, address, content) in enumerate(due, 1)]
        marks = [(message.id, row) for message, (_, row, _, _, _) in zip(messages, due, strict=True)]

        def deliver(cursor: Cursor) -> bool:
            if _last_delivered(cursor) != marks[0][0] - 1:
                return False
            cursor.executemany("UPDATE outbox SET delivered = ? WHERE id = ?", marks)
            return True

        if not await self._context.database.run(deliver):
            # Another server led while this one was cut off, and gave these numbers away.
            await self.resume()
            return
        self._recent.extend(messages)
        self._last = messages[-1].id
        if len(self._recent) > 2 * RECENT_LIMIT:
            del self._recent[:-RECENT_LIMIT]
        for message in messages:
            self._sent[message.kind].inc()
        self._arrived.set()
        self._arrived = asyncio.Event()

    async def _count_waiting(self, gauge: Gauge) -> None:
        counts = await self._waiting.count()
        for kind in MessageKind:
            gauge.labels(kind.value).set(counts.get(kind.value, 0))


def _last_delivered(cursor: Cursor) -> int:
    return int(cursor.execute("SELECT coalesce(max(delivered), 0) FROM outbox WHERE delivered IS NOT NULL").fetchone()[0])
