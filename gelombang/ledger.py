"""The ledger: one fixed row per attempt and person, on both ends, memory-mapped.

A row is begun when the attempt begins and ended once; a killed process leaves it open, and it is read as `process_died`. Writers own
their file alone, so no lock is needed; files grow by whole chunks, up to a stated limit. Times are int64 microseconds on the system-wide
monotonic clock relative to the run's zero. The join of both ends is `gelombang.join`.
"""

import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.errors import HostError, RecordError

MILESTONE_LIMIT = 24
"""How many steps a journey can have: the person row holds a passing time for each."""

GENERATOR_ROW = np.dtype(
    [
        ("person", "<u8"),
        ("step", "<u2"),
        ("number", "<u2"),
        ("tab", "u1"),
        ("outcome", "u1"),
        ("phase", "u1"),
        ("exchanges", "u1"),
        ("status", "<u2"),
        ("code", "<u2"),
        ("hook_us", "<u4"),
        ("due", "<i8"),
        ("sent", "<i8"),
        ("done", "<i8"),
        ("bytes_sent", "<u4"),
        ("bytes_received", "<u4"),
        ("connect_us", "<u4"),
        ("send_us", "<u4"),
        ("wait_us", "<u4"),
        ("receive_us", "<u4"),
    ]
)
"""One attempt as its person saw it (`ledger-generator-<k>.bin`). `sent` 0 and `done` 0 until they happen."""

SERVER_ROW = np.dtype(
    [
        ("person", "<u8"),
        ("step", "<u2"),
        ("number", "<u2"),
        ("tab", "u1"),
        ("stage", "u1"),
        ("outcome", "u1"),
        ("exchanges", "u1"),
        ("status", "<u2"),
        ("code", "<u2"),
        ("route", "<u2"),
        ("pad", "<u2"),
        ("began", "<i8"),
        ("ended", "<i8"),
        ("bytes_received", "<u4"),
        ("bytes_kept", "<u4"),
        ("admission_us", "<u4"),
        ("body_us", "<u4"),
        ("digest_us", "<u4"),
        ("inspect_us", "<u4"),
        ("store_wait_us", "<u4"),
        ("store_us", "<u4"),
        ("commit_us", "<u4"),
        ("pad2", "<u4"),
    ]
)
"""One attempt as a server process saw it (`ledger-server-<slot>.bin`)."""

PERSON_ROW = np.dtype(
    [
        ("person", "<u8"),
        ("fate", "u1"),
        ("step", "u1"),
        ("epoch", "<u2"),
        ("attempts", "<u4"),
        ("due", "<i8"),
        ("started", "<i8"),
        ("done", "<i8"),
        ("passed", "<i8", (MILESTONE_LIMIT,)),
    ]
)
"""One person (`people-<k>.bin`): `step` is where they stood, `passed[i]` when step i was passed (0: not passed), `epoch` that in which
this process was given them (0: from the beginning)."""

ACKNOWLEDGED_ROW = np.dtype(
    [
        ("person", "<u8"),
        ("step", "<u2"),
        ("number", "<u2"),
        ("tab", "u1"),
        ("pad", "u1", (3,)),
        ("bytes", "<u4"),
        ("pad2", "<u4"),
        ("sha256", "u1", (32,)),
    ]
)
"""One photo that the site acknowledged to its person (`acknowledged-<k>.bin`): what the audit looks for in the store."""


