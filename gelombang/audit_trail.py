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


def read_trail(path: Path) -> NDArray[np.void]:
    """All rows of a trail that hold."""
    parts = list(scanned(path))
    return np.concatenate(parts) if parts else np.empty(0, AUDITED_ROW)


class NotedPhotos:
    """A trail, to be asked by the photos' rows in the database."""

    def __init__(self, trail: NDArray[np.void]) -> None:
        # The last row never matches, so that there is always one to look at.
        self._rows = np.concatenate((trail[np.argsort(trail["photo"], kind="stable")], np.zeros(1, AUDITED_ROW)))
        self._photos = self._rows["photo"][:-1]

    def of(self, stored: NDArray[np.void]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each stored photo (fields `photo`, `person`, `step`, `number`, `bytes`, `sha256`) whether it was read back and right, and
        whether it was read back and anything else."""
        rows = self._rows[np.searchsorted(self._photos, stored["photo"])]
        noted = (rows["photo"] == stored["photo"]) & (rows["finding"] != 0)
        right = noted & (rows["finding"] == Finding.RIGHT) & (rows["sha256"] == stored["sha256"]).all(axis=1)
        for name in ("person", "step", "number", "bytes"):
            right &= rows[name] == stored[name]
        return right, noted & ~right


def _holds(row: memoryview) -> bool:
    return crc32(row[:_CHECKED_BYTES]) == int.from_bytes(row[_CHECKED_BYTES:], "little")
