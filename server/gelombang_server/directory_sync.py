"""One directory whose fsync many threads share: whoever renamed a file while one was under way is served by the next (group commit).

Nobody waits for it: a thread that finds one under way leaves what it renamed behind and takes the next photo, and who began it goes on
until nothing is left.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
Sync = Callable[[int], None]


def sync_once(path: Path, sync: Sync) -> None:
    """Sync a directory that is not open."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


class DirectorySync(Generic[T]):
    """One directory. `tell` is called, in a thread, with all that one fsync was for, and its error."""

    def __init__(self, path: Path, sync: Sync, tell: Callable[[list[T], OSError | None], None]) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._sync = sync
        self._tell = tell
        self._lock = threading.Lock()
        self._renamed: list[T] = []
        self._is_running = False
        self.sync_count = 0

    def sync(self, renamed: T) -> None:
        """`renamed` is told of once an fsync that began after this call is over: by this thread, or by the one whose fsync is under way."""
        with self._lock:
            self._renamed.append(renamed)
            if self._is_running:
                return
            self._is_running = True
        while batch := self._next_batch():
            error: OSError | None = None
            try:
                self._sync(self.descriptor)
            except OSError as found:
                error = found
            self._tell(batch, error)

    def close(self) -> None:
        os.close(self.descriptor)

    def _next_batch(self) -> list[T]:
        with self._lock:
            batch, self._renamed = self._renamed, []
            if batch:
                self.sync_count += 1
            else:
                self._is_running = False
            return batch
