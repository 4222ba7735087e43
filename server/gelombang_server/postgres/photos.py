"""The rows of the photos, read back for the audit a page at a time: a site may have more of them than memory."""

import asyncio
from collections.abc import Iterator

import asyncpg

from gelombang.audit import StoredPhoto
from gelombang_server.postgres.address import Address, Connection, connect_first, told_to_operator

PAGE_PHOTOS = 4_096
"""Fetched at once, each page by a statement of its own: between two of them photos are read for longer than a transaction may idle."""
_PAGE = "SELECT rowid, person, step, number, sha256, bytes, path FROM photos WHERE rowid > $1 ORDER BY rowid LIMIT $2"


def read_photos(address: Address) -> Iterator[StoredPhoto]:
    """Every photo of the site, in the order in which they were stored. Raises GelombangError."""
    with asyncio.Runner() as runner:
        connection = runner.run(connect_first(address))
        try:
            last = 0
            while page := runner.run(_page(address, connection, last)):
                yield from (StoredPhoto(*row[1:]) for row in page)
                last = page[-1]["rowid"]
        finally:
            runner.run(connection.close())


async def _page(address: Address, connection: Connection, last: int) -> "list[asyncpg.Record]":
    with told_to_operator(address):
        page: list[asyncpg.Record] = await connection.fetch(_PAGE, last, PAGE_PHOTOS)
    return page
