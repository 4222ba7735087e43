"""Whatever comes and goes between two looks: how many messages wait is what counting all of them says."""

import asyncio
import sqlite3
from collections import Counter
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as some

from gelombang_server.peoplestore import Operation
from gelombang_server.schema import TABLES
from gelombang_server.waiting_messages import WaitingMessages

T = TypeVar("T")
KINDS = ("email-link", "otp", "registry", "wave-result")
ACTS = some.tuples(some.sampled_from(["post", "post", "deliver", "look", "start again"]), some.integers(0, 999))


class Store:
    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.executescript(TABLES)

    async def read(self, operation: Operation[T]) -> T:
        return operation(self.connection.cursor())


@given(some.lists(ACTS, max_size=60))
def test_a_count_by_changes_is_the_count_of_all(acts: list[tuple[str, int]]) -> None:
    store = Store()
    execute = store.connection.execute
    waiting, open_rows, delivered = WaitingMessages(store), [], 0
    for act, number in [*acts, ("look", 0)]:
        if act == "post":
            statement = "INSERT INTO outbox (kind, address, content, queued_us) VALUES (?, '', '', 0)"
            open_rows.append(execute(statement, (KINDS[number % len(KINDS)],)).lastrowid)
        elif act == "deliver" and open_rows:
            delivered += 1
            execute("UPDATE outbox SET delivered = ? WHERE id = ?", (delivered, open_rows.pop(number % len(open_rows))))
        elif act == "start again":
            waiting = WaitingMessages(store)
        elif act == "look":
            all_of_them = dict(execute("SELECT kind, count(*) FROM outbox WHERE delivered IS NULL GROUP BY kind").fetchall())
            assert dict(+Counter(asyncio.run(waiting.count()))) == all_of_them
    store.connection.close()
