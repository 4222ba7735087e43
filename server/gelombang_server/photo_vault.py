"""Where a whole photo is kept for good: the contract of every store of photos, and the one that is a folder.

A vault is given a part (`gelombang_server.photopart`) that holds all bytes of a photo that was looked at. What `keep` returned for is there
after a power cut, whole; nothing else of the upload is, until its row is in the database. The other one is
`gelombang_server.objects.vault`.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from gelombang.steps import PhotoKind
from gelombang_server.photofile import PhotoFiles
from gelombang_server.photopart import PhotoPart


class PhotoOf(NamedTuple):
    """Whose photo it is, and what its bytes come to."""

    applicant: int
    kind: PhotoKind
    sha256: str


class PhotoVault(Protocol):
    """One process's way to the photos of the site."""

    may_be_cancelled: bool
    """Whether a `keep` that is cancelled leaves nothing that anybody has to look after."""

    is_shared: bool
    """Whether other servers of the site keep their photos in it too."""

    async def keep(self, part: PhotoPart, of: PhotoOf) -> str:
        """Its path, once it is durable. Raises NoSpaceError, SyncFailedError, or Problem by name when the store can't take it now."""

    async def drop(self, path: str) -> None:
        """No row points to what was kept there, and none will."""

    def is_here(self, path: str) -> bool:
        """Whether this server may look into it."""

    def at_hand(self, path: str) -> AbstractAsyncContextManager[Path]:
        """A file with its bytes on this machine, for as long as the block lasts; entering raises Problem as `keep` does."""


class FolderVault:
    """A folder of this machine."""

    may_be_cancelled = False
    is_shared = False

    def __init__(self, root: Path, files: PhotoFiles) -> None:
        self._root = root
        self._files = files

    async def keep(self, part: PhotoPart, of: PhotoOf) -> str:
        return await part.keep()

    async def drop(self, path: str) -> None:
        await self._files.drop(path)

    def is_here(self, path: str) -> bool:
        return (self._root / path).exists()

    @asynccontextmanager
    async def at_hand(self, path: str) -> AsyncIterator[Path]:
        yield self._root / path
