"""Two servers that share nothing but database and object store: an upload goes on at whichever its client comes to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gelombang.audit import StoredPhoto
from gelombang.profile_objects import Objects
from gelombang.seeds import unit
from gelombang_server.objects.address import address_of
from gelombang_server.objects.shelf import ObjectShelf
from gelombang_server.tus import table, turns, uploads
from gelombang_server.tus.uploads import TUS
from tests.support.object_store import KEYS, Store
from tests.support.postgres import Cluster
from tests.support.store_between import Between, between
from tests.support.tus_phone import PHOTO, TUS_HEADERS, Phone, arrived
from tests.support.upload_site import FAST_STORE, UploadSite, jpeg, sha256, until, upload_site

Hosts = tuple[UploadSite, UploadSite]


pytestmark = pytest.mark.usefixtures("keys")


@pytest.fixture
def open_hosts(tmp_path: Path, cluster: Cluster, store: Store, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Two servers of a site of the test's own; the first may have something standing before its store."""
    name = f"hosts_{abs(hash(request.node.name))}"

    @asynccontextmanager
    async def hosts(before_first: Between | None = None, **more: Any) -> AsyncIterator[Hosts]:
        async with AsyncExitStack() as stack:
            opened = []
            for folder, endpoint in (("first", None if before_first is None else before_first.endpoint), ("second", None)):
                (tmp_path / folder).mkdir()
                parts = {"database": {"url": cluster.url, "schema_name": name}, "objects": {"url": store.url(name, endpoint)}} | more
                opened.append(await stack.enter_async_context(upload_site(tmp_path / folder, "hardened", store=FAST_STORE, **parts)))
            first, second = opened
            yield first, second

    return hosts


def at(url: str, site: UploadSite) -> str:
    """The same upload, at another server."""
    return site.url + "/" + url.removeprefix("http://").partition("/")[2]


async def stored(site: UploadSite) -> list[StoredPhoto]:
    query = "SELECT person, step, number, sha256, bytes, path FROM photos"
    return [StoredPhoto(*row) for row in await site.context.database.read(lambda cursor: cursor.execute(query).fetchall())]


async def assert_stored(site: UploadSite, photo: bytes) -> None:
    """It is there once, whole, and nothing of what it was made of is left."""
    rows = await stored(site)
    assert [row.sha256 for row in rows] == [sha256(photo)]
    assert site.context.profile.objects is not None
    shelf = ObjectShelf(address_of(Objects(url=site.context.profile.objects.url), 1, KEYS))
    assert await asyncio.to_thread(shelf.whole, rows) == [True]
    assert await asyncio.to_thread(lambda: set(shelf.names())) == {rows[0].path}
    partials = site.app[TUS].partials
    async with asyncio.timeout(10):
        while await partials.begun():
            await asyncio.sleep(0.01)


async def test_an_upload_that_was_cut_off_at_one_server_goes_on_at_the_other_from_the_true_offset(open_hosts: Callable[..., Any]) -> None:
    async with open_hosts() as (first, second):
        here, there = Phone(first), Phone(second)
        url = await here.begun(PHOTO, sha256=sha256(PHOTO))
        line = await here.begin_to_send(url, PHOTO[:30_000], len(PHOTO))
        await arrived(first, 30_000)
        line.leave()
        other = at(url, second)
        assert await there.offset(other) == 30_000
        assert (await there.send(other, PHOTO[30_000:], 30_000)).status == 204
        assert await here.offset(url) == len(PHOTO), "a lost last answer is heard at either"
        await assert_stored(second, PHOTO)


async def test_a_request_whose_line_is_dead_lets_go_when_the_person_comes_to_the_other_server(open_hosts: Callable[..., Any]) -> None:
    """Its connection still stands; nobody will send on it any more."""
    async with open_hosts() as (first, second):
        here, there = Phone(first), Phone(second)
        url = await here.begun(PHOTO)
        line = await here.begin_to_send(url, PHOTO[:20_000], len(PHOTO))
        await arrived(first, 20_000)
        assert (await there.send(at(url, second), PHOTO[20_000:], 20_000)).status == 204
        await assert_stored(second, PHOTO)
        await until(lambda: first.context.book.in_flight == 0)
        line.leave()


