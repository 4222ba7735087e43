"""Photos as files that are there after a power cut: temporary file, fdatasync, rename, directory fsync.

A bounded number of threads does it. A photo that fits into memory costs one hop; a larger or slower one is a `PhotoPart` that is written
piece by piece (`gelombang_server.photopart`), and its last hop makes it durable. The directory's fsync is shared by those who finish
together, and none of them waits for it in a thread. Folders bear two hex digits and are filled one after the other, `FOLDER_PHOTOS` files
at a time: directories stay small, and photos that finish together share a directory to sync.

A failed fsync is never tried again on the same file, because the kernel may have dropped the pages and will report success the next time
(Rebello et al., "Can applications recover from fsync failures?", USENIX ATC 2020): the photo is moved to `quarantine/`, its folder is
not used again in this process, and the upload fails. A disk without room is no such failure: what was written is removed.
"""

import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from gelombang_server.commit_threads import CommitThreads, Waiting
from gelombang_server.directory_sync import DirectorySync, Sync, sync_once
from gelombang_server.photopart import PhotoPart, SyncFailedError, WrittenPart

FOLDER_PHOTOS = 4_096
"""How many photos go into a folder before the next one's turn comes."""
FOLDERS = 256
QUARANTINE = "quarantine"
PART = ".part"
PHOTO = ".jpg"
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
GATHER_LIMIT_BYTES = 33_554_432
"""What all photos of a process may hold in memory before each is written out in small steps; a profile says its own."""

T = TypeVar("T")


class Renamed(NamedTuple):
    """A photo under its name, whose folder is to be synced."""

    path: str
    waiting: Waiting[str]


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
        self._root = root
        self._sync_file = sync_file
        self._sync_directory = sync_directory
        self._threads = CommitThreads(threads_limit)
        self._lock = threading.Lock()
        self._folders: dict[str, DirectorySync[Renamed]] = {}
        self._retired: set[str] = set()
        self._count = 0
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
        await self.in_thread((self._root / path).unlink)

    def close(self) -> None:
        """Wait for photos in a thread, then close. What waits for a thread is dropped: on a slow disk that would be minutes of them."""
        self._threads.close()
        for folder in self._folders.values():
            folder.close()

    @property
    def is_closed(self) -> bool:
        """No thread takes work any more."""
        return self._threads.is_closed

    @property
    def in_progress(self) -> int:
        """Pieces and photos in a thread, or waiting for one."""
        return self._threads.in_progress

    @property
    def sync_count(self) -> int:
        """Directory syncs so far."""
        return sum(folder.sync_count for folder in self._folders.values())

    # what parts ask for

    async def in_thread(self, work: Callable[[], T]) -> T:
        """`work` in a thread; once a thread has taken it, it goes on to its end when the caller is cancelled."""

        def do(waiting: Waiting[T]) -> None:
            waiting.result = work()
            self._threads.tell((waiting,))

        return await self._threads.ask(do)

    async def finished(self, finish: Callable[[Waiting[str]], None]) -> str:
        """The path of a photo that `finish`, in a thread, gives to `self.finish`."""
        return await self._threads.ask(finish)

    def later(self, work: Callable[[], None]) -> None:
        """`work` in a thread, without waiting for it."""
        if self._threads.is_closed:
            work()
        else:
            self._threads.later(work)

    def open_part(self, file_name: str) -> WrittenPart:
        """A new temporary file in the folder whose turn it is. In a thread. Raises OSError or SyncFailedError."""
        name = self._folder()
        written = f"{file_name}{PART}"
        descriptor = os.open(written, _NEW_FILE, 0o666, dir_fd=self._folders[name].descriptor)
        return WrittenPart(name, file_name, f"{self._root}/{name}/{written}", descriptor)

    def move_in(self, part: WrittenPart) -> WrittenPart:
        """A file that was written elsewhere on this disk, now a temporary one of the folder whose turn it is. In a thread. Raises as
        `open_part` does."""
        name = self._folder()
        path = f"{self._root}/{name}/{part.file_name}{PART}"
        Path(part.path).rename(path)
        return part._replace(folder=name, path=path)

    def finish(self, part: WrittenPart, waiting: Waiting[str]) -> None:
        """Make a written file durable under its name, and tell `waiting` its path, or the SyncFailedError of its folder; the file is closed
        here. In a thread. Raises SyncFailedError."""
        folder, name = self._folders[part.folder], f"{part.file_name}{PHOTO}"
        at = folder.descriptor
        try:
            try:
                self._sync_file(part.descriptor)
            finally:
                os.close(part.descriptor)
            os.rename(f"{part.file_name}{PART}", name, src_dir_fd=at, dst_dir_fd=at)
        except OSError as error:
            self.quarantine(part.path)
            raise SyncFailedError(f"{part.file_name}{PART}: {error.strerror}") from error
        waiting.result = f"{part.folder}/{name}"
        renamed = Renamed(f"{self._root}/{waiting.result}", waiting)
        if part.folder in self._retired:
            self._synced(part.folder, [renamed], None)
        else:
            folder.sync(renamed)

    def quarantine(self, path: str) -> None:
        """Keep what there is for a person to look at; where even that fails, the file stays and no row points to it."""
        try:
            Path(path).rename(self._root / QUARANTINE / Path(path).name)
        except OSError:
            return

    def _synced(self, folder: str, batch: list[Renamed], error: OSError | None) -> None:
        """A folder's sync is over; what it was for is told together. In a thread."""
        if error is None and folder in self._retired:
            error = OSError(0, "a sync of it failed before")
        if error is not None:
            self._retired.add(folder)
            for renamed in batch:
                self.quarantine(renamed.path)
                renamed.waiting.error = SyncFailedError(f"folder {folder}: {error.strerror}")
                renamed.waiting.error.__cause__ = error
        self._threads.tell(renamed.waiting for renamed in batch)

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
                self._folders[name] = DirectorySync(path, self._sync_directory, partial(self._synced, name))
            return name
