"""One contract for every database of the site: what is promised for SQLite holds for PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gelombang.attempt import Code
from gelombang_server.database import Database
from gelombang_server.metrics import Metrics
from gelombang_server.peoplestore import Cursor, PeopleStore, TakenError
from gelombang_server.postgres.address import Address
from gelombang_server.postgres.database import PostgresDatabase
from gelombang_server.postgres.migrating import prepare_database
from gelombang_server.problem import Problem
from gelombang_server.schema import create_tables
from tests.support.people_stores import UNSEALED

QUEUE_LIMIT, BATCH_LIMIT = 50, 10
Opener = Callable[[Metrics], PeopleStore]


@pytest.fixture(params=["sqlite", "postgres"])
async def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens another way to the same tables."""
    if request.param == "sqlite":
        path = tmp_path / "test.sqlite3"
        create_tables(path)
        return lambda metrics: Database(path, QUEUE_LIMIT, BATCH_LIMIT, metrics)
    address = Address(request.getfixturevalue("cluster").url, f"test_{abs(hash(request.node.name))}")
    await asyncio.to_thread(prepare_database, address, 0, UNSEALED)
    return lambda metrics: PostgresDatabase(address, QUEUE_LIMIT, BATCH_LIMIT, 4, metrics)


@pytest.fixture
async def metrics() -> Metrics:
    return Metrics("hardened", "1", 0)


@pytest.fixture
async def store(opener: Opener, metrics: Metrics) -> AsyncIterator[PeopleStore]:
    opened = opener(metrics)
    yield opened
    await opened.close()


def signing_up(name: str) -> Callable[[Cursor], int]:
    def sign_up(cursor: Cursor) -> int:
        row = (f"{name}@mail.example", name, "x", 1)
        add = "INSERT INTO applicants (email, name, password_hash, created_us) VALUES (?, ?, ?, ?) RETURNING id"
        return int(cursor.execute(add, row).fetchone()[0])

    return sign_up


def names(cursor: Cursor) -> list[str]:
    return [name for (name,) in cursor.execute("SELECT name FROM applicants ORDER BY name")]


async def test_what_was_answered_is_there_for_every_other_process(opener: Opener, store: PeopleStore) -> None:
    await store.run(signing_up("siti"))
    other = opener(Metrics("hardened", "1", 1))
    assert await other.read(names) == ["siti"]
    await other.close()


async def test_of_operations_that_share_a_commit_only_those_that_raise_are_undone(store: PeopleStore) -> None:
    def half(cursor: Cursor) -> None:
        signing_up("half")(cursor)
        raise Problem(Code.ALREADY_DONE, "no")

    def looks(cursor: Cursor) -> None:
        names(cursor)
        raise Problem(Code.STEP_NOT_OPEN, "not yet")

    asked = [signing_up("a"), half, looks, signing_up("a"), signing_up("b")]
    results = await asyncio.gather(*(store.run(operation) for operation in asked), return_exceptions=True)
    wanted = (int, Problem, Problem, TakenError, int)
    assert all(isinstance(result, kind) for result, kind in zip(results, wanted, strict=True)), results
    assert await store.read(names) == ["a", "b"]


async def test_an_operation_that_raises_alone_leaves_nothing(store: PeopleStore) -> None:
    def half(cursor: Cursor) -> None:
        signing_up("half")(cursor)
        raise Problem(Code.ALREADY_DONE, "no")

    with pytest.raises(Problem):
        await store.run(half)
    assert await store.read(names) == []
    await store.run(signing_up("whole"))
    assert await store.read(names) == ["whole"]


async def test_operations_that_wait_together_share_commits(store: PeopleStore, metrics: Metrics) -> None:
    await asyncio.gather(*(store.run(signing_up(str(n))) for n in range(40)))
    commits = metrics.registry.get_sample_value("gelombang_server_database_commits_total")
    assert metrics.registry.get_sample_value("gelombang_server_database_operations_total") == 40
    assert commits is not None
    assert 4 <= commits <= 8, "40 operations in batches of at most 10; the writer may begin before all have come"


async def test_a_full_line_is_an_answer_and_those_in_it_are_served(store: PeopleStore) -> None:
    waiting = [asyncio.ensure_future(store.run(signing_up(str(n)))) for n in range(QUEUE_LIMIT)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await store.run(signing_up("late"))
    assert refused.value.code is Code.DATABASE_BUSY
    await asyncio.gather(*waiting)
    assert len(await store.read(names)) == QUEUE_LIMIT


async def test_what_was_queued_before_the_end_is_durable(opener: Opener) -> None:
    store = opener(Metrics("hardened", "1", 0))
    futures = [asyncio.ensure_future(store.run(signing_up(str(n)))) for n in range(30)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*futures)
    with pytest.raises(Problem):
        await store.run(signing_up("too late"))
    again = opener(Metrics("hardened", "1", 1))
    assert len(await again.read(names)) == 30
    await again.close()


async def test_writers_of_several_processes_never_act_on_what_has_changed_meanwhile(opener: Opener) -> None:
    """Each reads a count and writes it back, one more: without turns some would be lost."""
    stores = [opener(Metrics("hardened", "1", slot)) for slot in range(3)]
    await stores[0].run(signing_up("siti"))

    def count(cursor: Cursor) -> None:
        (tries,) = cursor.execute("SELECT password_tries FROM applicants").fetchone()
        cursor.execute("UPDATE applicants SET password_tries = ?", (tries + 1,))

    await asyncio.gather(*(store.run(count) for _ in range(15) for store in stores))
    assert await stores[0].read(lambda cursor: cursor.execute("SELECT password_tries FROM applicants").fetchone()[0]) == 45
    for store in stores:
        await store.close()


async def test_many_rows_and_numbers_of_changed_ones(store: PeopleStore) -> None:
    await store.run(signing_up("siti"))
    rows = [("otp", f"+62{n}", "1", n) for n in range(20)]
    add = "INSERT INTO outbox (kind, address, content, queued_us) VALUES (?, ?, ?, ?)"
    assert await store.run(lambda cursor: cursor.executemany(add, rows).rowcount) == 20
    change = "UPDATE outbox SET delivered = id WHERE queued_us < ?"
    assert await store.run(lambda cursor: cursor.execute(change, (5,)).rowcount) == 5
    assert await store.run(lambda cursor: cursor.execute(change, (0,)).rowcount) == 0
    waiting = "SELECT count(*) FROM outbox WHERE delivered IS NULL AND (kind = 'otp') = ?"
    assert await store.read(lambda cursor: cursor.execute(waiting, (True,)).fetchall()) == [(15,)]
