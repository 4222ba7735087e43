"""What the reference server does for a photo, over a real socket inside one loop: a ticket; then body, digest, file and commit.

The modelled store is out of the way (its bandwidth is not what is timed); the disk is not.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import uvloop
from awaiting import AsyncioBenchmark

from support.upload_site import FAST_STORE, UploadSite, jpeg, upload_site

PHOTO = jpeg(100_000)


@pytest.fixture
def site(loop: uvloop.Loop, tmp_path: Path) -> Iterator[UploadSite]:
    opened = upload_site(tmp_path, "hardened", store=FAST_STORE)
    yield loop.run_until_complete(opened.__aenter__())
    loop.run_until_complete(opened.__aexit__(None, None, None))


def test_a_ticket(asyncio_benchmark: AsyncioBenchmark, site: UploadSite) -> None:
    """Of one person who asks anew each time: the older one is taken back."""
    number = count(1)

    async def one() -> None:
        assert (await site.ask(1, PHOTO, number=next(number) % 200 + 1))[0] == 201

    asyncio_benchmark(one)


def test_a_ticket_then_digest_file_and_commit(asyncio_benchmark: AsyncioBenchmark, site: UploadSite) -> None:
    person = count(1)

    async def one() -> None:
        assert (await site.send(next(person), PHOTO))[0] == 201

    asyncio_benchmark(one)
