"""The rows of a site's photos in a PostgreSQL, read back page after page."""

import asyncio

import pytest

from gelombang.audit import StoredPhoto
from gelombang.errors import TargetUnreachableError
from gelombang_server.postgres.address import Address
from gelombang_server.postgres.migrating import prepare_database
from gelombang_server.postgres.photos import read_photos
from tests.support.people_stores import UNSEALED
from tests.support.postgres import Cluster

PHOTOS = [StoredPhoto(n, 9, 1, f"{n:064x}", 40_000 + n, f"00/{n}.jpg") for n in range(5)]


async def store(address: Address) -> None:
    connection = await address.connect()
    try:
        for n, photo in reversed(list(enumerate(PHOTOS))):
            values = (f"{n:032x}", photo.person, photo.step, photo.number, n, "ktp", photo.sha256, photo.bytes, photo.path, 0)
            names = "id, person, step, number, applicant, kind, sha256, bytes, path, committed_us"
            await connection.execute(f"INSERT INTO photos ({names}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", *values)
    finally:
        await connection.close()


@pytest.mark.parametrize("page_photos", [1, 2, 5, 100])
def test_every_photo_comes_once_in_the_order_of_storing_whatever_fits_on_a_page(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, page_photos: int
) -> None:
    monkeypatch.setattr("gelombang_server.postgres.photos.PAGE_PHOTOS", page_photos)
    address = Address(cluster.url, f"pages_of_{page_photos}")
    prepare_database(address, 0, UNSEALED)
    assert list(read_photos(address)) == []
    asyncio.run(store(address))
    assert list(read_photos(address)) == PHOTOS[::-1]


def test_whoever_stops_reading_leaves_no_connection_behind(cluster: Cluster) -> None:
    address = Address(cluster.url, "stopped")
    prepare_database(address, 0, UNSEALED)
    asyncio.run(store(address))
    photos = read_photos(address)
    assert next(photos) == PHOTOS[-1]
    photos.close()


def test_a_database_that_is_gone_is_told_to_the_operator() -> None:
    with pytest.raises(TargetUnreachableError, match="want a running PostgreSQL"):
        list(read_photos(Address("postgresql://postgres@127.0.0.1:1/postgres", "gone")))
