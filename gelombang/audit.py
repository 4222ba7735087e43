"""The audit: is every photo that the site acknowledged in its store, whole?

The generator wrote down what it was told (`acknowledged-<k>.bin`: person, step, number, bytes, SHA-256 of what was sent). Each of these
must be a row of the server's `photos` table, with the same digest and length, and a file whose bytes have that digest. An acknowledgement
that was told again (`"stored": true`, under a later try) stands for the photo of an earlier one, so person, step and digest find it too.
Every stored file is read and hashed, those that nobody was told of as well.

A photo that the site removed to keep its disk within a bound counts as found when the auditor's trail (`gelombang.audit_trail`) has read it
back right, under the same person, step, number, length and digest; one that was read back wrong counts as lost, whatever is there now.
Rows are compared for a share of the people at a time, which bounds the memory that this takes beside the rows.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gelombang.audit_trail import TRAIL_FILE, NotedPhotos, read_trail
from gelombang.errors import RecordError

AUDIT_FILE = "audit.json"
DATABASE = Path("site") / "gelombang.sqlite3"
PHOTOS = Path("site") / "photos"
QUARANTINE = "quarantine/"
"""Where the server puts photos whose sync failed."""
LISTED_LIMIT = 20
"""How many of what is wrong are named."""
LOOKED_AT_PHOTOS = 4_096
"""Asked of a shelf at once."""
SHARE_PHOTOS = 200_000
"""About so many are compared at once."""
_STORED = np.dtype(
    [
        ("person", "<u8"),
        ("photo", "<i8"),
        ("step", "<u2"),
        ("number", "<u2"),
        ("bytes", "<u4"),
        ("sha256", "u1", (32,)),
        ("whole", "?"),
        ("removed", "?"),
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
    shelf = elsewhere.shelf or folder_shelf(folder / PHOTOS)
    trail = read_trail(folder / TRAIL_FILE)
    orphans = shelf.names()
    photos = _read_photos(folder / DATABASE) if elsewhere.rows is None else enumerate(elsewhere.rows, 1)
    looked = _looked_at(photos, shelf, orphans, trail)
    place = _places(looked.rows, acknowledged)
    lost = np.flatnonzero(place < 0)
    told = np.zeros(len(looked.rows), dtype=np.bool_)
    told[place[place >= 0]] = True
    return Audit(
        acknowledged=len(acknowledged),
        found=len(acknowledged) - len(lost),
        lost=len(lost),
        lost_first=[_named(row) for row in acknowledged[lost[:LISTED_LIMIT]]],
        stored=len(looked.rows),
        wrong_digest=int((~looked.rows["whole"]).sum()),
        wrong_digest_first=looked.broken_first,
        stored_unheard=int((~told).sum()),
        stored_unheard_bytes=int(looked.rows["bytes"][~told].sum(dtype=np.int64)),
        removed=int(looked.rows["removed"][place[place >= 0]].sum()),
        read_back=len(trail),
        read_back_wrong=looked.wrong,
        read_back_wrong_first=looked.wrong_first,
        orphan_files=len(orphans),
        orphan_files_first=sorted(orphans)[:LISTED_LIMIT],
    )


class _Looked(NamedTuple):
    """All stored photos, and what the trail says against some."""

    rows: NDArray[np.void]
    broken_first: list[str]
    wrong: int
    wrong_first: list[str]


def _looked_at(photos: Iterator[tuple[int, StoredPhoto]], shelf: Shelf, names: set[str], trail: NDArray[np.void]) -> _Looked:
    """Ask trail and shelf for every photo; takes from `names` those that the database knows."""
    parts = [np.empty(0, _STORED)]
    broken: list[str] = []
    wrong: list[str] = []
    wrong_count = 0
    noted = NotedPhotos(trail)
    while batch := list(islice(photos, LOOKED_AT_PHOTOS)):
        stored = [photo for _, photo in batch]
        rows = _as_rows([number for number, _ in batch], stored)
        right, spoilt = noted.of(rows)
        # A file that outlived the leave to remove it (its auditor was killed in between) is looked at like any other.
        rows["removed"] = right & np.array([photo.path not in names for photo in stored], np.bool_)
        here = np.flatnonzero(~rows["removed"])
        rows["whole"] = True
        rows["whole"][here] = shelf.whole([stored[i] for i in here])
        rows["whole"] &= ~spoilt
        wrong_count += int(spoilt.sum())
        wrong += [stored[i].path for i in np.flatnonzero(spoilt)[: LISTED_LIMIT - len(wrong)]]
        broken += [stored[i].path for i in np.flatnonzero(~rows["whole"])[: LISTED_LIMIT - len(broken)]]
        names.difference_update(photo.path for photo in stored)
        parts.append(rows)
    known = np.concatenate(parts)
    strangers = trail[~np.isin(trail["photo"], known["photo"])]
    wrong += [f"{_named(row)}, of which the database knows nothing" for row in strangers[: LISTED_LIMIT - len(wrong)]]
    return _Looked(known, broken, wrong_count + len(strangers), wrong)


def _as_rows(numbers: Sequence[int], stored: Sequence[StoredPhoto]) -> NDArray[np.void]:
    rows = np.zeros(len(stored), _STORED)
    rows["photo"] = numbers
    for name in ("person", "step", "number", "bytes"):
        rows[name] = [getattr(photo, name) for photo in stored]
    rows["sha256"] = np.frombuffer(bytes.fromhex("".join(photo.sha256 for photo in stored)), np.uint8).reshape(-1, 32)
    return rows


def _places(rows: NDArray[np.void], acknowledged: NDArray[np.void]) -> NDArray[np.int64]:
    """Of each acknowledgement, the stored photo that it stands for; -1 for one that is lost. A share of the people at a time."""
    place = np.full(len(acknowledged), -1, dtype=np.int64)
    shares = np.uint64(max(1, len(rows) // SHARE_PHOTOS))
    for share in range(int(shares)):
        own = np.flatnonzero(rows["person"] % shares == share)
        keys = _keys(rows[own])
        by_number = {key[:3]: i for i, key in enumerate(keys)}
        by_digest = {(key[0], key[1], key[3]): i for i, key in enumerate(keys)}
        asked = np.flatnonzero(acknowledged["person"] % shares == share)
        for at, key, size in zip(asked.tolist(), _keys(acknowledged[asked]), acknowledged["bytes"][asked].tolist(), strict=True):
            i = by_number.get(key[:3])
            if i is None or keys[i][3] != key[3]:
                i = by_digest.get((key[0], key[1], key[3]))
            if i is not None and rows["whole"][own[i]] and rows["bytes"][own[i]] == size:
                place[at] = own[i]
    return place


def _keys(rows: NDArray[np.void]) -> list[tuple[int, int, int, bytes]]:
    """Person, step, number, digest."""
    digests = rows["sha256"].tobytes()
    fields = (rows[name].tolist() for name in ("person", "step", "number"))
    return list(zip(*fields, (digests[i : i + 32] for i in range(0, len(digests), 32)), strict=True))


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
