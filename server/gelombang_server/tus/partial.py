"""What came of an upload so far: a file in `photos/partial/`, whose length is where the upload stands.

The file is the truth for all processes: bytes that were written outlive the process that wrote them. One rule more makes it a truth about
the whole as well: *a photo that is not stored is never whole*. Where its last byte came and the store then refused, or the process died,
the upload stands one byte before its end, so that some request is still to come that stores it and is told.

One request at a time holds an upload, by a lock on one byte of the file `locks`, the upload's number (open file description locks, Linux:
the kernel gives them back when the process dies, and they keep two requests of one process apart as well).

A `FilePart` is a `PhotoPart` (memory, threads, disk errors and the way to durability are its) that begins where the file ends, and that
is put away, not removed, when its request ends without a photo. The rename into a folder of photos is the beginning of its last way:
who dies after it leaves a file that the next start removes, and the upload begins again.
"""

import asyncio
import fcntl
import os
import struct
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from gelombang_server.commit_threads import Waiting
from gelombang_server.peoplestore import Cursor
from gelombang_server.photofile import PhotoFiles
from gelombang_server.photopart import NoSpaceError, SyncFailedError, WrittenPart
from gelombang_server.tus import table
from gelombang_server.tus.partials import PartialPart

FOLDER = "partial"
SUFFIX = ".tus"
LOCKS = "locks"
READ_BYTES = 262_144
_FLOCK = "hhlli0l"
"""struct flock of 64-bit Linux: type, whence, start, length, pid."""


class PartialFiles:
    """The folder of all unfinished uploads; several processes use it."""

    def __init__(self, root: Path, files: PhotoFiles) -> None:
        self.folder = root / FOLDER
        self.files = files
        self.folder.mkdir(exist_ok=True)
        self.put_away: set[asyncio.Task[None]] = set()
        """Requests that have ended and whose bytes are on their way to the file; each held a body before."""

    def path(self, photo: str) -> Path:
        return self.folder / f"{photo}{SUFFIX}"

    def offset(self, photo: str, size_bytes: int) -> int:
        """Where the upload stands; true while its lock is held."""
        try:
            return min(self.path(photo).stat().st_size, size_bytes - 1)
        except FileNotFoundError:
            return 0

    def lock(self, number: int) -> int | None:
        """A descriptor that holds the upload until it is closed; None: another request does."""
        descriptor = os.open(self.folder / LOCKS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, number, 1, 0))
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError | PermissionError):
                return None
            raise
        return descriptor

    async def open(self, photo: str, size_bytes: int, lock: int) -> "FilePart":
        """The upload's file from where it stands on; the part closes the lock at its end. Raises NoSpaceError or SyncFailedError."""
        part = FilePart(self, photo, lock)
        try:
            await part.begin(size_bytes)
        except BaseException:
            part.discard()
            raise
        return part

    async def remove(self, photos: list[str]) -> None:
        """Whatever came of them."""

        def unlink() -> None:
            for photo in photos:
                self.path(photo).unlink(missing_ok=True)

        await self.files.in_thread(unlink)

    async def begun(self) -> list[str]:
        """The photos that have a file."""
        return await self.files.in_thread(lambda: [path.stem for path in self.folder.glob(f"*{SUFFIX}")])

    async def close(self) -> None:
        """Wait until what ended is put away."""
        while self.put_away:
            await asyncio.wait(self.put_away)


class FilePart(PartialPart):
    """One request's hold on an upload, and its file."""

    def __init__(self, partials: PartialFiles, photo: str, lock: int) -> None:
        super().__init__(partials.files, photo)
        self._partials = partials
        self._path = partials.path(photo)
        self._lock_descriptor: int | None = lock

    async def begin(self, size_bytes: int) -> None:
        """Open the file and cut it to where the upload stands."""
        self._has_file = True
        self.began_at = self.size_bytes = await self._files.in_thread(lambda: self._open(size_bytes))

    async def read(self, take: Callable[[bytes], None]) -> None:
        await self._files.in_thread(lambda: self._read(take))

    def note_stored(self, cursor: Cursor) -> None:
        table.mark_stored(cursor, self.photo_id)

    async def suspend(self) -> None:
        try:
            await self._flushed()
        finally:
            pieces, self._pieces = self._pieces, []
            try:
                if self._files.is_closed:
                    self._put_away(pieces)
                else:
                    await self._files.in_thread(lambda: self._put_away(pieces))
            finally:
                self._count_back(self._counted_bytes)

    def discard(self) -> None:
        """The request is over; what came is kept. After `keep` this only lets go."""
        task = asyncio.get_running_loop().create_task(self._suspend_unheard())
        self._partials.put_away.add(task)
        task.add_done_callback(self._partials.put_away.discard)

    async def _suspend_unheard(self) -> None:
        try:
            await self.suspend()
        except (NoSpaceError, SyncFailedError):
            # The request has ended and nobody can be told; the upload stands where its file ends, and the next request is told that.
            traceback.print_exc(file=sys.stderr)

    # in threads

    def _open(self, size_bytes: int) -> int:
        with self._lock:
            try:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                self._written = WrittenPart(FOLDER, self._path.stem, str(self._path), descriptor)
                offset = min(os.fstat(descriptor).st_size, size_bytes - 1)
                os.ftruncate(descriptor, offset)
                os.lseek(descriptor, offset, os.SEEK_SET)
                return offset
            except OSError as error:
                raise self._failed(error) from error

    def _read(self, take: Callable[[bytes], None]) -> None:
        with self._lock:
            assert self._written is not None
            descriptor, at = self._written.descriptor, 0
            try:
                while at < self.began_at:
                    piece = os.pread(descriptor, min(READ_BYTES, self.began_at - at), at)
                    if not piece:
                        raise OSError(0, "it ends before where it stood")
                    take(piece)
                    at += len(piece)
            except OSError as error:
                raise self._failed(error) from error

    def _finish(self, pieces: list[bytes], waiting: Waiting[str]) -> None:
        self._append(pieces)
        with self._lock:
            if not self._ended and self._written is not None:
                try:
                    self._written = self._files.move_in(self._written)
                except OSError as error:
                    raise self._failed(error) from error
        super()._finish([], waiting)

    def _put_away(self, pieces: list[bytes]) -> None:
        try:
            if not self._is_useless and not self._is_taken_back:
                self._append(pieces)
            with self._lock:
                self._ended = True
                written, self._written = self._written, None
                if written is not None:
                    try:
                        if self._is_taken_back:
                            os.ftruncate(written.descriptor, self.began_at)
                    finally:
                        os.close(written.descriptor)
                    if self._is_useless:
                        Path(written.path).unlink(missing_ok=True)
        finally:
            descriptor, self._lock_descriptor = self._lock_descriptor, None
            if descriptor is not None:
                os.close(descriptor)
