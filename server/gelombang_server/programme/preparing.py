"""Before the site opens: its prepared people, in the site's file."""

import sqlite3
from pathlib import Path

from gelombang.errors import InputError
from gelombang.runplan import PreparedPeople, ServerPlan
from gelombang_server.programme.prepared import prepare_people


def prepare_database_people(plan: ServerPlan, prepared: PreparedPeople, path: Path) -> None:
    """Make them in the file. Raises InputError for a database by URL, which other servers may use already."""
    if plan.profile.database.url is not None:
        raise InputError("people can't be prepared in a database by URL; want a site with a file of its own")
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        cursor = connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        prepare_people(cursor, plan, prepared)
        cursor.execute("COMMIT")
    finally:
        connection.close()
