"""Photos as objects: `PhotoVault` in a bucket that several servers share.

What an object is called follows from whose photo it is and from its digest, by HMAC-SHA256 under the site's key: nobody can guess it, and a
photo that is sent again (its answer was lost, the database was gone, another server took it) is the same object again and no second one.
So nothing is dropped either: another upload's row may point to the same object, and of one to which no row points the next try makes use.

The digest was taken while the photo came in. It is taken once more of what is about to be sent, because part of it may have been in a
temporary file; what obstore sends along as checksum is then the person's own.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from gelombang_server.objects.bucket import Bucket
from gelombang_server.photo_vault import PhotoOf
from gelombang_server.photofile import PhotoFiles
from gelombang_server.photopart import PhotoPart, SyncFailedError

PHOTOS = "photos"
"""Below the site's prefix."""
_NAME_DIGITS = 40
_COPIES = "copies"


class ObjectVault:
    """Of one process; parts are gathered, and written out where memory asks for it, by `files`."""

    may_be_cancelled = True
    is_shared = True

    def __init__(self, bucket: Bucket, files: PhotoFiles, root: Path, site_key: bytes) -> None:
        self.bucket = bucket
        self._files = files
        self._key = hmac.digest(site_key, b"objects", "sha256")
        self._copies = root / _COPIES
        self._copies.mkdir(parents=True, exist_ok=True)

    async def keep(self, part: PhotoPart, of: PhotoOf) -> str:
        pieces = await part.contents()
        if await self._files.in_thread(lambda: _sha256(pieces)) != of.sha256:
            raise SyncFailedError(f"{part.photo_id}: what was gathered is not what came")
        path = self._path(of)
        await self.bucket.put(f"{PHOTOS}/{path}", pieces)
        return path

    async def drop(self, path: str) -> None:
        """Left for the next try."""

    def is_here(self, path: str) -> bool:
        return True

    @asynccontextmanager
    async def at_hand(self, path: str) -> AsyncIterator[Path]:
        copy = self._copies / f"{uuid4().hex}.jpg"
        try:
            pieces = [piece async for piece in self.bucket.read(f"{PHOTOS}/{path}")]
            await self._files.in_thread(lambda: copy.write_bytes(b"".join(pieces)))
            yield copy
        finally:
            # Not in a thread: at the end of the process the pool is closed before the checks are.
            copy.unlink(missing_ok=True)

    def _path(self, of: PhotoOf) -> str:
        name = hmac.new(self._key, f"{of.applicant} {of.kind.value} {of.sha256}".encode(), hashlib.sha256).hexdigest()[:_NAME_DIGITS]
        return f"{name[:2]}/{name}.jpg"


def _sha256(pieces: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
