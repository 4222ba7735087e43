"""Photos as files that are there after a power cut: temporary file, fdatasync, rename, directory fsync.

A bounded pool of threads does it. A photo that fits into memory costs one hop; a larger or slower one is a `PhotoPart` that is written
piece by piece (`gelombang_server.photopart`), and its last hop makes it durable. The directory's fsync is shared by those who finish
together. Folders bear two hex digits and are filled one after the other, `FOLDER_PHOTOS` files at a time: directories stay small, and
photos that finish together share a directory to sync.

A failed fsync is never tried again on the same file, because the kernel may have dropped the pages and will report success the next time
(Rebello et al., "Can applications recover from fsync failures?", USENIX ATC 2020): the photo is moved to `quarantine/`, its folder is
not used again in this process, and the upload fails. A disk without room is no such failure: what was written is removed.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from gelombang_server.directory_sync import DirectorySync, Sync, sync_once
from gelombang_server.photopart import PhotoPart, SyncFailedError, WrittenPart

FOLDER_PHOTOS = 4_096
"""How many photos go into a folder before the next one's turn comes."""
FOLDERS = 256
QUARANTINE = "quarantine"
PART = ".part"
GATHER_LIMIT_BYTES = 33_554_432
"""What all photos of a process may hold in memory before each is written out in small steps; a profile says its own."""

T = TypeVar("T")


class PhotoFiles:
    """The folder `photos/` of the site. Of several processes that write into it, each has a `place` and its own share of the folders."""

    def __init__(
        self,
        root: Path,
        threads_limit: int,
        *,
        gather_limit_bytes: int = GATHER_LIMIT_BYTES,
        place: int = 0,
        places: int = 1,
        sync_file: Sync = os.fdatasync,
        sync_directory: Sync = os.fsync,
    ) -> None:
        assert threads_limit > 0
        self._root = root
        self._sync_file = sync_file
        self._sync_directory = sync_directory
        self._pool = ThreadPoolExecutor(threads_limit, "photo-commit")
        self._lock = threading.Lock()
        self._folders: dict[str, DirectorySync] = {}
        self._retired: set[str] = set()
        self._asked = 0
        self._count = 0
        self._is_closed = False
        self.gather_limit_bytes = gather_limit_bytes
        self.gathered_bytes = 0
        """In memory and not written yet, of all parts."""
        (root / QUARANTINE).mkdir(parents=True, exist_ok=True)
        sync_once(root.parent, sync_directory)
        sync_once(root, sync_directory)
        self._names = [f"{number:02x}" for number in range(place, FOLDERS, places)]
        for name in self._names:
            for left_behind in root.glob(f"{name}/*{PART}"):
                left_behind.unlink()

    def begin(self, photo_id: str) -> PhotoPart:
        """A photo whose bytes are still to come."""
        return PhotoPart(self, photo_id)

    def whole(self, photo_id: str, body: bytes) -> PhotoPart:
        """A photo that is in memory already; it is not copied, and whoever read it has bounded it."""
        part = PhotoPart(self, photo_id)
        part.hold(body)
        return part

    async def drop(self, path: str) -> None:
        """Take back a photo that was made durable and nothing points to."""
        await asyncio.get_running_loop().run_in_executor(self._pool, (self._root / path).unlink)

    def close(self) -> None:
        """Wait for photos in a thread, then close. What waits for a thread is dropped: on a slow disk that would be minutes of them."""
        self._is_closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)
        for folder in self._folders.values():
            folder.close()

    @property
    def is_closed(self) -> bool:
        """No thread takes work any more."""
        return self._is_closed

    @property
    def in_progress(self) -> int:
        """Pieces and photos in a thread, or waiting for one."""
        return self._asked

    @property
    def sync_count(self) -> int:
        """Directory syncs so far."""
        return sum(folder.sync_count for folder in self._folders.values())

    # what parts ask for

    async def in_thread(self, work: Callable[[], T]) -> T:
        """`work` in a thread of the pool; it goes on to its end when the caller is cancelled.

        The pool's line is bounded by its callers: each holds a body, and bodies are bounded by `uploads.bodies_limit`.
        """
        self._asked += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(self._answered)
        return await future

    def later(self, work: Callable[[], None]) -> None:
        """`work` in a thread of the pool, without waiting for it."""
        if self._is_closed:
            work()
        else:
            self._pool.submit(work)

    def open_part(self, file_name: str) -> WrittenPart:
        """A new temporary file in the folder whose turn it is. In a thread. Raises OSError or SyncFailedError."""
        name = self._folder()
        path = self._root / name / f"{file_name}{PART}"
        return WrittenPart(name, path, path.open("xb+", buffering=0))

    def move_in(self, part: WrittenPart) -> WrittenPart:
        """A file that was written elsewhere on this disk, now a temporary one of the folder whose turn it is. In a thread. Raises as
        `open_part` does."""
        name = self._folder()
        path = self._root / name / f"{part.path.stem}{PART}"
        part.path.rename(path)
        return WrittenPart(name, path, part.file)

    def finish(self, part: WrittenPart) -> str:
        """Make a written file durable under its name. In a thread. Raises SyncFailedError."""
        path = part.path.with_suffix(".jpg")
        try:
            self._sync_file(part.file.fileno())
            part.file.close()
            part.path.rename(path)
        except OSError as error:
            self.quarantine(part.path)
            raise SyncFailedError(f"{part.path.name}: {error.strerror}") from error
        try:
            if part.folder in self._retired:
                raise OSError(0, "a sync of it failed before")
            self._folders[part.folder].sync()
        except OSError as error:
            self._retired.add(part.folder)
            self.quarantine(path)
            raise SyncFailedError(f"folder {part.folder}: {error.strerror}") from error
        return f"{part.folder}/{path.name}"

    def quarantine(self, path: Path) -> None:
        """Keep what there is for a person to look at; where even that fails, the file stays and no row points to it."""
        try:
            path.rename(self._root / QUARANTINE / path.name)
        except OSError:
            return

    def _answered(self, _: "asyncio.Future[T]") -> None:
        self._asked -= 1

    def _folder(self) -> str:
        """The folder whose turn it is; a folder that could not be synced is passed over."""
        with self._lock:
            turn = self._count // FOLDER_PHOTOS
            self._count += 1
            own = self._names
            names = (own[(turn + step) % len(own)] for step in range(len(own)))
            name = next((name for name in names if name not in self._retired), None)
            if name is None:
                raise SyncFailedError("no folder is left that could be synced")
            if name not in self._folders:
                path = self._root / name
                path.mkdir(exist_ok=True)
                sync_once(self._root, self._sync_directory)
                self._folders[name] = DirectorySync(path, self._sync_directory)
            return name
