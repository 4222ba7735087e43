"""The database of one process: many operations in one commit, and a thread that waits for the disk.

A commit waits for the disk (`synchronous = FULL`: an answer is never given before its rows are durable), so operations that arrive while
one transaction commits go together into the next: group commit, as in "Implementation Techniques for Main Memory Database Systems"
(DeWitt et al., 1984, section 5). Each operation of several stands in a savepoint of its own and is undone alone when it raises.

A group's statements run in the event loop, where each takes microseconds in memory; only its commit is the thread's. Run there too, they
made loop and thread hand the interpreter's lock to and fro at every statement, which cost more than the statements. When another process
holds the file, the whole group goes to the thread, which waits for it up to `BUSY_SECONDS`: the loop never waits. Between its first
statement and the end of its commit a group has the connection for itself. Point reads go through a connection of the event loop's own,
which sees what is committed; they are short and never wait for the writer (WAL). A lock that is held for longer and a full disk are told by
name, and nothing of what was asked is left behind.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from gelombang.attempt import Code
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang_server.metrics import Metrics
from gelombang_server.peoplestore import Operation, Task
from gelombang_server.problem import Problem
from gelombang_server.waiting_operations import Item, Result, WaitingOperations

T = TypeVar("T")

BUSY_SECONDS = 5.0
"""How long a transaction waits for another process's."""
_PRIMARY_CODE_BITS = 0xFF
"""Of SQLite's extended result codes."""
CHECKPOINT_PAGES = 16_384
"""64 MiB of log before it is copied into the file: each copy syncs both and stands in the way of one commit."""


class Database(WaitingOperations):
    """Use from the thread of one running event loop; `close` before that loop ends."""

    def __init__(self, path: Path, queue_limit: int, batch_limit: int, metrics: Metrics) -> None:
        super().__init__(queue_limit, metrics)
        assert batch_limit > 0
        self._batch_limit = batch_limit
        self._queue: deque[Item] = deque()
        self._group_open = False
        """A group was begun and is not durable yet, or the loop is about to begin one."""
        self._work: SimpleQueue[Callable[[], Sequence[Result]] | None] = SimpleQueue()
        """The thread's: at most one group."""
        self._idle: asyncio.Future[None] | None = None
        """Whoever closes waits for it."""
        self._reader = _connect(path)
        self._reader.execute("PRAGMA query_only = ON")
        self._writer = _connect(path, 0.0)
        self._thread = Thread(target=self._wait_for_disk, name="database-writer", daemon=True)
        self._thread.start()

    async def read(self, operation: Operation[T]) -> T:
        """The result of a short read of what is committed, at once, in the event loop's thread. Raises Problem as `run` does."""
        try:
            return operation(self._reader.cursor())
        except sqlite3.OperationalError as error:
            raise _told(error) from error

    async def leads(self, task: Task = "mail") -> bool:
        """Always: the file is one server's."""
        return True

    async def close(self) -> None:
        """Finish what is queued, then close; operations that come later are refused."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._group_open:
            self._idle = self._loop.create_future()
            await self._idle
        self._work.put(None)
        await asyncio.to_thread(self._thread.join)
        self._reader.close()
        self._writer.close()

    def _hand_over(self, item: Item) -> None:
        """An operation may run in the loop or in the thread, and should be short."""
        self._queue.append(item)
        if not self._group_open:
            # Not begun at once: what else this turn of the loop asks for goes into the same group.
            self._group_open = True
            self._loop.call_soon(self._begin_group)

    def _begin_group(self) -> None:
        """In the loop: run the next operations, and leave their commit to the thread."""
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._batch_limit))]
        asked_us = monotonic_us()
        try:
            self._writer.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            # Held by another process, or worse: the thread waits, tries again, and tells.
            self._work.put(lambda: self._patiently(batch, asked_us))
            return
        began_us = monotonic_us()
        self._lock_seconds.observe((began_us - asked_us) / MICROSECONDS)
        try:
            results = self._operate(batch)
        except sqlite3.Error as error:
            self._end_group(self._undone(batch, error))
            return
        self._work.put(lambda: self._commit(batch, results, began_us))

    def _end_group(self, results: Sequence[Result]) -> None:
        """In the loop: begin the next group, and tell what became of this one."""
        if self._queue:
            self._loop.call_soon(self._begin_group)
        else:
            self._group_open = False
            if self._idle is not None and not self._idle.done():
                self._idle.set_result(None)
        self._resolve(results)

    def _operate(self, batch: Sequence[Item]) -> list[Result]:
        """Run a group's operations inside its transaction. Raises sqlite3.Error when the transaction as a whole is lost."""
        cursor = self._writer.cursor()
        results: list[Result] = []
        # Alone in its transaction, an operation is undone with it: two statements less.
        is_alone = len(batch) == 1
        for operation, future in batch:
            if not is_alone:
                cursor.execute("SAVEPOINT operation")
            try:
                results.append((future, operation(cursor), None))
            except Exception as error:
                if isinstance(error, sqlite3.Error) and not self._writer.in_transaction:
                    raise  # A full disk, for one: SQLite itself has undone the whole transaction.
                cursor.execute("ROLLBACK" if is_alone else "ROLLBACK TO operation")
                results.append((future, None, _told(error)))
            if not is_alone:
                cursor.execute("RELEASE operation")
        return results

    def _undone(self, batch: Sequence[Item], error: sqlite3.Error) -> list[Result]:
        """The transaction as a whole failed (locked for too long, disk full): nothing of the batch is durable, and all are told."""
        if self._writer.in_transaction:
            self._writer.rollback()
        return [(future, None, _told(error)) for _, future in batch]

    # in the thread

    def _wait_for_disk(self) -> None:
        while (work := self._work.get()) is not None:
            self._loop.call_soon_threadsafe(self._end_group, work())

    def _commit(self, batch: Sequence[Item], results: Sequence[Result], began_us: int) -> Sequence[Result]:
        if not self._writer.in_transaction:
            return results  # Alone, and undone: nothing is left to commit.
        try:
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            return self._undone(batch, error)
        self._commit_seconds.observe((monotonic_us() - began_us) / MICROSECONDS)
        self._commits.inc()
        self._operations.inc(len(batch))
        return results

    def _patiently(self, batch: Sequence[Item], asked_us: int) -> Sequence[Result]:
        """A whole group, once the file is free."""
        try:
            self._writer.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1_000)}")
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            finally:
                began_us = monotonic_us()
                self._lock_seconds.observe((began_us - asked_us) / MICROSECONDS)
                self._writer.execute("PRAGMA busy_timeout = 0")
            results = self._operate(batch)
        except sqlite3.Error as error:
            return self._undone(batch, error)
        return self._commit(batch, results, began_us)


def _told(error: Exception) -> Exception:
    """What the caller is told: a problem by name when the database can't do it now, else the error as it is."""
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY_CODE_BITS:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Problem(Code.DATABASE_BUSY, "the database is held by another process; please come back")
        case sqlite3.SQLITE_FULL:
            return Problem(Code.DATABASE_FULL, "there is no room left on the database's disk; please come back")
    return error


def _connect(path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    return connection
