"""The audit: is every photo that the site acknowledged in its store, whole?

The generator wrote down what it was told (`acknowledged-<k>.bin`: person, step, number, bytes, SHA-256 of what was sent). Each of these
must be a row of the server's `photos` table, with the same digest and length, and a file whose bytes have that digest. An acknowledgement
that was told again (`"stored": true`, under a later try) stands for the photo of an earlier one, so person, step and digest find it too.
Every stored file is read and hashed, those that nobody was told of as well.

A photo that the site removed to keep its disk within a bound counts as found when the auditor's trail (`gelombang.audit_trail`) has read it
back right, under the same person, step, number, length and digest; one that was read back wrong counts as lost, whatever is there now.

Photos are looked at a batch at a time and forgotten. Beside the acknowledgements, what stays of each is its length and two flags, its name
as bytes where it is in the store, and the place of its row in the trail.
"""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gelombang.audit_trail import TRAIL_FILE, NotedPhotos
from gelombang.errors import RecordError
from gelombang.photo_names import PhotoNames
from gelombang.told_photos import NO_PHOTO, ToldPhotos

AUDIT_FILE = "audit.json"
DATABASE = Path("site") / "gelombang.sqlite3"
PHOTOS = Path("site") / "photos"
QUARANTINE = "quarantine/"
"""Where the server puts photos whose sync failed."""
LISTED_LIMIT = 20
"""How many of what is wrong are named."""
LOOKED_AT_PHOTOS = 4_096
"""Asked of a shelf at once."""
_STORED = np.dtype(
    [
        ("person", "<u8"),
        ("photo", "<i8"),
        ("step", "<u2"),
        ("number", "<u2"),
        ("bytes", "<u4"),
        ("sha256", "u1", (32,)),
    ]
)


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
    removed: int = 0
    """Of `found`: read back right by the site's auditor while it ran, and removed."""
    read_back: int = 0
    """Photos that the auditor read back, whether or not anybody was told of them."""
    read_back_wrong: int = 0
    """Of these, those that were not what the site had acknowledged: they were not removed, and are lost."""
    read_back_wrong_first: list[str] = Field(default_factory=list)
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

    def names(self) -> Iterable[str]:
        """The paths of all photos that are there."""


class Elsewhere(NamedTuple):
    """What of a site is not in the run's folder; None: it is."""

    rows: Callable[[], Iterator[StoredPhoto]] | None = None
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
    shelf = elsewhere.shelf or folder_shelf(folder / PHOTOS)
    looked = _Looked(shelf, NotedPhotos(folder / TRAIL_FILE), ToldPhotos(acknowledged))
    photos = _read_photos(folder / DATABASE) if elsewhere.rows is None else enumerate(elsewhere.rows(), 1)
    while batch := list(islice(photos, LOOKED_AT_PHOTOS)):
        looked.look_at(batch)
    return looked.audit(acknowledged)


