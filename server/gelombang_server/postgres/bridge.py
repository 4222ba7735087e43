"""Lets a plain function of a cursor run over a connection that has to be awaited.

The site's operations are plain functions, so that SQLite runs them without any detour. Here such a function runs in a greenlet of its own;
at each statement it steps aside, the event loop awaits the answer, and it goes on with the rows: the idea of SQLAlchemy's asyncio
extension. There is no thread, and nothing is shared between two of them.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Self, TypeVar

import asyncpg
from greenlet import getcurrent, greenlet

from gelombang_server.peoplestore import TakenError

T = TypeVar("T")


async def bridged(function: Callable[[], T]) -> T:
    """The result of `function`, in which `wait_for` may be called."""
    inside = greenlet(function)
    asked = inside.switch()
    while not inside.dead:
        try:
            answer = await asked
        except BaseException as error:
            asked = inside.throw(error)
        else:
            asked = inside.switch(answer)
    result: T = asked
    return result


def wait_for(awaitable: Awaitable[T]) -> T:
    """The result of an awaitable, below `bridged`."""
    outside = getcurrent().parent
    assert outside is not None, "only below `bridged` somebody awaits"
    result: T = outside.switch(awaitable)
    return result


class PostgresCursor:
    """`peoplestore.Cursor` on one connection, below `bridged`."""

    def __init__(self, connection: "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy") -> None:
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []
        self._next = 0
        self.rowcount = -1
        self.has_written = False
        """Whether there is something to undo: rows that were changed, or a statement that failed and took the transaction with it."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Self:
        text, returns_rows = translated(statement)
        try:
            if returns_rows:
                found = wait_for(self._connection.fetch(text, *values))
                self._rows, self._next = [tuple(row) for row in found], 0
                self.rowcount = len(found)
                self.has_written |= not text.lstrip().startswith("SELECT")
            else:
                status = wait_for(self._connection.execute(text, *values))
                self._rows, self.rowcount = [], _changed(status)
                self.has_written |= self.rowcount != 0
        except asyncpg.IntegrityConstraintViolationError as error:
            self.has_written = True
            raise TakenError(str(error)) from error
        except BaseException:
            self.has_written = True
            raise
        return self

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Self:
        rows = list(rows)
        self.has_written = True
        wait_for(self._connection.executemany(translated(statement)[0], rows))
        self._rows, self.rowcount = [], len(rows)
        return self

    def fetchone(self) -> Any:
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def fetchall(self) -> list[Any]:
        rest, self._next = self._rows[self._next :], len(self._rows)
        return rest

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())


@cache
def translated(statement: str) -> tuple[str, bool]:
    """A statement with `$1`, `$2` … in the place of `?`, and whether it answers with rows. The statements of the site are a closed set."""
    assert "'?'" not in statement, "a question mark inside a text would be taken for a value"
    parts = statement.split("?")
    text = parts[0] + "".join(f"${number}{part}" for number, part in enumerate(parts[1:], 1))
    return text, re.match(r"\s*SELECT\b", text) is not None or " RETURNING " in text


def _changed(status: str) -> int:
    """The number at the end of `UPDATE 1`; 0 for a command that has none."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
