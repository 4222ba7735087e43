"""Verify, then delete: the oldest photos are read back from the disk, matched with what the site acknowledged, noted, and removed.

What is acknowledged is the row of the photo in the database: it is committed before the answer is given. Of every batch the order is: read
each file and compare its length and SHA-256 with its row; append what was found to the trail (`gelombang.audit_trail`) and sync it; remove
the files that were right. Whoever is killed between any two of these loses nothing: what is not in the trail is read again, and what is
RIGHT there and still on the disk is removed by the next auditor. A photo that is wrong is never removed, and never looked at again here.

What the reading proves: files are read past the kernel's cache (`O_DIRECT`; on a file system without it, their pages are dropped first), so
the bytes come from the file system's device. A cache of the device itself may still have served them: that they survive a power cut was the
promise of the sync before the acknowledgement, and is not what is tested here.

Memory does not grow with the photos: the trail is the auditor's memory, and the table of photos is its queue.
"""

import errno
import hashlib
import mmap
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gelombang.audit_trail import Finding, audited_row
from gelombang_server.auditing.figures import Figures
from gelombang_server.auditing.trail import Trail

BATCH_PHOTOS = 128
"""Read back, noted by one sync and removed together."""
BEGIN_RATIO = 0.9
"""Of the bound: above it photos are read back and removed; the rest is for what comes meanwhile."""
BLOCK_BYTES = 4_096
"""A file takes whole blocks of its disk."""
READ_BYTES = 262_144
_STORED = "SELECT coalesce(max(rowid), ?), coalesce(sum((bytes + 4095) / 4096), 0) FROM photos WHERE rowid > ?"
_NEXT = """
SELECT photos.rowid, person, step, number, sha256, bytes, path, photo IS NOT NULL FROM photos LEFT JOIN photo_checks ON photo = id
WHERE photos.rowid > ? ORDER BY photos.rowid LIMIT ?
"""
_PATH = "SELECT path FROM photos WHERE rowid = ?"
_NO_DIGEST = bytes(32)


class Acknowledged(NamedTuple):
    """A photo that the site acknowledged."""

    row: int
    person: int
    step: int
    number: int
    sha256: str
    bytes: int
    path: str
    is_checked: bool
    """Whether the check of photos has its verdict; it reads the file, too."""


class Auditor:
    """One per site. `round` from one thread; a read-only connection of its own sees what is committed."""

    def __init__(self, database: Path, photos: Path, trail: Trail, keep_bytes: int, awaits_checks: bool, now_us: Callable[[], int]) -> None:
        self._photos = photos
        self._trail = trail
        self._keep_bytes = keep_bytes
        self._begin_bytes = int(keep_bytes * BEGIN_RATIO)
        self._awaits_checks = awaits_checks
        self._now_us = now_us
        self._connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)
        self._counted_row = 0
        self._stored_blocks = 0
        self._buffer = memoryview(mmap.mmap(-1, READ_BYTES))
        self.peak_bytes = 0
        """The most that the photos took on the disk, as this auditor saw it."""
        self._remove_again()

    @property
    def on_disk_bytes(self) -> int:
        """What the photos take, of all that were stored and not removed."""
        return (self._stored_blocks - self._trail.removed_blocks) * BLOCK_BYTES

    def round(self) -> bool:
        """Read back one batch when the photos take too much, and remove it; whether another may be due at once. Raises sqlite3.Error and
        OSError, where database or trail can't be used."""
        query = (self._counted_row, self._counted_row)
        self._counted_row, blocks = self._connection.execute(_STORED, query).fetchone()
        self._stored_blocks += blocks
        self.peak_bytes = max(self.peak_bytes, self.on_disk_bytes)
        if self.on_disk_bytes <= self._begin_bytes:
            return False
        photos = self._due()
        if not photos:
            return False
        found = [self._look_at(photo) for photo in photos]
        self._trail.append(b"".join(row for _, row in found))
        for photo, (finding, _) in zip(photos, found, strict=True):
            if finding is Finding.RIGHT:
                self._remove(photo.path)
        return True

    def figures(self, at_us: int) -> Figures:
        """What was done so far, and what is there; `at_us` on the monotonic clock."""
        found = self._trail.found
        return Figures(
            at_us=at_us,
            right=found[Finding.RIGHT],
            wrong=found[Finding.WRONG],
            unreadable=found[Finding.UNREADABLE],
            removed_bytes=self._trail.removed_blocks * BLOCK_BYTES,
            kept_bytes=self.on_disk_bytes,
            due_bytes=max(0, self.on_disk_bytes - self._begin_bytes),
            limit_bytes=self._keep_bytes,
        )

    def told(self) -> str:
        """What was done, in words."""
        trail = self._trail
        right = trail.found[Finding.RIGHT]
        told = f"{right:,} photos were read back right and removed, {trail.count - right:,} were not right and stay"
        return f"{told}; at most {self.peak_bytes:,} bytes on the disk"

    def close(self) -> None:
        """Let database and trail go."""
        self._connection.close()
        self._trail.close()

    def _due(self) -> list[Acknowledged]:
        found = [Acknowledged(*row) for row in self._connection.execute(_NEXT, (self._trail.last_photo, BATCH_PHOTOS))]
        unchecked = next((i for i, photo in enumerate(found) if not photo.is_checked), len(found)) if self._awaits_checks else len(found)
        return found[:unchecked]

    def _look_at(self, photo: Acknowledged) -> tuple[Finding, bytes]:
        """What was found, and its row in the trail."""
        size, digest, finding = 0, _NO_DIGEST, Finding.UNREADABLE
        with suppress(OSError):
            size, read = self._read_back(f"{self._photos}/{photo.path}")
            digest = read.digest()
            finding = Finding.RIGHT if (size, digest.hex()) == (photo.bytes, photo.sha256) else Finding.WRONG
        return finding, audited_row(photo.person, photo.row, self._now_us(), photo.step, photo.number, size, finding, digest)

    def _read_back(self, path: str) -> "tuple[int, hashlib._Hash]":
        """Length and digest of what the disk holds. Raises OSError."""
        descriptor = self._open(path)
        try:
            digest, size, got = hashlib.sha256(), 0, READ_BYTES
            # Less than was asked for is the end: past the cache, a read may begin at whole blocks only.
            while got == READ_BYTES:
                got = os.readv(descriptor, (self._buffer,))
                digest.update(self._buffer[:got])
                size += got
        finally:
            os.close(descriptor)
        return size, digest

    def _open(self, path: str) -> int:
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECT)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return descriptor

    def _remove_again(self) -> None:
        """What an auditor before this one had noted as right, and may have been killed before it removed."""
        rows = self._trail.last_rows(BATCH_PHOTOS)
        for photo in rows["photo"][rows["finding"] == Finding.RIGHT].tolist():
            self._remove(self._connection.execute(_PATH, (photo,)).fetchone()[0])

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(f"{self._photos}/{path}")  # noqa: PTH108, a Path costs more than the call
