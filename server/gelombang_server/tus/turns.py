"""Whose turn it is at an upload, for servers that share nothing but the database: fencing by a number that only grows.

Each request that wants an upload takes the next number (`epoch`); the row says which number has it (`held`, 0: none). Whoever has it finds
out that a newer one waits (`wanted`), puts away what it brought and gives it back. The newer one takes it when it is free, or, when its
time is up, from whoever has it: a server that died, a request that hangs. From then on nothing that the older one writes counts, because
every write asks for its number first ("Designing Data-Intensive Applications", Kleppmann, 2017, chapter 8, "Fencing tokens").

`stands` is where the upload stands, and `tus_pieces` are the objects before it.
"""

from typing import NamedTuple

from gelombang_server.peoplestore import Cursor, PeopleStore


class Asked(NamedTuple):
    """What a request was told."""

    epoch: int
    """Its number."""
    has_it: bool


class Stand(NamedTuple):
    """An upload as it is, and the objects that it consists of, in order."""

    stands_at: int
    objects: tuple[str, ...]


async def ask(database: PeopleStore, number: int, *, at_once: bool = False, from_anybody: bool = False) -> Asked | None:
    """The next number of an upload, and whether it has it: it is free, or taken `from_anybody`. None: there is no such upload; or,
    `at_once`, somebody has it, and nothing was changed."""

    def write(cursor: Cursor) -> Asked | None:
        row = cursor.execute("SELECT epoch, held FROM tus_uploads WHERE number = ?", (number,)).fetchone()
        if row is None:
            return None
        epoch, has_it = row[0] + 1, row[1] == 0 or from_anybody
        if at_once and not has_it:
            return None
        cursor.execute("UPDATE tus_uploads SET epoch = ?, held = ? WHERE number = ?", (epoch, epoch if has_it else row[1], number))
        return Asked(epoch, has_it)

    return await database.run(write)


async def holder(database: PeopleStore, number: int) -> tuple[int, int]:
    """(newest number, number that has it); zeros when there is no such upload any more."""
    query = "SELECT epoch, held FROM tus_uploads WHERE number = ?"
    row = await database.read(lambda cursor: cursor.execute(query, (number,)).fetchone())
    return (0, 0) if row is None else (row[0], row[1])


async def take(database: PeopleStore, number: int, epoch: int, *, from_anybody: bool) -> Asked | None:
    """Have it now, when it is free or `from_anybody`. None: it is not, or a newer request wants it."""
    statement = "UPDATE tus_uploads SET held = ? WHERE number = ? AND epoch = ? AND (held = 0 OR ?)"
    values = (epoch, number, epoch, from_anybody)
    is_taken = await database.run(lambda cursor: cursor.execute(statement, values).rowcount) == 1
    return Asked(epoch, True) if is_taken else None


async def give_back(database: PeopleStore, number: int, epoch: int) -> None:
    """It is free, unless somebody took it."""
    statement = "UPDATE tus_uploads SET held = 0 WHERE number = ? AND held = ?"
    await database.run(lambda cursor: cursor.execute(statement, (number, epoch)).rowcount)


async def taken(database: PeopleStore) -> frozenset[int]:
    """All uploads that somebody has; bounded by the number of uploads."""
    query = "SELECT number FROM tus_uploads WHERE held > 0"
    return frozenset(number for (number,) in await database.read(lambda cursor: cursor.execute(query).fetchall()))


async def wanted(database: PeopleStore) -> set[tuple[int, int]]:
    """(upload, number that has it) of all that a newer request waits for."""
    query = "SELECT number, held FROM tus_uploads WHERE held > 0 AND epoch > held"
    return {(number, held) for number, held in await database.read(lambda cursor: cursor.execute(query).fetchall())}


async def stand(database: PeopleStore, number: int) -> Stand:
    """Where it stands; true for whoever has it."""

    def look(cursor: Cursor) -> Stand:
        row = cursor.execute("SELECT stands FROM tus_uploads WHERE number = ?", (number,)).fetchone()
        objects = cursor.execute("SELECT object FROM tus_pieces WHERE upload = ? ORDER BY at", (number,)).fetchall()
        return Stand(0 if row is None else row[0], tuple(name for (name,) in objects))

    return await database.read(look)


async def add_piece(database: PeopleStore, number: int, epoch: int, at: int, size: int, name: str) -> bool:
    """Another object belongs to it, and it is given back; False: another request took it, and nothing was changed."""

    def write(cursor: Cursor) -> bool:
        values = (at + size, number, epoch, at)
        if cursor.execute("UPDATE tus_uploads SET stands = ?, held = 0 WHERE number = ? AND held = ? AND stands = ?", values).rowcount != 1:
            return False
        cursor.execute("INSERT INTO tus_pieces (upload, at, object) VALUES (?, ?, ?)", (number, at, name))
        return True

    return await database.run(write)


def mark_stored(cursor: Cursor, number: int, epoch: int) -> bool:
    """Within the transaction that stores the photo; False: another request took the upload."""
    return cursor.execute("UPDATE tus_uploads SET stored = 1 WHERE number = ? AND held = ?", (number, epoch)).rowcount == 1
