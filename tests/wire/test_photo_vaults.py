"""One contract for every store of photos: what is promised for a folder holds for a bucket of an object store."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gelombang.audit import PHOTOS, Shelf, StoredPhoto, folder_shelf
from gelombang.profile_objects import Objects
from gelombang.steps import PhotoKind
from gelombang_server.metrics import Metrics
from gelombang_server.objects.address import address_of
from gelombang_server.objects.bucket import Bucket
from gelombang_server.objects.shelf import ObjectShelf
from gelombang_server.objects.vault import ObjectVault
from gelombang_server.photo_vault import FolderVault, PhotoOf, PhotoVault
from gelombang_server.photofile import PhotoFiles
from gelombang_server.photopart import PIECE_BYTES, PhotoPart
from tests.support.object_store import KEYS
from tests.support.upload_site import sha256

SITE_KEY = bytes(32)


class Opened:
    """A vault, what gathers for it, and what an auditor sees of it."""

    def __init__(self, files: PhotoFiles, vault: PhotoVault, shelf: Shelf) -> None:
        self.files = files
        self.vault = vault
        self.shelf = shelf

    def part(self, body: bytes, name: str = "ab" * 16) -> PhotoPart:
        return self.files.whole(name, body)

    async def names(self) -> set[str]:
        return await asyncio.to_thread(lambda: set(self.shelf.names()))

    async def is_whole(self, path: str, body: bytes) -> bool:
        photo = StoredPhoto(1, 1, 1, sha256(body), len(body), path)
        return (await asyncio.to_thread(self.shelf.whole, [photo]))[0]


def of(body: bytes, applicant: int = 1) -> PhotoOf:
    return PhotoOf(applicant, PhotoKind.KTP, sha256(body))


Opener = Callable[[str], Opened]


@pytest.fixture(params=["folder", "bucket"])
async def opener(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens a server's way to the site's photos; `server` is its own folder, which two servers of a bucket don't share."""
    opened: list[PhotoFiles] = []

    def open_(server: str) -> Opened:
        folder = tmp_path / ("site" if request.param == "folder" else server)
        files = PhotoFiles(folder / PHOTOS, 4)
        opened.append(files)
        if request.param == "folder":
            return Opened(files, FolderVault(folder / PHOTOS, files), folder_shelf(folder / PHOTOS))
        objects = Objects(url=request.getfixturevalue("store").url(f"test_{abs(hash(request.node.name))}"))
        address = address_of(objects, 1, KEYS)
        bucket = Bucket(address, objects, Metrics("hardened", "1", 0))
        return Opened(files, ObjectVault(bucket, files, folder / PHOTOS, SITE_KEY), ObjectShelf(address))

    yield open_
    for files in opened:
        if not files.is_closed:
            files.close()


@pytest.fixture
def opened(opener: Opener) -> Opened:
    return opener("first")


async def test_what_is_kept_is_there_with_its_bytes_for_every_server_that_may_look(opener: Opener, opened: Opened) -> None:
    body = b"photo" * 1_000
    path = await opened.vault.keep(opened.part(body), of(body))
    assert await opened.names() == {path}
    assert await opened.is_whole(path, body)
    other = opener("second")
    assert other.vault.is_here(path)
    async with other.vault.at_hand(path) as copy:
        assert copy.read_bytes() == body


async def test_a_photo_that_was_written_out_on_the_way_is_kept_whole_and_nothing_of_it_stays_behind(opened: Opened, tmp_path: Path) -> None:
    pieces = [bytes([number]) * (PIECE_BYTES // 2) for number in range(5)]
    part = opened.files.begin("cd" * 16)
    for piece in pieces:
        if part.take(piece):
            await part.flush()
    path = await opened.vault.keep(part, of(b"".join(pieces)))
    part.stored()
    part.discard()
    assert await opened.is_whole(path, b"".join(pieces))
    assert opened.files.gathered_bytes == 0
    await asyncio.to_thread(opened.files.close)
    assert not list(tmp_path.rglob("*.part"))


async def test_a_photo_that_is_given_up_is_nowhere(opened: Opened) -> None:
    part = opened.files.begin("ef" * 16)
    part.take(b"x" * PIECE_BYTES)
    await part.flush()
    part.discard()
    assert await opened.names() == set()


async def test_photos_of_different_people_are_different_ones_whatever_their_bytes(opened: Opened) -> None:
    body = b"the same"
    paths = {await opened.vault.keep(opened.part(body, f"{person:032x}"), of(body, person)) for person in (1, 2, 3)}
    assert len(paths) == 3
    assert await opened.names() == paths


async def test_names_tell_nothing_of_person_and_bytes(opened: Opened) -> None:
    body = b"photo"
    path = await opened.vault.keep(opened.part(body), of(body))
    assert sha256(body)[:8] not in path
    assert "ktp" not in path


async def test_bytes_that_are_others_than_were_kept_and_a_photo_that_is_not_there_are_not_whole(opened: Opened) -> None:
    body = b"photo"
    path = await opened.vault.keep(opened.part(body), of(body))
    assert not await opened.is_whole(path, b"phot0")
    assert not await opened.is_whole("00/nobody.jpg", body)


async def test_many_photos_at_once_are_all_kept(opened: Opened) -> None:
    bodies = [b"%d" % number * 100 for number in range(40)]
    kept = await asyncio.gather(*(opened.vault.keep(opened.part(body, f"{n:032x}"), of(body)) for n, body in enumerate(bodies)))
    assert await opened.names() == set(kept)
