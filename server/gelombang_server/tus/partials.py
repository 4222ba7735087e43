"""Where the bytes of begun uploads wait: the contract of every such place.

A place tells where an upload stands, and lets one request at a time go on with it: who has a `Hold`. `gelombang_server.tus.local` is a
folder of one machine, `gelombang_server.tus.shared` a bucket and a database for the servers of several.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from gelombang_server.peoplestore import Cursor
from gelombang_server.photofile import PhotoFiles
from gelombang_server.photopart import PhotoPart
from gelombang_server.tus.table import BegunUpload


class Hold(Protocol):
    """One request's right to go on with an upload."""

    def let_go(self) -> None:
        """Another request may have it. Again, or after `Partials.open`, it changes nothing."""

    def request_over(self) -> None:
        """The request that has it is over: there is nobody to be told any more that another wants it."""


class PartialPart(PhotoPart, ABC):
    """One request's piece of an upload: a part that begins where the upload stands, and is put away, not removed, when its request ends
    without a photo. It gives back the hold that it was opened with."""

    def __init__(self, files: PhotoFiles, photo: str) -> None:
        super().__init__(files, photo)
        self.began_at = 0
        """Where the upload stood."""
        self.is_with_keeper = False
        """The keeper ends it, with its work; until then the upload stays held, whatever becomes of the request."""
        self._flushing: asyncio.Future[None] | None = None
        self._is_useless = False
        self._is_taken_back = False

    @abstractmethod
    async def read(self, take: Callable[[bytes], None]) -> None:
        """Give everything before `began_at` to `take`, in pieces: nothing of it stays in memory."""

    @abstractmethod
    async def suspend(self) -> None:
        """Put away what came, and let go. Raises NoSpaceError, SyncFailedError or Problem; then what came may not count. Again, it changes
        nothing."""

    async def flush(self) -> None:
        writing = self._flushing = asyncio.ensure_future(super().flush())
        try:
            await asyncio.shield(writing)
        finally:
            if writing.done():
                # Else the request ends here and the writing goes on: `suspend` waits for it, and tells what went wrong.
                self._flushing = None

    async def _flushed(self) -> None:
        """What is being written is written. Raises as `flush` does."""
        writing, self._flushing = self._flushing, None
        if writing is not None:
            await writing

    @abstractmethod
    def note_stored(self, cursor: Cursor) -> None:
        """Within the transaction that stores the photo. Raises Problem(upload_in_use) when another request went on without this one."""

    def take_back(self) -> None:
        """What this request brought is not kept: the upload will stand where it stood."""
        self._is_taken_back = True

    def reject(self) -> None:
        """What came is of no use: it is removed when the request lets go."""
        self._is_useless = True

    def stored(self) -> None:
        self._is_useless = True


class Partials(Protocol):
    """One process's way to all begun uploads."""

    def evict(self, photo: str, now_us: int) -> None:
        """Requests of other processes that have the upload since before `now_us` shall let go."""

    async def hold(self, upload: BegunUpload, within_seconds: float) -> Hold | None:
        """Wait until whoever has it has put away what it brought; None when they do not. Raises Problem."""

    async def try_hold(self, upload: BegunUpload, *, from_anybody: bool) -> Hold | None:
        """Without waiting: when it is free, or `from_anybody` whose death nothing else would tell."""

    async def taken(self) -> frozenset[int]:
        """Numbers of uploads that a look shows to be somebody's; of none where only trying tells."""

    async def offset(self, upload: BegunUpload, hold: Hold) -> int:
        """Where it stands. Raises Problem."""

    async def open(self, upload: BegunUpload, hold: Hold) -> PartialPart:
        """From where it stands on; the part lets go at its end. Raises NoSpaceError, SyncFailedError or Problem."""

    async def remove(self, photos: list[str]) -> None:
        """Whatever came of them."""

    async def begun(self) -> list[str]:
        """The photos of which something came."""

    async def close(self) -> None:
        """Wait until what ended is put away."""
