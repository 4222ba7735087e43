"""What an auditor read back of a site's photos while the site ran: a row per photo, in the order in which they were stored, never changed.

A store that keeps its disk within a bound removes photos (verify, then delete). A row that says RIGHT is durable before its file is
removed, and it alone is the leave to remove it: it holds length and SHA-256 as they were read back from the disk, beside whose photo it
was. So what a run acknowledged is afterwards in the store whole, or read back whole and removed, or lost; a file that is gone without such
a row is lost. Each row ends with a checksum (CRC-32 of what is before it), because a power cut may leave the last ones half written: the
trail is what comes before the first row that does not hold.
"""

from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from struct import Struct
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

TRAIL_FILE = "audited.bin"
"""In the run's folder."""
SCANNED_ROWS = 16_384
"""Read at once when a trail is gone through."""

AUDITED_ROW = np.dtype(
    [
        ("person", "<u8"),
        ("photo", "<i8"),
        ("at", "<i8"),
        ("step", "<u2"),
        ("number", "<u2"),
        ("bytes", "<u4"),
        ("finding", "u1"),
        ("pad", "u1", (3,)),
        ("sha256", "u1", (32,)),
        ("check", "<u4"),
    ]
)
"""One photo: `photo` is its row in the database's table, `at` wall µs from the server's zero, `bytes` and `sha256` what was read."""
_CHECKED_BYTES = AUDITED_ROW.itemsize - 4
_ROW = Struct("<QqqHHIB3x32s")
"""The same, but for the checksum: filling NumPy's rows one by one costs more than all else that is done for a photo in Python."""


class Finding(IntEnum):
    """What the auditor found; 0 is no finding."""

    RIGHT = 1
    """Length and SHA-256 are those that the site acknowledged. The file may go."""
    WRONG = 2
    """They are not. The file stays for a person to look at."""
    UNREADABLE = 3
    """There is no file, or the disk can't read it."""


def audited_row(person: int, photo: int, at_us: int, step: int, number: int, size_bytes: int, finding: Finding, sha256: bytes) -> bytes:
    """One row of AUDITED_ROW as it is written, with its checksum."""
    row = _ROW.pack(person, photo, at_us, step, number, size_bytes, finding, sha256)
    return row + crc32(row).to_bytes(4, "little")


def scanned(path: Path) -> Iterator[NDArray[np.void]]:
    """The rows of a trail, some at a time, up to the first that does not hold. Nothing where there is no trail."""
    size = AUDITED_ROW.itemsize
    if not path.exists():
        return
    with path.open("rb") as file:
        while data := file.read(SCANNED_ROWS * size):
            view, whole = memoryview(data), len(data) // size
            holding = next((i for i in range(whole) if not _holds(view[i * size : (i + 1) * size])), whole)
            yield np.frombuffer(data, AUDITED_ROW, holding)
            if holding * size < len(data):
                return


class NotedPhotos:
    """A trail, to be asked by the photos' rows in the database. Of each of its rows 17 bytes are kept in memory; the rest is read from the
    file again, one stretch for photos that stand there in a row, as those of a batch do."""

    def __init__(self, path: Path) -> None:
        self._path = path
        photos = np.concatenate([np.empty(0, np.int64), *(rows["photo"].copy() for rows in scanned(path))])
        self.count = len(photos)
        self._order = np.argsort(photos, kind="stable")
        self._photos = photos[self._order]
        self._is_stored = np.zeros(len(photos), np.bool_)

    def of(self, stored: NDArray[np.void]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each stored photo (fields `photo`, `person`, `step`, `number`, `bytes`, `sha256`) whether it was read back and right, and
        whether it was read back and anything else. The first row of a photo counts."""
        first = np.searchsorted(self._photos, stored["photo"])
        past = np.searchsorted(self._photos, stored["photo"], "right")
        there = past > first
        self._is_stored[first[there]] = True
        rows = np.zeros(len(stored), AUDITED_ROW)
        rows[there] = self._read(self._order[first[there]])
        noted = there & (rows["finding"] != 0)
        right = noted & (rows["finding"] == Finding.RIGHT) & (rows["sha256"] == stored["sha256"]).all(axis=1)
        for name in ("person", "step", "number", "bytes"):
            right &= rows[name] == stored[name]
        return right, noted & ~right

    def strangers(self, limit: int) -> tuple[int, NDArray[np.void]]:
        """How many rows there are of photos that nobody has asked for, and the first of them, at most so many."""
        unmarked = np.flatnonzero(~self._is_stored)
        # Only the first row of a photo is marked.
        unasked = unmarked[~self._is_stored[np.searchsorted(self._photos, self._photos[unmarked])]]
        places = np.sort(self._order[unasked])
        return len(places), self._read(places[:limit])

    def _read(self, places: NDArray[np.intp]) -> NDArray[np.void]:
        if len(places) and (np.diff(places) == 1).all():
            return self._stretch(int(places[0]), len(places))
        return np.concatenate([np.empty(0, AUDITED_ROW), *(self._stretch(place, 1) for place in places.tolist())])

    def _stretch(self, place: int, count: int) -> NDArray[np.void]:
        return np.fromfile(self._path, AUDITED_ROW, count, offset=place * AUDITED_ROW.itemsize)


def _holds(row: memoryview) -> bool:
    return crc32(row[:_CHECKED_BYTES]) == int.from_bytes(row[_CHECKED_BYTES:], "little")
