"""The audit: is every photo that the site acknowledged in its store, whole?

The generator wrote down what it was told (`acknowledged-<k>.bin`: person, step, number, bytes, SHA-256 of what was sent). Each of these
must be a row of the server's `photos` table, with the same digest and length, and a file whose bytes have that digest. An acknowledgement
that was told again (`"stored": true`, under a later try) stands for the photo of an earlier one, so person, step and digest find it too.
Every stored file is read and hashed, those that nobody was told of as well.
"""

import hashlib
import sqlite3
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gelombang.errors import RecordError

AUDIT_FILE = "audit.json"
DATABASE = Path("site") / "gelombang.sqlite3"
PHOTOS = Path("site") / "photos"
QUARANTINE = "quarantine/"
"""Where the server puts photos whose sync failed."""
LISTED_LIMIT = 20
"""How many of what is wrong are named."""


class Audit(BaseModel):
    """What was found; lists name at most LISTED_LIMIT, counts count all."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    acknowledged: int
    found: int
    lost: int
    """Acknowledged, and not in the store whole: no row, no file, or bytes that are others than were sent."""
    lost_first: list[str]
    stored: int
    """Photos in the store."""
    wrong_digest: int
    """Stored files that are missing or whose bytes don't have the digest or length that the database holds."""
    wrong_digest_first: list[str]
    stored_unheard: int
    """Photos in the store that nobody was told of."""
    stored_unheard_bytes: int
    orphan_files: int
    """Photo files below the store that the database does not know: what a server that was ended between file and row leaves."""
    orphan_files_first: list[str]


class StoredPhoto(NamedTuple):
    """A row of the server's table of photos."""

    person: int
    step: int
    number: int
    sha256: str
    bytes: int
    path: str


class Shelf(Protocol):
    """Where the bytes of the photos are."""

    def whole(self, photos: list[StoredPhoto]) -> list[bool]:
        """Of each photo whether its bytes are there, all of them and none else, by SHA-256 and length."""

    def names(self) -> set[str]:
        """The paths of all photos that are there."""


class Elsewhere(NamedTuple):
    """What of a site is not in the run's folder; None: it is."""

    rows: list[StoredPhoto] | None = None
    shelf: Shelf | None = None


HERE = Elsewhere()


def folder_shelf(store: Path) -> Shelf:
    """The photos below a folder."""
    return _Folder(store)


def can_audit(folder: Path) -> bool:
    """Whether the run's folder holds a store to look into."""
    return (folder / DATABASE).exists()


def audit(folder: Path, acknowledged: NDArray[np.void], elsewhere: Elsewhere = HERE) -> Audit:
    """Look for every acknowledged photo (rows of ACKNOWLEDGED_ROW). The server must have ended.

    Raises RecordError when the database can't be read, and what the methods of another shelf raise.
    """
    photos = _read_photos(folder / DATABASE) if elsewhere.rows is None else elsewhere.rows
    shelf = elsewhere.shelf or folder_shelf(folder / PHOTOS)
    whole = shelf.whole(photos)
    by_number = {photo[:3]: i for i, photo in enumerate(photos)}
    by_digest = {(photo.person, photo.step, photo.sha256): i for i, photo in enumerate(photos)}
    lost: list[str] = []
    told: set[int] = set()
    for person, step, number, size, digest in _told(acknowledged):
        place = by_number.get((person, step, number))
        if place is None or photos[place].sha256 != digest:
            place = by_digest.get((person, step, digest))
        if place is None or not whole[place] or photos[place].bytes != size:
            lost.append(f"person {person}, step {step}, try {number}")
        else:
            told.add(place)
    broken = [photo.path for photo, is_whole in zip(photos, whole, strict=True) if not is_whole]
    unheard = [photo.bytes for i, photo in enumerate(photos) if i not in told]
    orphans = sorted(shelf.names() - {photo.path for photo in photos})
    return Audit(
        acknowledged=len(acknowledged),
        found=len(acknowledged) - len(lost),
        lost=len(lost),
        lost_first=lost[:LISTED_LIMIT],
        stored=len(photos),
        wrong_digest=len(broken),
        wrong_digest_first=broken[:LISTED_LIMIT],
        stored_unheard=len(unheard),
        stored_unheard_bytes=sum(unheard),
        orphan_files=len(orphans),
        orphan_files_first=orphans[:LISTED_LIMIT],
    )


def _told(rows: NDArray[np.void]) -> list[tuple[int, int, int, int, str]]:
    fields = (rows[name].tolist() for name in ("person", "step", "number", "bytes"))
    digests = (bytes(digest).hex() for digest in rows["sha256"])
    return list(zip(*fields, digests, strict=True))


def _read_photos(path: Path) -> list[StoredPhoto]:
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            rows = connection.execute("SELECT person, step, number, sha256, bytes, path FROM photos").fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise RecordError(f"{path} can't be read ({error}); want the database of a server that has ended") from error
    return [StoredPhoto(*row) for row in rows]


class _Folder:
    """The folder of one server."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def whole(self, photos: list[StoredPhoto]) -> list[bool]:
        return [self._is_whole(photo) for photo in photos]

    def names(self) -> set[str]:
        """What is set aside or half written is none."""
        names = {path.relative_to(self._store).as_posix() for path in self._store.rglob("*.jpg") if path.is_file()}
        return {name for name in names if not name.startswith(QUARANTINE)}

    def _is_whole(self, photo: StoredPhoto) -> bool:
        try:
            with (self._store / photo.path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                return digest == photo.sha256 and file.tell() == photo.bytes
        except OSError:
            return False
