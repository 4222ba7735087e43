"""The database of one process: one writer thread, many operations in one commit.

A commit waits for the disk (`synchronous = FULL`: an answer is never given before its rows are durable), so operations that arrive while
one transaction commits go together into the next: group commit, as in "Implementation Techniques for Main Memory Database Systems"
(DeWitt et al., 1984, section 5). Each operation of several stands in a savepoint of its own and is undone alone when it raises. Point
reads go through a connection of the event loop's own, which sees what is committed; they are short and never wait for the writer (WAL).
Several processes may open the same file: transactions begin IMMEDIATE and wait for each other up to `BUSY_SECONDS`. A lock that is held for
longer and a full disk are told by name, and nothing of what was asked is left behind.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
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
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._reader = _connect(path)
        self._reader.execute("PRAGMA query_only = ON")
        self._writer = _connect(path)
        self._thread = Thread(target=self._write_batches, name="database-writer", daemon=True)
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
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._reader.close()
        self._writer.close()

    def _hand_over(self, item: Item) -> None:
        self._queue.put(item)

    def _write_batches(self) -> None:
        open_ = True
        while open_:
            first = self._queue.get()
            if first is None:
                return
            batch = [first]
            while len(batch) < self._batch_limit:
                try:
                    item = self._queue.get_nowait()
                except Empty:
                    break
                if item is None:
                    open_ = False
                    break
                batch.append(item)
            results = self._commit(batch)
            self._loop.call_soon_threadsafe(self._resolve, results)

    def _commit(self, batch: Sequence[Item]) -> list[Result]:
        cursor = self._writer.cursor()
        results: list[Result] = []
        # Alone in its transaction, an operation is undone with it: two statements less, each of which would wait for the interpreter.
        is_alone = len(batch) == 1
        asked_us, began_us = monotonic_us(), 0
        try:
            cursor.execute("BEGIN IMMEDIATE")
            began_us = monotonic_us()
            self._lock_seconds.observe((began_us - asked_us) / MICROSECONDS)
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
            if self._writer.in_transaction:
                cursor.execute("COMMIT")
            self._commit_seconds.observe((monotonic_us() - began_us) / MICROSECONDS)
            self._commits.inc()
            self._operations.inc(len(batch))
        except sqlite3.Error as error:
            if not began_us:
                self._lock_seconds.observe((monotonic_us() - asked_us) / MICROSECONDS)
            # The transaction as a whole failed (locked for too long, disk full): nothing of the batch is durable, and all are told.
            if self._writer.in_transaction:
                self._writer.rollback()
            return [(future, None, _told(error)) for _, future in batch]
        return results


def _told(error: Exception) -> Exception:
    """What the caller is told: a problem by name when the database can't do it now, else the error as it is."""
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY_CODE_BITS:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Problem(Code.DATABASE_BUSY, "the database is held by another process; please come back")
        case sqlite3.SQLITE_FULL:
            return Problem(Code.DATABASE_FULL, "there is no room left on the database's disk; please come back")
    return error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    return connection
