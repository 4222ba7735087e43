"""A store of people of either kind, empty, for tests of what operations promise in every database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gelombang_server.data_key import DataKey
from gelombang_server.database import Database
from gelombang_server.metrics import Metrics
from gelombang_server.peoplestore import PeopleStore
from gelombang_server.postgres.address import Address
from gelombang_server.postgres.database import PostgresDatabase
from gelombang_server.postgres.migrating import prepare_database
from gelombang_server.schema import create_tables
from gelombang_server.sealing import Seal

UNSEALED = DataKey(Seal(None), "this test seals nothing")


@asynccontextmanager
async def people_store(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[PeopleStore]:
    """As the fixture's parameter says: `sqlite`, or `postgres` in the module's fixture `cluster`."""
    metrics = Metrics("programme", "1", 0)
    if request.param == "sqlite":
        create_tables(folder / "test.sqlite3")
        opened: PeopleStore = Database(folder / "test.sqlite3", 50, 10, metrics)
    else:
        address = Address(request.getfixturevalue("cluster").url, f"test_{abs(hash(request.node.name))}")
        await asyncio.to_thread(prepare_database, address, 0, UNSEALED)
        opened = PostgresDatabase(address, 50, 10, 4, metrics)
    yield opened
    await opened.close()
