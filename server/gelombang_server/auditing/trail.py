"""The auditor's own end of the trail (`gelombang.audit_trail`): appends rows that are durable when `append` returns.

Opened again after a kill or a power cut, it is cut to the rows that hold, and knows from them how far it came.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.audit_trail import AUDITED_ROW, Finding, scanned
from gelombang_server.directory_sync import sync_once


class Trail:
    """One process writes it. Raises OSError where the disk can't take it."""

    def __init__(self, path: Path) -> None:
        self.count = 0
        self.last_photo = 0
        """The last photo that was looked at: its row in the database."""
        self.removed_blocks = 0
        """What the files took of the disk that were right, in blocks of 4,096 bytes."""
        self.found = dict.fromkeys(Finding, 0)
        """Photos by what was found."""
        for rows in scanned(path):
            self._take_in(rows)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        os.ftruncate(self._descriptor, self.count * AUDITED_ROW.itemsize)
        os.fsync(self._descriptor)
        sync_once(path.parent, os.fsync)

    def append(self, data: bytes) -> None:
        """Write rows (`audited_row`) behind the others; they are durable when this returns."""
        at = self.count * AUDITED_ROW.itemsize
        written = os.pwrite(self._descriptor, data, at)
        if written != len(data):
            raise OSError(0, f"{written} of {len(data)} bytes were written", "the trail of audited photos")
        os.fdatasync(self._descriptor)
        self._take_in(np.frombuffer(data, AUDITED_ROW))

    def last_rows(self, count: int) -> NDArray[np.void]:
        """The newest rows, at most so many."""
        first = max(self.count - count, 0)
        size = AUDITED_ROW.itemsize
        return np.frombuffer(os.pread(self._descriptor, (self.count - first) * size, first * size), AUDITED_ROW)

    def close(self) -> None:
        os.close(self._descriptor)

    def _take_in(self, rows: NDArray[np.void]) -> None:
        if len(rows):
            right = rows["finding"] == Finding.RIGHT
            self.count += len(rows)
            self.last_photo = int(rows["photo"][-1])
            self.removed_blocks += int(((rows["bytes"][right].astype(np.int64) + 4095) // 4096).sum())
            for finding in Finding:
                self.found[finding] += int((rows["finding"] == finding).sum())
