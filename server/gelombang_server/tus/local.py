"""Begun uploads in a folder of one machine, which its processes share: `Partials` over files, locks and named pipes."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from gelombang_server.photofile import PhotoFiles
from gelombang_server.tus.partial import FilePart, PartialFiles
from gelombang_server.tus.partials import Hold
from gelombang_server.tus.table import BegunUpload
from gelombang_server.tus.takeover import Takeover

LOOK_SECONDS = 0.005
"""Between two looks whether an upload was let go."""


class FileHold:
    """A descriptor that holds an upload until it is closed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def let_go(self) -> None:
        if (descriptor := self.hand_on()) is not None:
            os.close(descriptor)

    def request_over(self) -> None:
        """The older request is found by the process that has it."""

    def hand_on(self) -> int | None:
        """The descriptor, for somebody else to close."""
        descriptor, self._descriptor = self._descriptor, None
        return descriptor


class LocalPartials:
    """Of process `place` of `places`; `let_go` is told a photo and a moment when another process wants it."""

    def __init__(self, root: Path, files: PhotoFiles, place: int, places: int, let_go: Callable[[str, int], None]) -> None:
        self._partials = PartialFiles(root, files)
        self._takeover = Takeover(self._partials.folder, place, places, let_go)

    def evict(self, photo: str, now_us: int) -> None:
        self._takeover.tell(photo, now_us)

    async def hold(self, upload: BegunUpload, within_seconds: float) -> FileHold | None:
        loop = asyncio.get_running_loop()
        until = loop.time() + within_seconds
        while (hold := await self.try_hold(upload, from_anybody=False)) is None and loop.time() < until:
            await asyncio.sleep(LOOK_SECONDS)
        return hold

    async def try_hold(self, upload: BegunUpload, *, from_anybody: bool) -> FileHold | None:
        """The lock of a process that died is free by itself, so nobody is taken anything from."""
        lock = self._partials.lock(upload.number)
        return None if lock is None else FileHold(lock)

    async def taken(self) -> frozenset[int]:
        return frozenset()

    async def offset(self, upload: BegunUpload, hold: Hold) -> int:
        return self._partials.offset(upload.photo, upload.size_bytes)

    async def open(self, upload: BegunUpload, hold: Hold) -> FilePart:
        assert isinstance(hold, FileHold)
        lock = hold.hand_on()
        assert lock is not None, "who opens an upload holds it"
        return await self._partials.open(upload.photo, upload.size_bytes, lock)

    async def remove(self, photos: list[str]) -> None:
        await self._partials.remove(photos)

    async def begun(self) -> list[str]:
        return await self._partials.begun()

    async def close(self) -> None:
        self._takeover.close()
        await self._partials.close()
