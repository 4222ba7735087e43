"""One directory whose fsync many threads share: whoever renamed a file while one was under way is served by the next (group commit)."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

Sync = Callable[[int], None]


def sync_once(path: Path, sync: Sync) -> None:
    """Sync a directory that is not open."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


class _Batch:
    __slots__ = ("error", "is_done")

    def __init__(self) -> None:
        self.is_done = False
        self.error: OSError | None = None


class DirectorySync:
    """One directory whose fsync is shared by all threads that ask for it."""

    def __init__(self, path: Path, sync: Sync) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._sync = sync
        self._condition = threading.Condition()
        self._next = _Batch()
        self._is_running = False
        self.sync_count = 0

    def sync(self) -> None:
        """Return once an fsync that began after this call has succeeded. Raises its OSError for everybody in the batch."""
        with self._condition:
            batch = self._next
            while self._is_running and not batch.is_done:
                self._condition.wait()
            if not batch.is_done:
                self._is_running = True
                self._next = _Batch()
                self.sync_count += 1
                leads = True
            else:
                leads = False
        if leads:
            try:
                self._sync(self._descriptor)
            except OSError as error:
                batch.error = error
            with self._condition:
                batch.is_done = True
                self._is_running = False
                self._condition.notify_all()
        if batch.error is not None:
            raise batch.error

    def close(self) -> None:
        os.close(self._descriptor)
