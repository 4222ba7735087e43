"""What goes wrong below the server in the middle of a storm: told by name, nothing acknowledged that is not there, and over by itself.

People are the worst there are: their pages send again as stock tus-js does, whatever they are told (`support.photo_storm`). Each fault
lasts while the storm goes on; when it is over, nobody does anything, and within 30 s at least four fifths of those who come are
acknowledged again.
"""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gelombang.attempt import Code, ServerOutcome
from gelombang.clock import monotonic_us
from gelombang.errors import HostError
from gelombang.ledger import SERVER_ROW, read_all
from gelombang.loading import load_profile
from gelombang.profile import Database
from gelombang.runplan import ScaleNumbers, ServerPlan, read_model, write_model
from gelombang_server.control_group import require_groups
from gelombang_server.photo_disk import photo_disk
from gelombang_server.postgres.address import address_of
from gelombang_server.postgres.photos import read_photos
from support.photo_storm import Acknowledged, Storm
from support.postgres import postgres_cluster
from support.upload_site import sha256
from system.test_server_command import orders
from tests.wire.serversite import plan, profile, serving

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]
PER_SECOND = 12.0
GONE_SECONDS = 10.0
"""How long a database is held or gone."""
RECOVERED_WITHIN_SECONDS = 30.0
RECOVERED_RATIO = 0.8
LOOKED_AT_SECONDS = 2.0
TOLD_LEAST = 20
"""Answers by the fault's name for the test to say anything."""
FULL_SIZE = ScaleNumbers()


@contextmanager
def running(config: Path) -> Iterator[tuple["subprocess.Popen[bytes]", dict[str, Any]]]:
    """The server, its last words in a file: many photos fail, and a full pipe would hold it up."""
    command = [sys.executable, "-m", "gelombang_server", "--config", str(config)]
    with config.with_name("server.log").open("wb") as log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert line, config.with_name("server.log").read_text()
            yield server, json.loads(line)
        finally:
            if server.poll() is None:
                server.terminate()
            server.wait(30)


def storm_at(tmp_path: Path, ready: dict[str, Any]) -> Storm:
    return Storm(ready["uploads_url"], tmp_path / "site", PER_SECOND)


def is_well(storm: Storm) -> bool:
    return storm.per_second_since(LOOKED_AT_SECONDS) >= RECOVERED_RATIO * PER_SECOND


async def recovered(storm: Storm) -> None:
    await storm.until(lambda: is_well(storm), RECOVERED_WITHIN_SECONDS)


def assert_kept(site: Path, acknowledged: list[Acknowledged], rows: Iterable[tuple[str, str, str]]) -> None:
    """Each acknowledged photo has a row with its digest, and its file the bytes."""
    by_photo = {photo: (digest, path) for photo, digest, path in rows}
    assert len(acknowledged) >= TOLD_LEAST
    for one in acknowledged:
        digest, path = by_photo[one.photo]
        assert digest == one.sha256 == sha256((site / "photos" / path).read_bytes())


def rows_in_file(site: Path) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(site / "gelombang.sqlite3")
    try:
        return connection.execute("SELECT id, sha256, path FROM photos").fetchall()
    finally:
        connection.close()


def ends_in_ledger(folder: Path) -> Counter[tuple[str, str]]:
    """How many attempts ended how, by outcome and code; none is left open."""
    rows = read_all(folder, "ledger-server-*.bin", SERVER_ROW)
    assert not np.any(rows["outcome"] == ServerOutcome.OPEN)
    pairs = zip(rows["outcome"].tolist(), rows["code"].tolist(), strict=True)
    return Counter((ServerOutcome(outcome).name.lower(), Code(code).name.lower()) for outcome, code in pairs)


async def test_a_database_file_that_another_process_holds_for_ten_seconds(tmp_path: Path) -> None:
    with running(orders(tmp_path, "hardened", scale=FULL_SIZE)) as (server, ready):
        async with storm_at(tmp_path, ready) as storm:
            await storm.until(lambda: is_well(storm), RECOVERED_WITHIN_SECONDS)
            holder = sqlite3.connect(tmp_path / "site" / "gelombang.sqlite3", isolation_level=None, timeout=30)
            holder.execute("BEGIN IMMEDIATE")
            held_until_us = monotonic_us() + round(GONE_SECONDS * 1e6)
            await storm.until(lambda: monotonic_us() >= held_until_us, 2 * GONE_SECONDS)
            holder.execute("ROLLBACK")
            holder.close()
            assert storm.told["database_busy"] + storm.told["patience_over"] >= TOLD_LEAST
            await recovered(storm)
    assert server.returncode == 0
    assert set(storm.told) <= {"acknowledged", "database_busy", "patience_over", "upload_timed_out", "commits_busy"}
    assert_kept(tmp_path / "site", storm.acknowledged, rows_in_file(tmp_path / "site"))
    assert ("failed", "internal_error") not in ends_in_ledger(tmp_path)


