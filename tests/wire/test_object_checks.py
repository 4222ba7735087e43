"""Photos in an object store are decoded like those in a folder: by one server of several, and after a time without the store by itself."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from serversite import Site, plan, profile, serving

from gelombang.clock import monotonic_us
from gelombang.profile import Database
from gelombang.profile_objects import Objects
from gelombang.steps import PhotoKind
from gelombang_server.photo_vault import PhotoOf
from gelombang_server.photofile import PhotoFiles
from tests.support.object_store import Store
from tests.support.postgres import postgres_cluster
from tests.support.store_between import between
from tests.support.upload_site import jpeg, sha256

ADD = """
INSERT INTO photos (id, person, step, number, applicant, kind, sha256, bytes, path, committed_us)
VALUES (?, 0, 6, 1, 1, 'ktp', ?, ?, ?, 0)
"""
QUICK = {"put_seconds": 1.0, "try_seconds": 0.5, "repeats_limit": 0}


pytestmark = pytest.mark.usefixtures("keys")


async def keep(site: Site, name: str, body: bytes) -> tuple[str, str, int, str]:
    """The photo's row; it is not in the database yet."""
    vault = site.worker._vault
    assert vault is not None
    part = PhotoFiles(site.context.site / "gathering", 1).whole(name, body)
    return name, sha256(body), len(body), await vault.keep(part, PhotoOf(1, PhotoKind.KTP, sha256(body)))


async def add(site: Site, rows: list[tuple[str, str, int, str]]) -> None:
    await site.context.database.run(lambda cursor: cursor.executemany(ADD, rows).rowcount)


async def verdicts(site: Site, wanted: int) -> dict[str, str]:
    until_us = monotonic_us() + 30_000_000
    found: list[tuple[str, str]] = []
    while len(found) < wanted:
        assert monotonic_us() < until_us, "the photos were not looked at"
        await asyncio.sleep(0.01)
        found = await site.context.database.read(lambda cursor: cursor.execute("SELECT photo, verdict FROM photo_checks").fetchall())
    return dict(found)


def takes_photos(**parts: Any) -> Any:
    return profile("hardened", uploads={"own_process": False}).model_copy(update=parts)


async def test_photos_wait_for_their_check_while_the_store_is_away(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    async with between(store) as here:
        objects = Objects(url=store.url("checks", here.endpoint), **QUICK)
        async with serving(plan(tmp_path, takes_photos(objects=objects))) as site:
            whole, half = jpeg(20_000), jpeg(20_000)[:9_000]
            rows = [await keep(site, "whole", whole), await keep(site, "half", half)]
            await here.go()
            await add(site, rows)
            said, until_us = "", monotonic_us() + 30_000_000
            while "the check of photos waits: objects_gone" not in said:
                assert monotonic_us() < until_us, said
                said += capsys.readouterr().err
                await asyncio.sleep(0.01)
            await here.come()
            assert await verdicts(site, 2) == {"whole": "validated", "half": "photo_truncated"}
            assert not list((site.context.site / "photos" / "copies").iterdir())
            assert site.context.failure is None


async def test_of_two_servers_one_looks_at_the_photos_of_both(tmp_path: Path, store: Store) -> None:
    with postgres_cluster() as cluster:
        parts = {"database": Database(url=cluster.url, schema_name="checks"), "objects": Objects(url=store.url("both"), **QUICK)}
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
        async with (
            serving(plan(tmp_path / "first", takes_photos(**parts))) as first,
            serving(plan(tmp_path / "second", takes_photos(**parts), zero_us=monotonic_us())) as second,
        ):
            rows = [await keep(site, name, jpeg(20_000, mark)) for mark, (site, name) in enumerate([(first, "a"), (second, "b")])]
            await add(first, rows)
            assert await verdicts(second, 2) == {"a": "validated", "b": "validated"}
            looked = [site.sample("photo_checks_total", verdict="validated") for site in (first, second)]
            assert sorted(looked) == [0, 2], "each photo is decoded once"