class _Looked:
    """The stored photos so far, and what shelf and trail say of them."""

    def __init__(self, shelf: Shelf, noted: NotedPhotos, told: ToldPhotos) -> None:
        self._shelf = shelf
        self._noted = noted
        self._told = told
        self._names = PhotoNames(shelf.names())
        self._stored = 0
        self._sizes = [np.empty(0, np.uint32)]
        self._whole = [np.empty(0, np.bool_)]
        self._removed = [np.empty(0, np.bool_)]
        self._broken_first: list[str] = []
        self._wrong = 0
        self._wrong_first: list[str] = []

    def look_at(self, batch: Sequence[tuple[int, StoredPhoto]]) -> None:
        """Ask trail and shelf for these photos, each with its row in the database's table."""
        stored = [photo for _, photo in batch]
        rows = _as_rows([number for number, _ in batch], stored)
        right, spoilt = self._noted.of(rows)
        # A file that outlived the leave to remove it (its auditor was killed in between) is looked at like any other.
        removed = right & ~self._names.cross_out([photo.path for photo in stored])
        here = np.flatnonzero(~removed)
        whole = np.ones(len(stored), np.bool_)
        whole[here] = self._shelf.whole([stored[i] for i in here])
        whole &= ~spoilt
        self._told.match(self._stored, rows)
        self._wrong += int(spoilt.sum())
        self._wrong_first += [stored[i].path for i in np.flatnonzero(spoilt)[: LISTED_LIMIT - len(self._wrong_first)]]
        self._broken_first += [stored[i].path for i in np.flatnonzero(~whole)[: LISTED_LIMIT - len(self._broken_first)]]
        self._stored += len(stored)
        self._whole.append(whole)
        self._removed.append(removed)
        self._sizes.append(rows["bytes"].copy())

    def audit(self, acknowledged: NDArray[np.void]) -> Audit:
        """What was found, once all photos were looked at."""
        whole, removed, sizes = np.concatenate(self._whole), np.concatenate(self._removed), np.concatenate(self._sizes)
        found = self._told.found(whole, sizes)
        lost = np.flatnonzero(found == NO_PHOTO)
        found = found[found != NO_PHOTO] if len(lost) else found
        unheard = np.ones(self._stored, np.bool_)
        unheard[found] = False
        orphans, orphans_first = self._names.left(LISTED_LIMIT)
        strangers, strangers_first = self._noted.strangers(LISTED_LIMIT - len(self._wrong_first))
        return Audit(
            acknowledged=len(acknowledged),
            found=len(found),
            lost=len(lost),
            lost_first=[_named(row) for row in acknowledged[lost[:LISTED_LIMIT]]],
            stored=self._stored,
            wrong_digest=int((~whole).sum()),
            wrong_digest_first=self._broken_first,
            stored_unheard=int(unheard.sum()),
            stored_unheard_bytes=int(sizes[unheard].sum(dtype=np.int64)),
            removed=int(removed[found].sum()),
            read_back=self._noted.count,
            read_back_wrong=self._wrong + strangers,
            read_back_wrong_first=self._wrong_first + [f"{_named(row)}, of which the database knows nothing" for row in strangers_first],
            orphan_files=orphans,
            orphan_files_first=orphans_first,
        )


def _as_rows(numbers: Sequence[int], stored: Sequence[StoredPhoto]) -> NDArray[np.void]:
    rows = np.zeros(len(stored), _STORED)
    rows["photo"] = numbers
    for name in ("person", "step", "number", "bytes"):
        rows[name] = [getattr(photo, name) for photo in stored]
    rows["sha256"] = np.frombuffer(bytes.fromhex("".join(photo.sha256 for photo in stored)), np.uint8).reshape(-1, 32)
    return rows


def _named(row: np.void) -> str:
    return f"person {row['person']}, step {row['step']}, try {row['number']}"


def _read_photos(path: Path) -> Iterator[tuple[int, StoredPhoto]]:
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            for row in connection.execute("SELECT rowid, person, step, number, sha256, bytes, path FROM photos ORDER BY rowid"):
                yield row[0], StoredPhoto(*row[1:])
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise RecordError(f"{path} can't be read ({error}); want the database of a server that has ended") from error


class _Folder:
    """The folder of one server."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def whole(self, photos: list[StoredPhoto]) -> list[bool]:
        return [self._is_whole(photo) for photo in photos]

    def names(self) -> Iterator[str]:
        """What is set aside or half written is none."""
        if self._store.exists():
            yield from (name for name in _photos_below(self._store, "") if not name.startswith(QUARANTINE))

    def _is_whole(self, photo: StoredPhoto) -> bool:
        try:
            with (self._store / photo.path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                return digest == photo.sha256 and file.tell() == photo.bytes
        except OSError:
            return False


def _photos_below(folder: Path | str, before: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _photos_below(entry.path, f"{before}{entry.name}/")
            elif entry.name.endswith(".jpg") and entry.is_file():
                yield f"{before}{entry.name}"
