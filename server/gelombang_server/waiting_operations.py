"""The operations that wait for a database's writer, whichever database it is: a bounded line, one answer for each, and their numbers.

How batches are taken and committed is the database's own (`gelombang_server.database`, `gelombang_server.postgres.database`): it hands an
operation to its writer in `_hand_over`, and tells what each came to by `_resolve`, in the event loop's thread.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar

from gelombang import telemetry
from gelombang.attempt import Code
from gelombang_server.metrics import Metrics
from gelombang_server.peoplestore import Operation
from gelombang_server.problem import Problem

T = TypeVar("T")
Item: TypeAlias = tuple[Operation[Any], "asyncio.Future[Any]"]
Result: TypeAlias = tuple["asyncio.Future[Any]", Any, BaseException | None]


class WaitingOperations(ABC):
    """The base of every database; use from the thread of one running event loop."""

    def __init__(self, queue_limit: int, metrics: Metrics) -> None:
        assert queue_limit > 0
        self._queue_limit = queue_limit
        self._waiting = 0
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        self._commits = metrics.counter(telemetry.DATABASE_COMMITS)
        self._operations = metrics.counter(telemetry.DATABASE_OPERATIONS)
        self._lock_seconds = metrics.histogram(telemetry.DATABASE_LOCK_SECONDS)
        self._commit_seconds = metrics.histogram(telemetry.DATABASE_COMMIT_SECONDS)
        metrics.gauge(telemetry.DATABASE_QUEUE_LIMIT).set(queue_limit)
        metrics.at_scrape(lambda: metrics.gauge(telemetry.DATABASE_QUEUE).set(self._waiting))

    async def run(self, operation: Operation[T]) -> T:
        """As `PeopleStore.run`. Raises Problem(database_busy) when the line is full; a caller that is cancelled leaves the operation to
        its end."""
        self.require_room()
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting += 1
        self._hand_over((operation, future))
        return await future

    def require_room(self) -> None:
        """Raises Problem(database_busy) while no further operation would be taken."""
        if self._is_closed or self._waiting >= self._queue_limit:
            raise Problem(Code.DATABASE_BUSY, "the database has too many operations waiting; please come back")

    @abstractmethod
    def _hand_over(self, item: Item) -> None:
        """To the writer, without waiting."""

    def _resolve(self, results: Sequence[Result]) -> None:
        """Answer a batch."""
        self._waiting -= len(results)
        for future, value, error in results:
            if future.done():
                continue
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)
