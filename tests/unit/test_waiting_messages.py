"""How many messages wait: the same as counting all of them, at a cost that does not grow with them."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import TypeVar

import pytest

from gelombang_server.peoplestore import Operation
from gelombang_server.waiting_messages import WaitingMessages

T = TypeVar("T")
TABLE = """
CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, delivered INTEGER);
CREATE INDEX outbox_waiting ON outbox (kind IN ('otp', 'wave-result'), id) WHERE delivered IS NULL;
CREATE UNIQUE INDEX outbox_delivered ON outbox (delivered) WHERE delivered IS NOT NULL;
"""


class Store:
    """The outbox's table in memory, and how many of SQLite's steps reading from it took."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.executescript(TABLE)
        self.steps = 0
        self.meanwhile = lambda: None

    async def read(self, operation: Operation[T]) -> T:
        self.steps = 0
        self.connection.set_progress_handler(self._step, 1)
        try:
            return operation(self.connection.cursor())
        finally:
            self.connection.set_progress_handler(None, 0)
            self.meanwhile()

    def post(self, kind: str, number: int = 1) -> None:
        self.connection.executemany("INSERT INTO outbox (kind) VALUES (?)", [(kind,)] * number)

    def deliver(self, *rows: int) -> None:
        for row in rows:
            (last,) = self.connection.execute("SELECT coalesce(max(delivered), 0) FROM outbox").fetchone()
            self.connection.execute("UPDATE outbox SET delivered = ? WHERE id = ?", (last + 1, row))

    def _step(self) -> int:
        self.steps += 1
        return 0


@pytest.fixture
def store() -> Iterator[Store]:
    found = Store()
    yield found
    found.connection.close()


def count(waiting: WaitingMessages) -> dict[str, int]:
    """Without kinds of which none waits."""
    return dict(+Counter(asyncio.run(waiting.count())))


def made(store: Store) -> WaitingMessages:
    return WaitingMessages(store)


def test_what_came_and_what_was_delivered_between_two_looks_is_counted_once(store: Store) -> None:
    waiting = made(store)
    assert count(waiting) == {}
    store.post("otp", 3)
    store.post("email-link", 2)
    assert count(waiting) == count(waiting) == {"otp": 3, "email-link": 2}
    store.deliver(5, 1)
    assert count(waiting) == {"otp": 2, "email-link": 1}
    store.post("otp")
    store.deliver(6, 4)
    assert count(waiting) == {"otp": 2}


def test_a_process_that_starts_later_finds_the_same(store: Store) -> None:
    first = made(store)
    count(first)
    store.post("registry", 4)
    store.deliver(2, 3)
    later = made(store)
    assert count(later) == count(first) == {"registry": 2}
    store.deliver(1)
    assert count(later) == count(first) == {"registry": 1}


def test_what_was_forgotten_is_counted_anew_also_when_somebody_was_just_looking(store: Store) -> None:
    waiting = made(store)
    store.post("otp", 2)
    count(waiting)
    store.meanwhile = waiting.forget
    count(waiting)
    store.meanwhile = lambda: None
    store.connection.execute("DELETE FROM outbox WHERE id = 2")
    assert count(waiting) == {"otp": 1}


def test_a_look_costs_what_happened_since_the_last_one_and_not_what_waits_or_was_delivered() -> None:
    def steps(posted: int, delivered: int) -> int:
        store = Store()
        store.post("otp", posted)
        store.deliver(*range(1, delivered + 1))
        waiting = made(store)
        count(waiting)
        store.post("otp", 2)
        store.deliver(delivered + 1)
        assert count(waiting) == {"otp": posted + 2 - delivered - 1}
        store.connection.close()
        return store.steps

    assert steps(posted=500, delivered=250) == steps(posted=6, delivered=3)