async def test_what_a_server_that_was_given_up_writes_late_does_not_count(
    open_hosts: Callable[..., Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "TAKEOVER_LIMIT_SECONDS", 0.3)
    hangs, went_on = asyncio.Event(), asyncio.Event()
    async with between(store) as before, open_hosts(before) as (first, second):
        here, there = Phone(first), Phone(second)
        url = await here.begun(PHOTO)

        async def hang(request: web.Request, body: bytes) -> web.Response:
            hangs.set()
            await went_on.wait()
            return web.Response(headers={"ETag": '"x"'})

        before.answer = hang
        late = asyncio.create_task(here.send(url, PHOTO[:30_000]))
        await hangs.wait()
        other = at(url, second)
        assert await there.offset(other) == 0, "what does not count yet is not told"
        went_on.set()
        # Its line is closed, because somebody else has the upload; or it is told so.
        (answer,) = await asyncio.gather(late, return_exceptions=True)
        assert isinstance(answer, aiohttp.ServerDisconnectedError) or answer.status == 423, "nobody is told that its bytes count"
        await until(lambda: not first.app[TUS].partials._parting)
        assert await there.offset(other) == 0
        assert (await there.send(other, PHOTO)).status == 204
        await assert_stored(second, PHOTO)


async def test_the_ticket_of_one_server_begins_at_the_other(open_hosts: Callable[..., Any]) -> None:
    async with open_hosts() as (first, second):
        status, ticket = await first.ask(1, PHOTO)
        assert status == 201
        there = Phone(second)
        url = at(ticket["tus_url"], second)
        assert await there.offset(url) == 0
        assert (await there.send(url, PHOTO[:25_000])).status == 204
        here = Phone(first)
        assert (await here.send(at(url, first), PHOTO[25_000:], 25_000)).status == 204
        await assert_stored(first, PHOTO)


async def test_a_photo_that_came_whole_and_was_not_stored_stands_one_byte_before_its_end_at_every_server(
    open_hosts: Callable[..., Any], store: Store
) -> None:
    async with between(store) as before, open_hosts(before) as (first, second):
        here, there = Phone(first), Phone(second)
        url = await here.begun(PHOTO)

        async def refuse_photos(request: web.Request, body: bytes) -> web.Response:
            if len(body) == len(PHOTO):
                return web.Response(status=500)
            return await before.hand_on(request, body)

        before.answer = refuse_photos
        assert (await here.send(url, PHOTO)).status == 503
        other = at(url, second)
        assert await there.offset(other) == len(PHOTO) - 1
        assert (await there.send(other, PHOTO[-1:], len(PHOTO) - 1)).status == 204
        await assert_stored(second, PHOTO)


@pytest.mark.parametrize("seed", range(3))
async def test_an_upload_that_is_cut_anywhere_and_goes_on_anywhere_ends_as_the_photo_that_was_sent(
    open_hosts: Callable[..., Any], seed: int
) -> None:
    photo = jpeg(120_000, seed)
    async with open_hosts() as hosts:
        phones = [Phone(site) for site in hosts]
        url, offset, tries = await phones[0].begun(photo, sha256=sha256(photo)), 0, 0
        while offset < len(photo):
            tries += 1
            which = round(unit(seed, tries, 1))
            phone, here = phones[which], at(url, hosts[which])
            assert await phone.offset(here) == offset
            size = min(len(photo) - offset, 1 + round(50_000 * unit(seed, tries, 2)))
            if unit(seed, tries, 3) < 0.5:
                line = await phone.begin_to_send(here, photo[offset : offset + size], len(photo) - offset, offset)
                await until(lambda wanted=size, site=hosts[which]: sum(a.received_bytes for a in site.context.book._open) == wanted)
                line.leave()
                if offset + size == len(photo):
                    break
            else:
                assert (await phone.send(here, photo[offset : offset + size], offset)).status == 204
            offset += size
        async with asyncio.timeout(20):
            while await phones[0].offset(url) != len(photo):
                stands_at = await phones[1].offset(at(url, hosts[1]))
                await phones[1].send(at(url, hosts[1]), photo[stands_at:], stands_at)
        await assert_stored(hosts[0], photo)


async def test_a_newer_upload_of_the_same_photo_takes_the_place_of_the_older_one_at_both(open_hosts: Callable[..., Any]) -> None:
    async with open_hosts() as (first, second):
        here, there = Phone(first), Phone(second)
        url = await here.begun(PHOTO)
        assert (await here.send(url, PHOTO[:10_000])).status == 204
        newer = await there.begun(PHOTO)
        answer = await here.ask("HEAD", url, TUS_HEADERS)
        assert answer.status == 404
        assert (await there.send(newer, PHOTO)).status == 204
        await assert_stored(second, PHOTO)


async def test_an_upload_that_a_server_died_over_is_swept_in_its_time_and_keeps_no_other_from_being_swept(
    open_hosts: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, asked_for = turns.ask, []

    async def heard(database: Any, number: int, **how: bool) -> turns.Asked | None:
        asked_for.append(number)
        return await ask(database, number, **how)

    life_us = 3_600 * 10**6
    tus = {"life_seconds": 3_600.0, "uploads_limit": 10, "uploads_limit_bytes": 10**9, "sweep_seconds": 1_000.0, "sweep_limit": 1}
    async with open_hosts(uploads={"tus": tus}) as (first, second):
        held, free = [await Phone(first, person).begun(PHOTO, sha256=sha256(PHOTO)) for person in (1, 2)]
        database = second.context.database
        left = {url: await table.find(database, url.rpartition("/")[2]) for url in (held, free)}
        assert await turns.ask(database, left[held].number) is not None, "and nobody lives who gives it back"
        now_us = second.context.now_us()
        for url, over_us in ((held, life_us - 60 * 10**6), (free, 1)):
            await expire(second, left[url].number, now_us - over_us)
        monkeypatch.setattr(turns, "ask", heard)
        await second.app[TUS].sweep_once()
        assert [await table.find(database, one.id) is None for one in left.values()] == [False, True]
        assert asked_for == [left[free].number], "what somebody has is looked at, and not written to"
        await expire(second, left[held].number, now_us - life_us)
        await second.app[TUS].sweep_once()
        assert await table.find(database, left[held].id) is None


async def expire(site: UploadSite, number: int, at_us: int) -> None:
    statement = "UPDATE tus_uploads SET expires_us = ? WHERE number = ?"
    await site.context.database.run(lambda cursor: cursor.execute(statement, (at_us, number)).rowcount)


async def test_a_request_that_ends_while_it_takes_an_upload_gives_it_back(
    open_hosts: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    take, taken, goes_on = turns.take, asyncio.Event(), asyncio.Event()

    async def slowly(*which: Any, **how: Any) -> turns.Asked | None:
        asked = await take(*which, **how)
        taken.set()
        await goes_on.wait()
        return asked

    monkeypatch.setattr(turns, "take", slowly)
    async with open_hosts() as (first, _):
        upload = await table.find(first.context.database, (await Phone(first).begun(PHOTO)).rpartition("/")[2])
        assert upload is not None
        await turns.ask(first.context.database, upload.number)
        partials = first.app[TUS].partials
        request = asyncio.create_task(partials.hold(upload, 0.0))
        await taken.wait()
        request.cancel()
        await asyncio.wait((request,))
        goes_on.set()
        await until(lambda: not partials._parting)
        assert await turns.holder(first.context.database, upload.number) == (2, 0)
