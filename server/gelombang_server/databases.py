"""Which database a site has: the file in its folder, or what the profile's `[database] url` names.

A package that only one of them needs is imported here, when it is asked for.
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from gelombang.errors import InputError
from gelombang.profile import Profile
from gelombang.runplan import ServerPlan
from gelombang_server.data_key import DataKey
from gelombang_server.database import Database
from gelombang_server.metrics import Metrics
from gelombang_server.peoplestore import PeopleStore
from gelombang_server.schema import DATABASE_FILE

if TYPE_CHECKING:
    from gelombang_server.postgres.migrating import SharedSite

SITE_ZERO_FILE = "zero"
"""In the site's folder, of a server that shares its database: the site's zero on this machine's monotonic clock."""


def open_database(plan: ServerPlan, profile: Profile, site: Path, metrics: Metrics) -> PeopleStore:
    """The database of one process; needs a running loop and a prepared site."""
    queue_limit, batch_limit = profile.api.database_queue_limit, profile.api.database_batch_limit
    if profile.database.url is None:
        return Database(site / DATABASE_FILE, queue_limit, batch_limit, metrics)
    from gelombang_server.postgres.address import address_of
    from gelombang_server.postgres.database import PostgresDatabase

    address = address_of(profile.database, plan.run)
    return PostgresDatabase(address, queue_limit, batch_limit, profile.database.connections_limit, metrics)


def prepare_shared(plan: ServerPlan, identity: DataKey) -> "SharedSite | None":
    """Make the tables of a database that has a URL; None for a file. Raises GelombangError when it can't be used or reached."""
    if plan.profile.database.url is None:
        return None
    if importlib.util.find_spec("asyncpg") is None or importlib.util.find_spec("greenlet") is None:
        raise InputError("[database] url asks for PostgreSQL and asyncpg is not installed; want pip install 'gelombang[postgres]'")
    from gelombang_server.postgres.address import address_of
    from gelombang_server.postgres.migrating import prepare_database

    return prepare_database(address_of(plan.profile.database, plan.run), plan.zero_us, identity)


def read_site_zero(site: Path, plan: ServerPlan) -> int:
    """The zero of the times in the site's database."""
    path = site / SITE_ZERO_FILE
    return int(path.read_text()) if path.exists() else plan.zero_us
