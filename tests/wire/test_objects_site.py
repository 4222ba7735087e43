"""A site whose photos are objects: what its store is sent, what people are told of its troubles, and that no answer was wrong."""

import asyncio
import base64
import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.audit import StoredPhoto
from gelombang.errors import InputError, TargetUnreachableError
from gelombang.profile_objects import Objects
from gelombang_server.objects.address import address_of, require_bucket
from gelombang_server.objects.shelf import ObjectShelf
from tests.support.object_store import KEYS, Store
from tests.support.store_between import between
from tests.support.upload_site import FAST_STORE, UploadSite, assert_idle, end_of, jpeg, ledger, put_and_stay, sha256, until, upload_site

QUICK = {"put_seconds": 1.0, "try_seconds": 0.5, "repeats_limit": 2, "repeat_after_seconds": 0.02}


pytestmark = pytest.mark.usefixtures("keys")


@asynccontextmanager
async def site_on(folder: Path, url: str, **more: Any) -> AsyncIterator[UploadSite]:
    folder.mkdir(exist_ok=True)
    async with upload_site(folder, "hardened", store=FAST_STORE, objects={"url": url, **QUICK}, **more) as site:
        yield site


async def audited(url: str, site: UploadSite) -> list[bool]:
    """Whether each photo that has a row is in the store, whole."""
    shelf = ObjectShelf(address_of(Objects(url=url), 1, KEYS))
    rows = [StoredPhoto(row[1], 1, row[2], row[5], row[6], row[7]) for row in site.rows()]
    return await asyncio.to_thread(shelf.whole, rows)


async def test_a_photo_goes_to_the_store_with_the_digest_that_was_announced_and_is_there_before_it_is_acknowledged(
    tmp_path: Path, store: Store
) -> None:
    async with between(store) as seen, site_on(tmp_path, store.url("whole", seen.endpoint)) as site:
        bodies = [jpeg(60_000, 1), jpeg(900_000, 2)]
        for person, body in enumerate(bodies, 1):
            status, answer = await site.send(person, body)
            assert (status, answer["sha256"]) == (201, sha256(body))
        for (headers, body), wanted in zip(seen.puts, bodies, strict=True):
            assert body == wanted
            assert headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(wanted).digest()).decode()
        assert await audited(store.url("whole"), site) == [True, True]
        assert site.metric("object_puts_total", answer="stored") == 2
        assert_idle(site)
        assert site.keeper.files.gathered_bytes == 0
    assert not list((tmp_path / "site" / "photos").rglob("*.jpg")), "no photo stays on the server's disk"


async def test_a_store_that_checks_refuses_a_body_that_was_damaged_on_the_way_and_the_photo_is_not_acknowledged(
    tmp_path: Path, store: Store
) -> None:
    async with between(store) as seen, site_on(tmp_path, store.url("damaged", seen.endpoint)) as site:

        async def check(request: web.Request, body: bytes) -> web.Response:
            damaged = body[:100] + bytes([body[100] ^ 1]) + body[101:]
            found = base64.b64encode(hashlib.sha256(damaged).digest()).decode()
            is_whole = found == request.headers["x-amz-checksum-sha256"]
            return web.Response(status=200 if is_whole else 400, text="" if is_whole else "<Error><Code>BadDigest</Code></Error>")

        seen.answer = check
        status, answer = await site.send(1, jpeg(60_000))
        assert (status, answer["code"]) == (503, "objects_refused")
        assert site.rows() == []
        assert len(seen.puts) == 1, "what is refused is not sent again"
        assert site.metric("object_puts_total", answer="refused") == 1
        assert_idle(site)


async def test_a_photo_that_is_sent_again_is_no_second_object(tmp_path: Path, store: Store) -> None:
    """The database is held while the first is noted, so its person hears nothing of it and sends it again."""
    url = store.url("again")
    body = jpeg(60_000)
    async with site_on(tmp_path, url) as site:
        connection = await asyncio.to_thread(_hold, site)
        first, ticket = await site.ask(1, body)
        assert first == 201
        sending = asyncio.create_task(site.put(ticket["url"], body, 1))
        await until(lambda: site.metric("object_puts_total", answer="stored") == 1)
        connection.execute("ROLLBACK")
        connection.close()
        assert (await sending)[0] == 201
        site_rows = site.rows()
        other = tmp_path / "other"
        async with site_on(other, url) as second:
            # Another server of the same site: it has the same key.
            second.keeper.vault = site.keeper.vault
            assert (await second.send(1, body))[0] == 201
            assert [row[7] for row in second.rows()] == [row[7] for row in site_rows]
    shelf = ObjectShelf(address_of(Objects(url=url), 1, KEYS))
    names = await asyncio.to_thread(lambda: set(shelf.names()))
    assert len(names) == 1


