"""Brings a database to the version that this program knows, and agrees with the other servers that share it.

Whoever starts takes one advisory lock, looks which steps were done, and does the rest, each in a transaction of its own: several processes
may start at once, and one that is killed in the middle leaves whole steps.
"""

import asyncio
import secrets
from typing import NamedTuple

from gelombang.clock import monotonic_us
from gelombang.errors import InputError
from gelombang_server.config import SESSION_KEY_BYTES
from gelombang_server.data_key import DataKey, hold_to_one_key
from gelombang_server.postgres.address import Address, Connection, connect_first, told_to_operator
from gelombang_server.postgres.bridge import PostgresCursor, bridged
from gelombang_server.postgres.tables import MIGRATIONS

MIGRATION_SECONDS = 30.0
"""How long a process waits for another that migrates."""


_FIRST = """
INSERT INTO site (session_key, zero_us) VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1e6)::bigint - $2)
ON CONFLICT DO NOTHING RETURNING zero_us
"""


_LATER = "SELECT session_key, (extract(epoch FROM clock_timestamp()) * 1e6)::bigint - zero_us FROM site"


class SharedSite(NamedTuple):
    """What all servers on one database have in common."""

    session_key: bytes
    zero_us: int
    """The site's zero on this machine's monotonic clock; the database's clock stands between two machines."""


def prepare_database(address: Address, zero_us: int, identity: DataKey) -> SharedSite:
    """Make or renew the tables; the first server of a site decides its keys and its zero. Raises GelombangError."""
    return asyncio.run(_prepare(address, zero_us, identity))


async def _prepare(address: Address, zero_us: int, identity: DataKey) -> SharedSite:
    connection = await connect_first(address)
    try:
        with told_to_operator(address):
            await migrate(connection, address)
            cursor = PostgresCursor(connection)
            await bridged(lambda: hold_to_one_key(cursor, identity, address.named))
            key, age_us = secrets.token_bytes(SESSION_KEY_BYTES), monotonic_us() - zero_us
            if await connection.fetchrow(_FIRST, key, age_us) is not None:
                return SharedSite(key, zero_us)
            found = await connection.fetchrow(_LATER)
            assert found is not None, "who does not come first finds a row"
            return SharedSite(found[0], monotonic_us() - found[1])
    finally:
        await connection.close()


async def migrate(connection: Connection, address: Address) -> None:
    """Do the steps that are missing. Raises InputError when the database is newer than this program."""
    lock = address.lock("migration")
    await connection.execute(f"SET lock_timeout = {round(MIGRATION_SECONDS * 1_000)}")
    await connection.execute("SELECT pg_advisory_lock($1)", lock, timeout=MIGRATION_SECONDS)
    try:
        await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{address.schema}"')
        await connection.execute("CREATE TABLE IF NOT EXISTS migrations (version bigint PRIMARY KEY, title text, done_at timestamptz)")
        done = {row["version"] for row in await connection.fetch("SELECT version FROM migrations")}
        if newer := done - {step.version for step in MIGRATIONS}:
            newest = MIGRATIONS[-1].version
            raise InputError(f"{address.named} is of version {max(newer)}; want {newest} or older")
        for step in MIGRATIONS:
            if step.version not in done:
                async with connection.transaction():
                    await connection.execute(step.script)
                    await connection.execute("INSERT INTO migrations VALUES ($1, $2, now())", step.version, step.title)
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", lock)
