"""The photos in a bucket, read back for the audit: `gelombang.audit.Shelf`."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import obstore

from gelombang.audit import StoredPhoto
from gelombang_server.objects.address import Address, told_to_operator
from gelombang_server.objects.bucket import READ_BYTES
from gelombang_server.objects.vault import PHOTOS

READERS = 8


class ObjectShelf:
    """All photos of a site; its methods raise GelombangError when the store can't be reached, because then nobody can say what is there."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def whole(self, photos: list[StoredPhoto]) -> list[bool]:
        with told_to_operator(self._address.shown), ThreadPoolExecutor(READERS, "audit") as readers:
            return list(readers.map(self._is_whole, photos))

    def names(self) -> Iterator[str]:
        with told_to_operator(self._address.shown):
            for page in obstore.list(self._address.store, PHOTOS):
                yield from (str(found["path"]).removeprefix(f"{PHOTOS}/") for found in page)

    def _is_whole(self, photo: StoredPhoto) -> bool:
        digest, size = hashlib.sha256(), 0
        try:
            for piece in obstore.get(self._address.store, f"{PHOTOS}/{photo.path}").stream(min_chunk_size=READ_BYTES):
                digest.update(piece)
                size += len(piece)
        except FileNotFoundError:
            return False
        return digest.hexdigest() == photo.sha256 and size == photo.bytes
