"""Photos as files that are there after a power cut: temporary file, fdatasync, rename, directory fsync.

One hop to a bounded pool of threads does it all for a photo. The directory's fsync is shared: whoever renamed a file while one was under
way is served by the next, so that many finishers together pay for one (group commit). Folders bear two hex digits and are filled one
after the other, `FOLDER_PHOTOS` files at a time: directories stay small, and photos that finish together share a directory to sync.

A failed fsync is never tried again on the same file, because the kernel may have dropped the pages and will report success the next time
(Rebello et al., "Can applications recover from fsync failures?", USENIX ATC 2020): the photo is moved to `quarantine/`, its folder is
not used again in this process, and the upload fails.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER_PHOTOS = 4_096
"""How many photos go into a folder before the next one's turn comes."""
FOLDERS = 256
QUARANTINE = "quarantine"
_PART = ".part"

Sync = Callable[[int], None]


class SyncFailedError(Exception):
    """The disk did not confirm: the photo is not durable, and never will be under this name."""


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


class PhotoFiles:
    """The folder `photos/` of the site. Only one process at a time writes into it."""

    def __init__(self, root: Path, threads_limit: int, *, sync_file: Sync = os.fdatasync, sync_directory: Sync = os.fsync) -> None:
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
        (root / QUARANTINE).mkdir(parents=True, exist_ok=True)
        _sync_once(root.parent, sync_directory)
        _sync_once(root, sync_directory)
        for left_behind in root.glob(f"??/*{_PART}"):
            left_behind.unlink()

    async def keep(self, photo_id: str, body: bytes | bytearray) -> str:
        """Make the photo durable; its path relative to the root. Raises SyncFailedError. Goes on to its end when the caller is cancelled.

        The pool's line is bounded by its callers: each holds a body, and bodies are bounded by `uploads.bodies_limit`.
        """
        self._asked += 1
        task = asyncio.get_running_loop().run_in_executor(self._pool, self._keep, photo_id, body)
        task.add_done_callback(self._answered)
        return await task

    async def drop(self, path: str) -> None:
        """Take back a photo that `keep` made durable and nothing points to."""
        await asyncio.get_running_loop().run_in_executor(self._pool, (self._root / path).unlink)

    def close(self) -> None:
        """Wait for photos under way (each takes milliseconds), then close."""
        self._pool.shutdown(wait=True)
        for folder in self._folders.values():
            folder.close()

    @property
    def in_progress(self) -> int:
        """Photos in a thread, or waiting for one."""
        return self._asked

    @property
    def sync_count(self) -> int:
        """Directory syncs so far."""
        return sum(folder.sync_count for folder in self._folders.values())

    def _answered(self, _: "asyncio.Future[str]") -> None:
        self._asked -= 1

    def _keep(self, photo_id: str, body: bytes | bytearray) -> str:
        try:
            name, folder = self._folder()
        except OSError as error:
            raise SyncFailedError(f"no folder for {photo_id}: {error.strerror}") from error
        path = self._root / name / f"{photo_id}.jpg"
        part = path.with_suffix(_PART)
        try:
            _write(part, body, self._sync_file)
            part.rename(path)
        except OSError as error:
            self._quarantine(part)
            raise SyncFailedError(f"{part.name}: {error.strerror}") from error
        try:
            folder.sync()
        except OSError as error:
            self._retired.add(name)
            self._quarantine(path)
            raise SyncFailedError(f"folder {name}: {error.strerror}") from error
        return f"{name}/{path.name}"

    def _folder(self) -> tuple[str, DirectorySync]:
        """The folder whose turn it is; a folder that could not be synced is passed over."""
        with self._lock:
            turn = self._count // FOLDER_PHOTOS
            self._count += 1
            names = (f"{(turn + step) % FOLDERS:02x}" for step in range(FOLDERS))
            name = next((name for name in names if name not in self._retired), None)
            if name is None:
                raise SyncFailedError("no folder is left that could be synced")
            if name not in self._folders:
                path = self._root / name
                path.mkdir(exist_ok=True)
                _sync_once(self._root, self._sync_directory)
                self._folders[name] = DirectorySync(path, self._sync_directory)
            return name, self._folders[name]

    def _quarantine(self, path: Path) -> None:
        """Keep what there is for a person to look at; where even that fails, the file stays and no row points to it."""
        try:
            path.rename(self._root / QUARANTINE / path.name)
        except OSError:
            return


def _write(path: Path, body: bytes | bytearray, sync: Sync) -> None:
    with path.open("xb", buffering=0) as file:
        view = memoryview(body)
        while view:
            view = view[file.write(view) :]
        sync(file.fileno())


def _sync_once(path: Path, sync: Sync) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)
