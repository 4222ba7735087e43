"""The uploads that are begun, in the site's database: what every process must know of one that it has never seen.

A person has one upload of each photo: another one of the same photo takes its place. How far it stands is not here but in its file
(`gelombang_server.tus.partial`), so that bytes cost no transaction. `stored` becomes 1 in the transaction that stores the photo: from then
on the upload only says that it is complete, which is how a lost last answer is heard after all.
"""

import secrets
from dataclasses import dataclass

from gelombang.attempt import Code, Stage
from gelombang.profile_uploads import Resumable
from gelombang.steps import PhotoKind
from gelombang_server.keeper import new_photo_id
from gelombang_server.peoplestore import Cursor, PeopleStore
from gelombang_server.problem import Problem
from gelombang_server.tus.protocol import Creation

_COLUMNS = "number, id, applicant, kind, bytes, sha256, metadata, photo, expires_us, stored"


@dataclass(frozen=True, slots=True)
class BegunUpload:
    """One row."""

    number: int
    """Never used again: what its lock is called."""
    id: str
    """Who knows it may send: 128 bits that nobody chose."""
    applicant: int
    kind: PhotoKind
    size_bytes: int
    sha256: str | None
    metadata: str
    photo: str
    """The name that the photo will have."""
    expires_us: int
    is_stored: bool

    def is_of(self, creation: Creation) -> bool:
        """Whether this is the same file, as far as size and digest can tell."""
        same = (self.kind, self.size_bytes, self.sha256) == (creation.kind, creation.size_bytes, creation.sha256)
        return same and self.sha256 is not None


async def find(database: PeopleStore, id_: str) -> BegunUpload | None:
    """The upload of this address."""
    query = f"SELECT {_COLUMNS} FROM tus_uploads WHERE id = ?"
    row = await database.read(lambda cursor: cursor.execute(query, (id_,)).fetchone())
    return None if row is None else _upload(row)


async def find_of(database: PeopleStore, applicant: int, creation: Creation) -> BegunUpload | None:
    """The person's upload of just this file."""
    query = f"SELECT {_COLUMNS} FROM tus_uploads WHERE applicant = ? AND kind = ?"
    row = await database.read(lambda cursor: cursor.execute(query, (applicant, creation.kind.value)).fetchone())
    upload = None if row is None else _upload(row)
    return upload if upload is not None and upload.is_of(creation) else None


async def begin(
    database: PeopleStore, limits: Resumable, applicant: int, creation: Creation, now_us: int
) -> tuple[BegunUpload, BegunUpload | None]:
    """A new upload, and the one whose place it takes.

    Raises Problem(uploads_busy) when as many are begun as there may be, and what the database raises.
    """
    id_, photo = secrets.token_hex(16), new_photo_id()
    expires_us = now_us + round(limits.life_seconds * 1e6)

    def write(cursor: Cursor) -> tuple[BegunUpload, BegunUpload | None]:
        mine = (applicant, creation.kind.value)
        row = cursor.execute(f"SELECT {_COLUMNS} FROM tus_uploads WHERE applicant = ? AND kind = ?", mine).fetchone()
        older = None if row is None else _upload(row)
        cursor.execute("DELETE FROM tus_uploads WHERE applicant = ? AND kind = ?", mine)
        count, size = cursor.execute(
            "SELECT count(*), CAST(coalesce(sum(bytes), 0) AS bigint) FROM tus_uploads WHERE stored = 0"
        ).fetchone()
        if count >= limits.uploads_limit or size + creation.size_bytes > max(limits.uploads_limit_bytes, creation.size_bytes):
            raise Problem(Code.UPLOADS_BUSY, "as many uploads are begun as there may be; please come back", stage=Stage.ADMISSION)
        values = (id_, *mine, creation.size_bytes, creation.sha256, creation.metadata, photo, expires_us)
        names = "id, applicant, kind, bytes, sha256, metadata, photo, expires_us"
        statement = f"INSERT INTO tus_uploads ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING number"
        (number,) = cursor.execute(statement, values).fetchone()
        return _upload((number, *values, 0)), older

    return await database.run(write)


def mark_stored(cursor: Cursor, photo: str) -> None:
    """Within the transaction that stores the photo."""
    cursor.execute("UPDATE tus_uploads SET stored = 1 WHERE photo = ?", (photo,))


async def remove(database: PeopleStore, uploads: list[BegunUpload]) -> None:
    """Forget them."""
    numbers = [(upload.number,) for upload in uploads]
    await database.run(lambda cursor: cursor.executemany("DELETE FROM tus_uploads WHERE number = ?", numbers))


async def expired(database: PeopleStore, now_us: int, limit: int, after: int) -> list[BegunUpload]:
    """Those whose life is over, the oldest first, without the first `after`."""
    query = f"SELECT {_COLUMNS} FROM tus_uploads WHERE expires_us <= ? ORDER BY expires_us, number LIMIT ? OFFSET ?"
    return [_upload(row) for row in await database.read(lambda cursor: cursor.execute(query, (now_us, limit, after)).fetchall())]


async def photos(database: PeopleStore) -> set[str]:
    """The names of all photos to come; bounded by the number of uploads."""
    query = "SELECT photo FROM tus_uploads WHERE stored = 0"
    return {photo for (photo,) in await database.read(lambda cursor: cursor.execute(query).fetchall())}


def _upload(row: tuple[int, str, int, str, int, str | None, str, str, int, int]) -> BegunUpload:
    number, id_, applicant, kind, size_bytes, sha256, metadata, photo, expires_us, stored = row
    return BegunUpload(number, id_, applicant, PhotoKind(kind), size_bytes, sha256, metadata, photo, expires_us, bool(stored))
