"""`PeopleStore` in PostgreSQL: one connection writes, many operations in one commit; a bounded pool reads.

Writers of all processes and hosts take turns by one advisory lock, taken with the transaction and given back with its commit: what SQLite's
BEGIN IMMEDIATE is for a file. So an operation sees what it read unchanged, ids count up in the order of commits, and operations that arrive
while one transaction commits go together into the next (group commit). Nobody holds a connection while a body arrives.

Operations of a transaction run one after the other without savepoints, because each would cost two round trips. When one fails after it has
written, the transaction is rolled back and all of its operations run again, each behind a savepoint of its own.

A connection that breaks during COMMIT leaves open whether it was done. The transaction's id was asked for before, so a new connection can
ask what became of it (`pg_xact_status`); only when nobody answers that within `UNCERTAIN_SECONDS` is the caller told UncertainProblem.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import asyncpg

from gelombang.attempt import Code
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang_server.metrics import Metrics
from gelombang_server.peoplestore import Operation, Task, UncertainProblem
from gelombang_server.postgres.address import COMMAND_SECONDS, CONNECT_SECONDS, Address, Connection, told
from gelombang_server.postgres.bridge import PostgresCursor, bridged
from gelombang_server.problem import Problem
from gelombang_server.waiting_operations import Item, Result, WaitingOperations

T = TypeVar("T")

UNCERTAIN_SECONDS = 5.0
"""How long it is asked what became of a commit."""
PAUSE_SECONDS = 0.2
"""Between two tries to connect while the database is gone."""
CLOSE_SECONDS = 2.0
STATEMENTS_LIMIT = 256
"""Prepared statements that a connection keeps; the site has fewer."""


_LEAD_LOCKS: dict[Task, str] = {"mail": "lead", "checks": "lead checks"}
"""What the lock of each is called."""


class PostgresDatabase(WaitingOperations):
    """Use from the thread of one running event loop; `close` before that loop ends."""

    def __init__(self, address: Address, queue_limit: int, batch_limit: int, connections_limit: int, metrics: Metrics) -> None:
        super().__init__(queue_limit, metrics)
        assert min(batch_limit, connections_limit) > 0
        self._address = address
        self._batch_limit = batch_limit
        self._connections_limit = connections_limit
        self._queue: asyncio.Queue[Item | None] = asyncio.Queue()
        """Bounded by `require_room`."""
        self._writer: Connection | None = None
        self._pool: asyncpg.Pool | None = None
        self._pool_lock = asyncio.Lock()
        self._leader: Connection | None = None
        """Holds the locks of who leads."""
        self._led: set[Task] = set()
        self._lead_lock = asyncio.Lock()
        self._turn = address.lock("write")
        self._task = self._loop.create_task(self._write_batches())

    async def read(self, operation: Operation[T]) -> T:
        """As `PeopleStore.read`; holds a connection of the pool for as long as it takes."""
        try:
            pool = await self._reading()
            async with pool.acquire(timeout=COMMAND_SECONDS) as connection:
                cursor = PostgresCursor(connection)
                return await bridged(lambda: operation(cursor))
        except Exception as error:
            if (problem := told(error)) is not None:
                raise problem from error
            raise

    async def leads(self, task: Task = "mail") -> bool:
        """As `PeopleStore.leads`: who holds an advisory lock, as long as its session lasts."""
        async with self._lead_lock:
            try:
                return await self._leads(task)
            except Exception as error:
                if self._leader is not None:
                    self._leader.terminate()
                if (problem := told(error)) is not None:
                    raise problem from error
                raise

    async def _leads(self, task: Task) -> bool:
        if self._leader is None or self._leader.is_closed():
            self._led.clear()
            self._leader = await self._address.connect()
        if task in self._led:
            await self._leader.execute("SELECT 1")
            return True
        if not await self._leader.fetchval("SELECT pg_try_advisory_lock($1)", self._address.lock(_LEAD_LOCKS[task])):
            return False
        self._led.add(task)
        return True

    async def close(self) -> None:
        """Finish what is queued, then close; operations that come later are refused."""
        if self._is_closed:
            return
        self._is_closed = True
        self._queue.put_nowait(None)
        await self._task
        await self._drop_writer()
        if self._leader is not None:
            self._leader.terminate()
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), CLOSE_SECONDS)
            except TimeoutError:
                self._pool.terminate()

    def _hand_over(self, item: Item) -> None:
        self._queue.put_nowait(item)

    async def _reading(self) -> "asyncpg.Pool":
        async with self._pool_lock:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._address.url,
                    min_size=0,
                    max_size=self._connections_limit,
                    # Every session of ours is like any other, and a reset would cost a round trip at each read.
                    reset=_nothing,
                    timeout=CONNECT_SECONDS,
                    command_timeout=COMMAND_SECONDS,
                    statement_cache_size=STATEMENTS_LIMIT,
                    server_settings=self._address.settings(),
                )
            return self._pool

    async def _write_batches(self) -> None:
        is_open = True
        while is_open:
            first = await self._queue.get()
            if first is None:
                return
            batch = [first]
            while len(batch) < self._batch_limit and not self._queue.empty():
                item = self._queue.get_nowait()
                if item is None:
                    is_open = False
                    break
                batch.append(item)
            self._resolve(await self._committed(batch))

    async def _committed(self, batch: Sequence[Item]) -> list[Result]:
        """What each operation of a batch came to; on trouble with the database, the same trouble for all."""
        try:
            results = await self._transaction(batch, savepoints=False)
            if results is None:
                results = await self._transaction(batch, savepoints=True)
            assert results is not None, "behind savepoints every operation has a result"
        except Exception as error:
            await self._drop_writer()
            problem = told(error)
            if isinstance(problem, Problem) and problem.code is Code.DATABASE_GONE:
                await asyncio.sleep(PAUSE_SECONDS)
            return [(future, None, problem or error) for _, future in batch]
        return results

    async def _transaction(self, batch: Sequence[Item], *, savepoints: bool) -> list[Result] | None:
        """One transaction; None when it was rolled back because one of several operations failed after it had written."""
        asked_us = monotonic_us()
        connection = await self._writing()
        await connection.execute("BEGIN")
        row = await connection.fetchrow("SELECT pg_advisory_xact_lock($1), pg_current_xact_id()::text", self._turn)
        assert row is not None
        began_us = monotonic_us()
        self._lock_seconds.observe((began_us - asked_us) / MICROSECONDS)
        results: list[Result] = []
        for operation, future in batch:
            cursor = PostgresCursor(connection)
            if savepoints:
                await connection.execute("SAVEPOINT operation")
            try:
                results.append((future, await bridged(_call(operation, cursor)), None))
            except Exception as error:
                if told(error) is not None:
                    raise
                results.append((future, None, error))
                if not cursor.has_written:
                    continue
                if savepoints:
                    await connection.execute("ROLLBACK TO operation")
                else:
                    await connection.execute("ROLLBACK")
                    return results if len(batch) == 1 else None
        await self._commit(connection, row[1])
        self._commit_seconds.observe((monotonic_us() - began_us) / MICROSECONDS)
        self._commits.inc()
        self._operations.inc(len(batch))
        return results

    async def _commit(self, connection: Connection, transaction: str) -> None:
        """COMMIT; returns only when it is known to be durable. Raises UncertainProblem when nobody can tell."""
        try:
            await connection.execute("COMMIT")
        except Exception as error:
            problem = told(error)
            if problem is None or problem.code is not Code.DATABASE_GONE:
                raise
            await self._drop_writer()
            if not await self._was_committed(transaction):
                raise

    async def _was_committed(self, transaction: str) -> bool:
        deadline_us = monotonic_us() + round(UNCERTAIN_SECONDS * MICROSECONDS)
        while monotonic_us() < deadline_us:
            try:
                connection = await self._writing()
                status = await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", transaction)
            except Exception as error:
                if told(error) is None:
                    raise
                await self._drop_writer()
                status = None
            if status in ("committed", "aborted"):
                return bool(status == "committed")
            await asyncio.sleep(PAUSE_SECONDS)
        raise UncertainProblem(Code.DATABASE_GONE, "the database can't be reached just now; please come back and look whether it was done")

    async def _writing(self) -> Connection:
        if self._writer is None or self._writer.is_closed():
            self._writer = await self._address.connect()
        return self._writer

    async def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None and not writer.is_closed():
            writer.terminate()


def _call(operation: Operation[T], cursor: PostgresCursor) -> Callable[[], T]:
    return lambda: operation(cursor)


async def _nothing(_: object) -> None:
    """No reset."""
