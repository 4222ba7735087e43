"""How a process tells the others that an upload goes on elsewhere: each has a named pipe in the folder of unfinished uploads.

A message is a photo's name and a moment of the machine's clock, and means: who holds this upload since before then, let go. It may get
lost (a pipe is full, a process has just died): then the newer request waits for the lock as long as it may, and says so.
"""

import asyncio
import os
import struct
from collections.abc import Callable
from pathlib import Path

_MESSAGE = struct.Struct("<16sq")
MESSAGES_LIMIT = 256
"""Read at once."""


class Takeover:
    """The pipe of process `place` of `count`; in a site with one such process there is none."""

    def __init__(self, folder: Path, place: int, count: int, let_go: Callable[[str, int], None]) -> None:
        self._others = [self._path(folder, other) for other in range(count) if other != place]
        self._let_go = let_go
        self._descriptor: int | None = None
        if self._others:
            path = self._path(folder, place)
            path.unlink(missing_ok=True)
            os.mkfifo(path, 0o600)
            # Open for writing as well: it does not end when another process closes its own end.
            self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            asyncio.get_running_loop().add_reader(self._descriptor, self._hear)

    def tell(self, photo: str, now_us: int) -> None:
        """The others shall let go of it; a request that began after `now_us` need not."""
        message = _MESSAGE.pack(bytes.fromhex(photo), now_us)
        for path in self._others:
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                continue  # Nobody listens: no process, no hold.
            try:
                os.write(descriptor, message)
            except BlockingIOError:
                pass  # It is full: the other process is told so often that it will not be missed, and the lock tells the truth.
            finally:
                os.close(descriptor)

    def close(self) -> None:
        if self._descriptor is not None:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _hear(self) -> None:
        assert self._descriptor is not None
        # Shorter than PIPE_BUF, so each message was written whole.
        data = os.read(self._descriptor, _MESSAGE.size * MESSAGES_LIMIT)
        for photo, moment_us in _MESSAGE.iter_unpack(data):
            self._let_go(photo.hex(), moment_us)

    @staticmethod
    def _path(folder: Path, place: int) -> Path:
        return folder / f"process-{place}.pipe"