def _hold(site: UploadSite) -> sqlite3.Connection:
    connection = sqlite3.connect(site.context.site / "gelombang.sqlite3", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    return connection


@pytest.mark.parametrize(
    ("status", "code", "tries"),
    [(500, "objects_gone", 3), (503, "objects_slow", 3), (403, "objects_refused", 1), (404, "objects_refused", 1)],
)
async def test_each_trouble_of_the_store_has_its_name_and_only_what_may_pass_is_tried_again(
    tmp_path: Path, store: Store, status: int, code: str, tries: int
) -> None:
    async with between(store) as seen, site_on(tmp_path, store.url("troubles", seen.endpoint)) as site:

        async def fail(request: web.Request, body: bytes) -> web.Response:
            return web.Response(status=status)

        seen.answer = fail
        told, answer = await site.send(1, jpeg(60_000))
        assert (told, answer["code"]) == (503, code)
        assert len(seen.puts) == tries
        assert ("retry_after_seconds" in answer) == (code != "objects_refused")
        assert site.rows() == []
        assert_idle(site)


async def test_a_store_that_does_not_answer_is_slow_within_the_profiles_time_and_the_photo_can_be_sent_again(
    tmp_path: Path, store: Store
) -> None:
    async with between(store) as seen, site_on(tmp_path, store.url("slow", seen.endpoint)) as site:

        async def wait(request: web.Request, body: bytes) -> web.Response:
            await asyncio.Event().wait()
            return web.Response()

        seen.answer = wait
        status, answer = await site.send(1, jpeg(60_000))
        assert (status, answer["code"]) == (503, "objects_slow")
        seen.answer = None
        assert (await site.send(1, jpeg(60_000), number=2))[0] == 201
        assert await audited(store.url("slow"), site) == [True]


async def test_a_client_that_left_while_the_store_had_its_photo_is_forgotten_and_one_that_left_after_it_is_stored(
    tmp_path: Path, store: Store
) -> None:
    async with between(store) as seen, site_on(tmp_path, store.url("left", seen.endpoint)) as site:

        async def wait(request: web.Request, body: bytes) -> web.Response:
            await asyncio.Event().wait()
            return web.Response()

        seen.answer = wait
        client = await put_and_stay(site, 1, jpeg(60_000))
        await until(lambda: len(seen.puts) == 1)
        client.leave()
        await until(lambda: not site.keeper.works)
        assert site.rows() == []
        assert_idle(site)
        seen.answer = None
        connection = await asyncio.to_thread(_hold, site)
        client = await put_and_stay(site, 2, jpeg(60_000, 2))
        await until(lambda: site.metric("object_puts_total", answer="stored") == 1)
        client.leave()
        connection.execute("ROLLBACK")
        connection.close()
        await until(lambda: len(site.rows()) == 1)
    ends = {int(row["person"]): end_of(row)[:3] for row in ledger(tmp_path)}
    assert ends[1] == (Stage.COMMIT, ServerOutcome.ABANDONED, Code.CLIENT_LEFT)
    assert ends[2] == (Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED_UNHEARD, Code.NONE)


async def test_photos_on_their_way_to_the_store_are_as_many_as_the_profile_says(tmp_path: Path, store: Store) -> None:
    at_once = most = 0
    async with between(store) as seen, site_on(tmp_path, store.url("bound", seen.endpoint)) as site:

        async def count(request: web.Request, body: bytes) -> web.Response:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.02)
            at_once -= 1
            return web.Response(headers={"ETag": '"x"'})

        seen.answer = count
        assert site.context.profile.objects is not None
        limit = site.context.profile.objects.puts_limit
        answers = await asyncio.gather(*(site.send(person, jpeg(20_000, person)) for person in range(1, 3 * limit)))
        assert [status for status, _ in answers] == [201] * len(answers)
        assert most == limit


async def test_a_command_is_told_what_is_wrong_with_its_store_before_it_serves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"nobody-made-this.*want a bucket that is there"):
        require_bucket(address_of(Objects(url=store.url("x").replace("s3://photos", "s3://nobody-made-this")), 1))
    gone = Objects(url="s3://photos/x?endpoint=http://127.0.0.1:9", **QUICK)
    with pytest.raises(TargetUnreachableError, match=r"nobody answers for the bucket photos at http://127\.0\.0\.1:9"):
        require_bucket(address_of(gone, 1))
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(InputError, match="AWS_SECRET_ACCESS_KEY not set"):
        address_of(gone, 1)
