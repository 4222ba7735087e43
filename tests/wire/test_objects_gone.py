"""The object store is gone for ten seconds in a storm of people who do not listen: named outcomes, no wrong answer, and back by itself."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gelombang.audit import StoredPhoto
from gelombang.profile_objects import Objects
from gelombang_server.objects.address import address_of
from gelombang_server.objects.shelf import ObjectShelf
from tests.support.object_store import KEYS, Store
from tests.support.store_between import Between, between
from tests.support.upload_site import FAST_STORE, UploadSite, assert_idle, jpeg, sha256, until, upload_site

GONE_SECONDS = 10.0
RECOVERS_WITHIN_SECONDS = 30.0
PEOPLE = 40
DELAYS = (0.0, 1.0, 3.0, 5.0)
"""tus-js-client's: no jitter, the first at once, and the time that it was told passed over; whoever gave up begins again."""
NAMED = {"objects_gone", "objects_slow", "uploads_busy", "commits_busy"}


class Storm:
    """People who send their photo until they are told that it is stored, over and over."""

    def __init__(self, site: UploadSite) -> None:
        self.site = site
        self.told: dict[int, str] = {}
        """Digests, as acknowledged."""
        self.codes: Counter[str] = Counter()
        self.refusals: list[dict[str, Any]] = []

    async def person(self, person: int) -> None:
        body, tries = jpeg(30_000, person), 0
        while person not in self.told:
            tries += 1
            status, answer = await self.site.ask(person, body, number=tries)
            if status == 201:
                status, answer = await self.site.put(answer["url"], body, person, number=tries)
            if status in (200, 201):
                assert answer["sha256"] == sha256(body)
                self.told[person] = answer["sha256"]
                return
            assert status == 503, answer
            self.codes[answer["code"]] += 1
            self.refusals.append(answer)
            await asyncio.sleep(DELAYS[(tries - 1) % len(DELAYS)])


async def _gone_for_a_while(here: Between) -> None:
    await here.go()
    await asyncio.sleep(GONE_SECONDS)
    await here.come()


@pytest.mark.timeout(120)
async def test_a_store_that_is_gone_for_ten_seconds_is_told_by_name_and_everybody_is_served_when_it_is_back(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    async with between(store) as here:
        url = store.url("gone", here.endpoint)
        async with upload_site(tmp_path, "hardened", store=FAST_STORE, objects={"url": url}) as site:
            storm = Storm(site)
            early = [asyncio.create_task(storm.person(person)) for person in range(1, 6)]
            await asyncio.gather(*early)
            going = asyncio.create_task(_gone_for_a_while(here))
            people = [asyncio.create_task(storm.person(person)) for person in range(6, PEOPLE + 1)]
            await going
            assert len(storm.told) == 5, "nothing was acknowledged while the store was gone"
            async with asyncio.timeout(RECOVERS_WITHIN_SECONDS):
                await asyncio.gather(*people)
            assert set(storm.codes) <= NAMED, storm.codes
            assert storm.codes["objects_gone"] > 0
            assert all(answer["retry_after_seconds"] > 0 for answer in storm.refusals)
            away = [answer["retry_after_seconds"] for answer in storm.refusals if answer["code"] == "objects_gone"]
            assert len(set(away)) > len(away) / 2, "the times are jittered"
            rows = site.rows()
            assert {row[1]: row[5] for row in rows} == storm.told, "a row for each acknowledgement, and none else"
            shelf = ObjectShelf(address_of(Objects(url=url), 1, KEYS))
            photos = [StoredPhoto(row[1], 1, row[2], row[5], row[6], row[7]) for row in rows]
            assert all(await asyncio.to_thread(shelf.whole, photos))
            names = await asyncio.to_thread(lambda: set(shelf.names()))
            assert names == {row[7] for row in rows}, "whoever tried again made no second object"
            await until(lambda: not site.keeper.works)
            assert_idle(site)
