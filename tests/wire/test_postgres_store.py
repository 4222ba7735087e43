"""The store on PostgreSQL when a session of it breaks: what becomes of an operation whose commit nobody answered, or that was cut in its
turn to write."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from gelombang.attempt import Code
from gelombang_server.metrics import Metrics
from gelombang_server.peoplestore import Cursor, UncertainProblem
from gelombang_server.postgres import database as postgres_database
from gelombang_server.postgres.address import Address
from gelombang_server.postgres.database import PostgresDatabase
from gelombang_server.postgres.migrating import prepare_database
from gelombang_server.problem import Problem
from tests.support.people_stores import UNSEALED
from tests.support.postgres import Cluster


def sign_up(cursor: Cursor) -> None:
    cursor.execute("INSERT INTO applicants (email, name, password_hash, created_us) VALUES ('a@mail.example', 'a', 'x', 1)")


def count(cursor: Cursor) -> int:
    return int(cursor.execute("SELECT count(*) FROM applicants").fetchone()[0])


@pytest.mark.parametrize("reaches_the_server", [True, False])
async def test_a_connection_that_breaks_in_the_commit_is_answered_by_what_became_of_it(cluster: Cluster, reaches_the_server: bool) -> None:
    schema = f"cut_{reaches_the_server}".lower()
    async with _cut_at_commit(cluster, reaches_the_server) as proxy:
        store = await _open(cluster, schema, proxy.port)
        proxy.cuts_left = 1
        if reaches_the_server:
            await store.run(sign_up)
        else:
            with pytest.raises(Problem) as told:
                await store.run(sign_up)
            assert told.value.code is Code.DATABASE_GONE
            assert not isinstance(told.value, UncertainProblem)
        assert proxy.cuts_left == 0
        assert await store.read(count) == int(reaches_the_server)
        await store.close()


async def test_a_commit_of_which_nobody_can_tell_is_no_acknowledgement(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_database, "UNCERTAIN_SECONDS", 0.3)
    async with _cut_at_commit(cluster, reaches_the_server=True) as proxy:
        store = await _open(cluster, "uncertain", proxy.port)
        proxy.cuts_left = 1_000
        proxy.refuses_after_cut = True
        with pytest.raises(UncertainProblem):
            await store.run(sign_up)
        proxy.cuts_left, proxy.refuses_after_cut = 0, False
        assert await store.read(count) == 1
        await store.close()


async def test_an_operation_in_a_dead_turn_lets_the_next_process_write(cluster: Cluster) -> None:
    """A process that was killed in its transaction: its session ends, and with it its turn."""
    store = await _open(cluster, "dead_turn", cluster.port)
    address = Address(cluster.url, "dead_turn")
    other = await address.connect()
    await other.execute("BEGIN")
    await other.fetchval("SELECT pg_advisory_xact_lock($1)", address.lock("write"))
    waiting = asyncio.ensure_future(store.run(sign_up))
    looker = await address.connect()
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    await _until(looker, held)
    other.terminate()
    await waiting
    assert await store.read(count) == 1
    await looker.close()
    await store.close()


async def _until(connection: "asyncpg.Connection", query: str) -> None:
    while not await connection.fetchval(query):
        await asyncio.sleep(0)


async def _open(cluster: Cluster, schema: str, port: int) -> PostgresDatabase:
    await asyncio.to_thread(prepare_database, Address(cluster.url, schema), 0, UNSEALED)
    address = Address(cluster.url.replace(str(cluster.port), str(port)), schema)
    return PostgresDatabase(address, 50, 10, 2, Metrics("hardened", "1", 0))


class _Proxy:
    """Passes bytes on; hangs up at a COMMIT, before or after the server has heard it."""

    def __init__(self, server_port: int, reaches_the_server: bool) -> None:
        self.port = 0
        self.cuts_left = 0
        self.refuses_after_cut = False
        self._was_cut = False
        self._server_port = server_port
        self._reaches_the_server = reaches_the_server

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses_after_cut and self._was_cut:
            writer.close()
            return
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        back = asyncio.ensure_future(_pass_on(server_reader, writer))
        try:
            while data := await reader.read(65_536):
                if b"COMMIT\0" in data and self.cuts_left:
                    self.cuts_left -= 1
                    self._was_cut = True
                    back.cancel()
                    await asyncio.wait([back])
                    if self._reaches_the_server:
                        server_writer.write(data)
                        await server_reader.read(65_536)
                    return
                server_writer.write(data)
        except ConnectionError:
            return
        finally:
            back.cancel()
            server_writer.close()
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def _cut_at_commit(cluster: Cluster, reaches_the_server: bool) -> AsyncIterator[_Proxy]:
    port = urlsplit(cluster.url).port
    assert port is not None
    proxy = _Proxy(port, reaches_the_server)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