async def test_a_postgresql_that_is_gone_for_ten_seconds(tmp_path: Path) -> None:
    with postgres_cluster() as cluster:
        database = Database(url=cluster.url, schema_name="storm")
        on_postgres = load_profile("hardened").model_copy(update={"database": database})
        config = orders(tmp_path, "hardened", scale=FULL_SIZE)
        write_model(config, read_model(config, ServerPlan).model_copy(update={"profile": on_postgres}))
        with running(config) as (server, ready):
            async with storm_at(tmp_path, ready) as storm:
                await storm.until(lambda: is_well(storm), RECOVERED_WITHIN_SECONDS)
                await asyncio.to_thread(cluster.stop)
                gone_until_us = monotonic_us() + round(GONE_SECONDS * 1e6)
                await storm.until(lambda: monotonic_us() >= gone_until_us, 2 * GONE_SECONDS)
                assert storm.told["database_gone"] >= TOLD_LEAST
                await asyncio.to_thread(cluster.start)
                await recovered(storm)
        assert server.returncode == 0
        stored = await asyncio.to_thread(lambda: list(read_photos(address_of(database, 77))))
        rows = [(Path(photo.path).stem, photo.sha256, photo.path) for photo in stored]
    assert set(storm.told) <= {"acknowledged", "database_gone", "patience_over", "upload_timed_out", "commits_busy"}
    assert_kept(tmp_path / "site", storm.acknowledged, rows)
    assert ("failed", "internal_error") not in ends_in_ledger(tmp_path)


async def test_a_disk_for_photos_that_is_full(tmp_path: Path) -> None:
    photos = tmp_path / "site" / "photos"
    try:
        require_groups()
        disk = photo_disk(photos, 67_108_864)
        disk.__enter__()
    except HostError as error:
        pytest.skip(str(error))
    try:
        with running(orders(tmp_path, "hardened", scale=FULL_SIZE)) as (server, ready):
            async with storm_at(tmp_path, ready) as storm:
                await storm.until(lambda: is_well(storm), RECOVERED_WITHIN_SECONDS)
                with pytest.raises(OSError, match="No space left"):
                    (photos / "ballast").write_bytes(bytes(80_000_000))
                await storm.until(lambda: storm.told["store_full"] >= 2 * TOLD_LEAST, RECOVERED_WITHIN_SECONDS)
                (photos / "ballast").unlink()
                await recovered(storm)
        assert server.returncode == 0
    finally:
        disk.__exit__(None, None, None)
    assert set(storm.told) <= {"acknowledged", "store_full", "patience_over", "commits_busy"}
    assert_kept(tmp_path / "site", storm.acknowledged, rows_in_file(tmp_path / "site"))
    assert list(photos.glob("*/*.part")) == [], "what found no room was removed"


async def test_a_disk_that_loses_writes(tmp_path: Path) -> None:
    """In this process, where the fault can be set off when the storm is well."""
    one_process = profile("hardened", uploads={"own_process": False})
    async with serving(plan(tmp_path, one_process, scale=FULL_SIZE)) as site:
        site.context.uploads_url = site.url
        async with storm_at(tmp_path, {"uploads_url": site.url}) as storm:
            await storm.until(lambda: is_well(storm), RECOVERED_WITHIN_SECONDS)
            site.context.sync_fails = True
            await storm.until(lambda: storm.told["sync_failed"] >= TOLD_LEAST, RECOVERED_WITHIN_SECONDS)
            site.context.sync_fails = False
            await recovered(storm)
    assert set(storm.told) <= {"acknowledged", "sync_failed", "patience_over", "commits_busy"}
    assert_kept(tmp_path / "site", storm.acknowledged, rows_in_file(tmp_path / "site"))
    quarantined = list((tmp_path / "site" / "photos" / "quarantine").iterdir())
    assert len(quarantined) >= TOLD_LEAST, "a file whose sync failed is kept for a person to look at, and not tried again"
