"""The rows of the photos, read back for the audit."""

import asyncio

from gelombang.audit import StoredPhoto
from gelombang_server.postgres.address import Address, connect_first, told_to_operator


def read_photos(address: Address) -> list[StoredPhoto]:
    """Every photo of the site. Raises GelombangError."""
    return asyncio.run(_read(address))


async def _read(address: Address) -> list[StoredPhoto]:
    connection = await connect_first(address)
    try:
        with told_to_operator(address):
            rows = await connection.fetch("SELECT person, step, number, sha256, bytes, path FROM photos")
    finally:
        await connection.close()
    return [StoredPhoto(*row) for row in rows]
