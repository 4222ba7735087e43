"""What holds people, queues and the rows of photos: the contract that every database of the site keeps.

An operation is a plain function of a cursor. It reads and writes as if it were alone: operations that write take turns, so that what it
read still holds when it writes, and ids count up in the order of commits. Statements are those that SQLite and PostgreSQL both
understand, with `?` for values.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol, Self, TypeAlias, TypeVar

from gelombang_server.problem import Problem

T = TypeVar("T")
Task: TypeAlias = Literal["mail", "checks"]
"""What one of several servers does for all."""

TakenError = sqlite3.IntegrityError
"""A row that breaks what a table holds unique; every database raises this one. Whoever catches it must raise."""


class Cursor(Protocol):
    """Runs statements inside the transaction of one operation."""

    @property
    def rowcount(self) -> int:
        """Rows that the last statement changed."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> Self:
        """Run one statement. Raises TakenError."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Self:
        """Run one statement for each of the rows."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """The rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


Operation = Callable[[Cursor], T]


class UncertainProblem(Problem):
    """Nobody can tell whether the operation is durable: the person is told to come back, and nothing that it points to may be removed."""


class PeopleStore(Protocol):
    """One process's way to the site's database."""

    async def run(self, operation: Operation[T]) -> T:
        """The result of `operation(cursor)` once it is durable. What it raises is raised here, and it alone is rolled back.

        Raises Problem by name when the database can't take it now. An operation must touch nothing but its cursor and its own arguments:
        it may run in another thread, and may run again after what it did was rolled back.
        """

    async def read(self, operation: Operation[T]) -> T:
        """The result of a short read of what is committed. Raises Problem as `run` does."""

    async def leads(self, task: Task = "mail") -> bool:
        """Whether this process may do what a site does only once (mail, SMS and registry; checks of shared photos); once
        True, it stays so until the process ends, or until the database was gone and another server took over. Raises Problem as `run`
        does."""

    def require_room(self) -> None:
        """Raises Problem(database_busy) while no further operation would be taken."""

    async def close(self) -> None:
        """Finish what is queued, then close; operations that come later are refused."""
