"""Group commit on a real file."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from threading import Event

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
    gate = Event()
    first = asyncio.ensure_future(database.run(lambda cursor: gate.wait(10)))
    rest = [asyncio.ensure_future(database.run(adding(str(n)))) for n in range(40)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, *rest)
    commits = metrics.registry.get_sample_value("gelombang_server_database_commits_total")
    operations = metrics.registry.get_sample_value("gelombang_server_database_operations_total")
    assert operations == 41
    assert commits is not None
    assert 5 <= commits <= 6, "41 operations in batches of at most 10, the first perhaps alone"


async def test_a_full_queue_is_an_answer(database: Database) -> None:
    gate = Event()
    waiting = [asyncio.ensure_future(database.run(lambda cursor: gate.wait(10))) for _ in range(50)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await database.run(adding("late"))
    gate.set()
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
    began, gate = Event(), Event()

    def hold(cursor: Cursor) -> None:
        began.set()
        gate.wait(10)

    first = asyncio.ensure_future(database.run(hold))
    await asyncio.to_thread(began.wait, 10)
    rest = [asyncio.ensure_future(database.run(operation)) for operation in (adding("a"), large, adding("b"))]
    await asyncio.sleep(0)
    gate.set()
    await first
    told = await asyncio.gather(*rest, return_exceptions=True)
    with pytest.raises(Problem) as alone:
        await database.run(large)
    assert [getattr(error, "code", error) for error in (*told, alone.value)] == [Code.DATABASE_FULL] * 4
    assert await database.read(words) == []
    assert metrics.registry.get_sample_value("gelombang_server_database_commits_total") == 2
    assert await database.run(adding("small")) == "small"
