"""Group commit on a real file."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gelombang.attempt import Code
from gelombang_server.database import Database
from gelombang_server.metrics import Metrics
from gelombang_server.peoplestore import Cursor
from gelombang_server.problem import Problem


@pytest.fixture
async def metrics() -> Metrics:
    return Metrics("hardened", "1", 0)


@pytest.fixture
async def database(tmp_path: Path, metrics: Metrics) -> AsyncIterator[Database]:
    path = tmp_path / "test.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE words (word TEXT PRIMARY KEY)")
    connection.close()
    database = Database(path, queue_limit=50, batch_limit=10, metrics=metrics)
    yield database
    await database.close()


def adding(word: str) -> Callable[[Cursor], str]:
    def add(cursor: Cursor) -> str:
        cursor.execute("INSERT INTO words VALUES (?)", (word,))
        return word

    return add


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process holds the file."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def words(cursor: Cursor) -> list[str]:
    return [row[0] for row in cursor.execute("SELECT word FROM words ORDER BY word")]


async def test_an_operation_that_raises_is_rolled_back_alone(database: Database) -> None:
    def half(cursor: Cursor) -> None:
        adding("half")(cursor)
        raise Problem(Code.ALREADY_DONE, "no")

    results = await asyncio.gather(
        database.run(adding("a")), database.run(half), database.run(adding("a")), database.run(adding("b")), return_exceptions=True
    )
    assert results[0] == "a"
    assert isinstance(results[1], Problem)
    assert isinstance(results[2], sqlite3.IntegrityError)
    assert results[3] == "b"
    assert await database.read(words) == ["a", "b"]


async def test_operations_that_wait_together_share_commits(database: Database, metrics: Metrics) -> None:
    await asyncio.gather(*(database.run(adding(str(n))) for n in range(41)))
    commits = metrics.registry.get_sample_value("gelombang_server_database_commits_total")
    operations = metrics.registry.get_sample_value("gelombang_server_database_operations_total")
    assert operations == 41
    assert commits == 5, "41 operations in groups of at most 10"


async def test_the_loop_goes_on_while_another_process_holds_the_file(database: Database, tmp_path: Path) -> None:
    await database.run(adding("a"))
    with held(tmp_path / "test.sqlite3"):
        waiting = asyncio.ensure_future(database.run(adding("b")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert await database.read(words) == ["a"]
        assert not waiting.done()
    assert await waiting == "b"
    assert database._writer.execute("PRAGMA busy_timeout").fetchone() == (0,), "what the loop itself tries waits for nobody"


async def test_a_full_queue_is_an_answer(database: Database, tmp_path: Path) -> None:
    with held(tmp_path / "test.sqlite3"):
        waiting = [asyncio.ensure_future(database.run(adding(str(n)))) for n in range(50)]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await database.run(adding("late"))
    await asyncio.gather(*waiting)
    assert refused.value.code is Code.DATABASE_BUSY
    assert await database.run(adding("later")) == "later"


async def test_what_was_queued_before_the_end_is_durable(database: Database, tmp_path: Path) -> None:
    futures = [asyncio.ensure_future(database.run(adding(str(n)))) for n in range(30)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*futures)
    with pytest.raises(Problem):
        await database.run(adding("too late"))
    connection = sqlite3.connect(tmp_path / "test.sqlite3")
    assert len(words(connection.cursor())) == 30
    connection.close()


async def test_two_writers_on_one_file_take_turns(database: Database, tmp_path: Path) -> None:
    other = Database(tmp_path / "test.sqlite3", queue_limit=50, batch_limit=10, metrics=Metrics("hardened", "1", 1))
    both = [side.run(adding(f"{side is other}-{n}")) for n in range(20) for side in (database, other)]
    await asyncio.gather(*both)
    assert len(await other.read(words)) == 40
    await other.close()


async def test_a_full_disk_is_told_to_all_who_shared_the_transaction_and_none_of_it_stays(database: Database, metrics: Metrics) -> None:
    """SQLite undoes the whole transaction then, savepoints included."""

    def large(cursor: Cursor) -> None:
        cursor.execute("INSERT INTO words VALUES (?)", ("x" * 100_000,))

    await database.run(lambda cursor: cursor.execute("PRAGMA max_page_count = 8").fetchone())
    together = (database.run(operation) for operation in (adding("a"), large, adding("b")))
    told = await asyncio.gather(*together, return_exceptions=True)
    with pytest.raises(Problem) as alone:
        await database.run(large)
    assert [getattr(error, "code", error) for error in (*told, alone.value)] == [Code.DATABASE_FULL] * 4
    assert await database.read(words) == []
    assert metrics.registry.get_sample_value("gelombang_server_database_commits_total") == 1
    assert await database.run(adding("small")) == "small"


class Damaged:
    """The writer's connection to a file in which SQLite finds no database any more."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.in_transaction = False
        self.close = connection.close

    def execute(self, statement: str) -> object:
        if statement.startswith("BEGIN"):
            raise sqlite3.DatabaseError("file is not a database")
        return self._connection.execute(statement)


async def test_a_damaged_file_is_told_to_each_who_asks_and_nobody_waits_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = database._writer
    with monkeypatch.context() as damage:
        damage.setattr(database, "_writer", Damaged(whole))
        for word in ("a", "b"):
            with pytest.raises(sqlite3.DatabaseError, match="not a database"):
                await asyncio.wait_for(database.run(adding(word)), 10)
    assert await database.run(adding("c")) == "c"
    assert await database.read(words) == ["c"]


async def test_what_was_undone_alone_is_no_commit(database: Database, metrics: Metrics) -> None:
    def refuse(cursor: Cursor) -> None:
        raise Problem(Code.ALREADY_DONE, "no")

    def sample(name: str) -> float | None:
        return metrics.registry.get_sample_value(f"gelombang_server_{name}")

    await database.run(adding("a"))
    with pytest.raises(Problem):
        await database.run(refuse)
    metrics.page()
    assert [sample(name) for name in ("database_commits_total", "database_operations_total", "database_commit_seconds_count")] == [1, 1, 1]