class LedgerWriter:
    """Appends rows to one memory-mapped file. Raises HostError when the row limit or the disk is full.

    `rows` is the array to write into: `writer.rows[i]["done"] = …` is slow in Python, so hot paths use `struct` on `writer.buffer` with
    offsets of the dtype.
    """

    def __init__(self, path: Path, dtype: np.dtype[np.void], rows_limit: int, chunk_rows: int = 65_536) -> None:
        assert rows_limit > 0
        assert chunk_rows > 0
        self.path = path
        self.dtype = dtype
        self.count = 0
        self._limit = rows_limit
        self._chunk = min(chunk_rows, rows_limit)
        self._capacity = 0
        self._file = path.open("w+b")
        self.buffer: mmap.mmap
        self._grow()

    def begin(self) -> int:
        """The byte offset in `buffer` of a fresh row of zeros."""
        if self.count == self._capacity:
            self._grow()
        offset = self.count * self.dtype.itemsize
        self.count += 1
        return offset

    def close(self) -> None:
        """Cut the file to the rows that were begun; further rows are a programmer error."""
        self.buffer.flush()
        self.buffer.close()
        self._file.truncate(self.count * self.dtype.itemsize)
        self._file.close()

    def _grow(self) -> None:
        capacity = min(self._capacity + self._chunk, self._limit)
        if capacity == self._capacity:
            raise HostError(f"{self.path.name} is full at {self._limit} rows; want a smaller --sample or a shorter --for")
        size = capacity * self.dtype.itemsize
        try:
            os.posix_fallocate(self._file.fileno(), 0, size)  # a hole would be found full only by writing into it, which kills the process
        except OSError as error:
            raise HostError(f"{self.path} can't grow to {size} bytes ({error.strerror}); want that much free disk") from error
        if self._capacity:
            self.buffer.close()
        self.buffer = mmap.mmap(self._file.fileno(), size)
        self._capacity = capacity


@dataclass(frozen=True, slots=True)
class Share:
    """The people whose number is `part` (mod `parts`): a run that is too large for memory is read by parts, a person's rows together."""

    part: int = 0
    parts: int = 1

    def __post_init__(self) -> None:
        assert 0 <= self.part < self.parts

    def of(self, person: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of these people are in it."""
        found: NDArray[np.bool_] = person % np.uint64(self.parts) == self.part
        return found


EVERYBODY = Share()
READ_ROWS = 262_144
"""Rows of a file that are read at once where most of them are not kept."""


def read_rows(path: Path, dtype: np.dtype[np.void], share: Share = EVERYBODY) -> NDArray[np.void]:
    """All begun rows of one file, of these people, in the order they were begun. A killed writer's unused tail of zeros is dropped.

    Raises RecordError."""
    return read_share(path, dtype, share)[0]


def read_share(path: Path, dtype: np.dtype[np.void], share: Share) -> tuple[NDArray[np.void], int]:
    """`read_rows`, and how many rows were begun in the whole file."""
    if share.parts == 1:
        rows = _begun(_whole_rows(path, np.fromfile(path, dtype=np.uint8), dtype))
        return rows, len(rows)
    begun, kept = 0, []
    for rows in begun_rows(path, dtype):
        begun += len(rows)
        kept.append(rows[share.of(rows["person"])])
    return concatenate(kept, dtype), begun


def begun_rows(path: Path, dtype: np.dtype[np.void]) -> Iterator[NDArray[np.void]]:
    """The begun rows of one file, READ_ROWS of it at a time, in their order. Raises RecordError."""
    with path.open("rb") as file:
        while len(data := np.fromfile(file, dtype=np.uint8, count=READ_ROWS * dtype.itemsize)):
            yield _begun(_whole_rows(path, data, dtype))


def _whole_rows(path: Path, data: NDArray[np.uint8], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    if len(data) % dtype.itemsize:
        raise RecordError(f"{path} has {path.stat().st_size} bytes; want a multiple of {dtype.itemsize}, the size of its row")
    return data.view(dtype)


def _begun(rows: NDArray[np.void]) -> NDArray[np.void]:
    begun = rows["number" if "number" in (rows.dtype.names or ()) else "due"] > 0
    kept: NDArray[np.void] = rows if begun.all() else rows[begun]
    return kept


def read_all(folder: Path, pattern: str, dtype: np.dtype[np.void], share: Share = EVERYBODY) -> NDArray[np.void]:
    """The rows of all files of a run's folder that match, of these people, one after the other, by file name."""
    return concatenate((read_rows(path, dtype, share) for path in sorted(folder.glob(pattern))), dtype)


def concatenate(parts: Iterable[NDArray[np.void]], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """`np.concatenate` that keeps the dtype when there is nothing."""
    found = list(parts)
    if len(found) == 1:
        return found[0]
    return np.concatenate(found) if found else np.empty(0, dtype=dtype)
