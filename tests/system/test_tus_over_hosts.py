"""tus over two servers with folders and ports of their own, which share a PostgreSQL and an object store as two machines would."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gelombang.profile import Database
from gelombang.profile_objects import Objects
from gelombang.runplan import ScaleNumbers, ServerPlan, read_model, write_model
from gelombang_server.objects.address import address_of as bucket_of
from gelombang_server.objects.shelf import ObjectShelf
from gelombang_server.postgres.address import address_of
from gelombang_server.postgres.photos import read_photos
from tests.support.object_store import KEYS, object_store
from tests.support.postgres import postgres_cluster
from tests.support.upload_site import FAST_STORE, sha256
from tests.system.test_server_command import orders, running
from tests.system.test_tus_processes import PHOTO, Processes, is_closed
from tests.wire.serversite import profile

pytestmark = pytest.mark.system
FIRST, OTHER_PROCESS, SECOND = 0, 1, 2
"""Two processes of the first host, and one of the second."""


class Hosts(Processes):
    """All addresses of both, and what is stored."""

    database: Database
    objects: Objects

    def wait_until_held(self) -> None:
        """Until a server has the upload."""

        async def look() -> None:
            connection = await address_of(self.database, 77).connect()
            try:
                while not await connection.fetchval("SELECT count(*) FROM tus_uploads WHERE held > 0"):
                    await asyncio.sleep(0.01)
            finally:
                await connection.close()

        asyncio.run(asyncio.wait_for(look(), 20))

    def stored(self) -> list[str]:
        """The digests of the photos that have a row; each is in the store, whole."""
        rows = list(read_photos(address_of(self.database, 77)))
        assert all(ObjectShelf(bucket_of(self.objects, 77, KEYS)).whole(rows))
        return [row.sha256 for row in rows]


@contextmanager
def two_hosts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        database = Database(url=stack.enter_context(postgres_cluster()).url, schema_name="hosts")
        objects = Objects(url=stack.enter_context(object_store()).url("hosts"))
        site = profile("hardened", store=FAST_STORE, uploads={"processes": 2, "checks": None})
        site = site.model_copy(update={"database": database, "objects": objects})
        urls, pids = [], []
        for host in ("first", "second"):
            (folder / host).mkdir()
            config = orders(folder / host, "hardened", scale=ScaleNumbers())
            write_model(config, read_model(config, ServerPlan).model_copy(update={"profile": site}))
            _, ready = stack.enter_context(running(config))
            urls += ready["uploads_urls"]
            pids += ready["pids"][1:]
        hosts = Hosts(folder / "first", {"uploads_urls": urls, "pids": pids})
        hosts.database, hosts.objects = database, objects
        yield hosts


def test_an_upload_goes_on_at_another_host_after_a_cut_and_after_its_host_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with two_hosts(tmp_path, monkeypatch) as hosts:
        path = hosts.create(FIRST)
        assert hosts.send(FIRST, path, 0, PHOTO[:200_000])[0] == 204
        assert hosts.offset(SECOND, path) == 200_000
        with hosts.begin_to_send(OTHER_PROCESS, path, 200_000, PHOTO[200_000:500_000]) as ghost:
            hosts.wait_until_held()
            # Its line is dead, and whoever comes to the other host ends it.
            offset = hosts.offset(SECOND, path)
            assert 200_000 <= offset <= 500_000
            assert is_closed(ghost)
        with hosts.begin_to_send(FIRST, path, offset, PHOTO[offset : offset + 100_000]) as cut:
            hosts.wait_until_held()
            os.kill(hosts.pids[FIRST], signal.SIGKILL)
            assert is_closed(cut)
        # Nobody is left who could put anything away: what no answer counted is sent again.
        assert hosts.offset(SECOND, path) == offset
        assert hosts.send(SECOND, path, offset, PHOTO[offset:])[0] == 204
        assert hosts.offset(SECOND, path) == len(PHOTO)
        assert hosts.stored() == [sha256(PHOTO)]
