"""A photo on its way to the disk: gathered in memory while there is room, written out piece by piece when there is not.

Two thousand people on slow lines must not hold two thousand photos in memory, and one person on a fast line should not pay a hop to a
thread for each packet. So a part gathers up to `PIECE_BYTES`, or, once all parts together hold more than the process's gather budget, only
up to `SMALL_PIECE_BYTES`; then its bytes go into its temporary file. Memory is at most the budget and a small piece for each body.

A part ends once: `keep` makes it durable, `discard` removes it; `contents` is for who keeps it elsewhere. Its file stays open in between,
so that an error of the kernel's own write-back is not lost (an error is told to who has the file open).
"""

import errno
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gelombang_server.commit_threads import Waiting
    from gelombang_server.photofile import PhotoFiles

PIECE_BYTES = 262_144
SMALL_PIECE_BYTES = 16_384
_PIECES_LIMIT = 1_024
"""IOV_MAX of Linux."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class SyncFailedError(Exception):
    """The disk did not confirm: the photo is not durable, and never will be under this name."""


class NoSpaceError(Exception):
    """The disk has no room for the photo."""


class WrittenPart(NamedTuple):
    """A temporary file."""

    folder: str
    file_name: str
    """Without its suffix."""
    path: str
    descriptor: int
    """Open; whoever has the part closes it."""


class PhotoPart:
    """One photo. Used by one task; its file is touched only in threads, one at a time."""

    def __init__(self, files: "PhotoFiles", photo_id: str) -> None:
        self._files = files
        self.photo_id = photo_id
        self.file_name = photo_id
        """Of what is written out."""
        self.size_bytes = 0
        self._pieces: list[bytes] = []
        """Gathered and not written yet; never joined, because a copy would double what they take."""
        self._pieces_bytes = 0
        self._counted_bytes = 0
        self._lock = threading.Lock()
        self._written: WrittenPart | None = None
        self._has_file = False
        self._ended = False

    def take(self, piece: bytes) -> bool:
        """The next bytes. True: `flush` before more come."""
        size, files = len(piece), self._files
        self._pieces.append(piece)
        self._pieces_bytes += size
        self.size_bytes += size
        self._counted_bytes += size
        files.gathered_bytes += size
        return self._pieces_bytes >= (SMALL_PIECE_BYTES if files.gathered_bytes > files.gather_limit_bytes else PIECE_BYTES)

    def hold(self, body: bytes) -> None:
        """All the bytes, which somebody else counts."""
        self._pieces = [body]
        self.size_bytes = len(body)

    async def flush(self) -> None:
        """Write what was gathered. Raises NoSpaceError or SyncFailedError; then the part is to be discarded."""
        pieces, self._pieces = self._pieces, []
        size, self._pieces_bytes = self._pieces_bytes, 0
        self._has_file = True
        try:
            await self._files.in_thread(lambda: self._append(pieces))
        finally:
            self._count_back(size)

    async def keep(self) -> str:
        """Make it durable; its path relative to the photos' folder. Raises NoSpaceError or SyncFailedError.

        Goes on to its end when the caller is cancelled.
        """
        pieces, self._pieces = self._pieces, []
        self._has_file = True
        try:
            path = await self._files.finished(lambda waiting: self._finish(pieces, waiting))
            self._has_file = False  # Of its own: what it wrote is a photo now.
            return path
        finally:
            self._count_back(self._counted_bytes)

    async def contents(self) -> list[bytes]:
        """All of its bytes, for a store elsewhere; those that were written out count as gathered again until the part is discarded.
        Raises SyncFailedError."""
        if not self._has_file:
            return list(self._pieces)
        before = await self._files.in_thread(self._read_back)
        size = sum(map(len, before))
        self._counted_bytes += size
        self._files.gathered_bytes += size
        return [*before, *self._pieces]

    def stored(self) -> None:
        """Its photo has a row: what is left here is of no use. Before `discard`."""

    def discard(self) -> None:
        """It is not kept, and its file is removed, in a thread. After `keep` this changes nothing."""
        self._pieces = []
        self._count_back(self._counted_bytes)
        if self._has_file:
            self._has_file = False
            self._files.later(self._remove)

    def _count_back(self, size: int) -> None:
        size = min(size, self._counted_bytes)
        self._counted_bytes -= size
        self._files.gathered_bytes -= size

    # in threads

    def _append(self, pieces: list[bytes]) -> None:
        with self._lock:
            if self._ended:
                return
            try:
                if self._written is None:
                    self._written = self._files.open_part(self.file_name)
                _write(self._written.descriptor, pieces)
            except OSError as error:
                raise self._failed(error) from error

    def _read_back(self) -> list[bytes]:
        with self._lock:
            if self._written is None:
                raise SyncFailedError(f"{self.photo_id}: it was given up")
            descriptor, pieces, at = self._written.descriptor, [], 0
            try:
                while piece := os.pread(descriptor, PIECE_BYTES, at):
                    pieces.append(piece)
                    at += len(piece)
            except OSError as error:
                raise self._failed(error) from error
            return pieces

    def _finish(self, pieces: list[bytes], waiting: "Waiting[str]") -> None:
        self._append(pieces)
        with self._lock:
            if self._ended or self._written is None:
                raise SyncFailedError(f"{self.photo_id}: it was given up")
            self._ended = True
            written, self._written = self._written, None
            self._files.finish(written, waiting)

    def _failed(self, error: OSError) -> SyncFailedError | NoSpaceError:
        """Nothing more is written: a file that could not be written is looked at later, one without room makes room."""
        self._ended = True
        written, self._written = self._written, None
        if written is not None:
            os.close(written.descriptor)
            if error.errno in _NO_ROOM:
                Path(written.path).unlink()
            else:
                self._files.quarantine(written.path)
        if error.errno in _NO_ROOM:
            return NoSpaceError(f"{self.photo_id}: {error.strerror}")
        return SyncFailedError(f"{self.photo_id}: {error.strerror}")

    def _remove(self) -> None:
        with self._lock:
            self._ended = True
            written, self._written = self._written, None
            if written is not None:
                os.close(written.descriptor)
                Path(written.path).unlink()


def _write(descriptor: int, pieces: list[bytes]) -> None:
    """All of it; in one call where the kernel takes it in one, because each return from a call waits for the interpreter's lock."""
    for at in range(0, len(pieces), _PIECES_LIMIT):
        some = pieces[at : at + _PIECES_LIMIT]
        written = os.writev(descriptor, some)
        if written < sum(map(len, some)):
            rest = memoryview(b"".join(some))[written:]
            while rest:
                rest = rest[os.write(descriptor, rest) :]
