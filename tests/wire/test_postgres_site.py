"""A site on PostgreSQL: how it starts, what people are told while the database is gone, and that no answer was wrong afterwards."""

import asyncio
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from serversite import PASSWORD, TOKEN, Site, plan, profile, serving

from gelombang.clock import monotonic_us
from gelombang.errors import FileError, InputError, TargetUnreachableError
from gelombang.profile import Database, Profile
from gelombang_server.data_key import DataKey
from gelombang_server.postgres.address import Address, address_of
from gelombang_server.postgres.migrating import prepare_database
from gelombang_server.postgres.tables import MIGRATIONS
from gelombang_server.sealing import KEY_BYTES, Seal
from tests.support.breakable_line import breakable_line
from tests.support.people_stores import UNSEALED
from tests.support.postgres import Cluster
from tests.support.upload_site import jpeg, until


async def test_a_database_that_goes_away_is_told_by_name_and_the_site_goes_on_by_itself_when_it_is_back(
    tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    site_profile = profile("hardened").model_copy(update={"database": Database(url=cluster.url)})
    async with serving(plan(tmp_path, site_profile)) as site:
        session = await site.sign_up("siti")
        await asyncio.to_thread(cluster.stop)
        answers = [
            await _sign_up(site, "budi"),
            await site.ask("GET", "/api/v1/me", session=session),
            await site.ask("GET", "/readyz"),
        ]
        assert [(status, answer["code"]) for status, answer in answers] == [(503, "database_gone")] * 3
        assert all(answer["retry_after_seconds"] > 0 for _, answer in answers[:2])
        assert (await site.ask("GET", "/healthz"))[0] == 200
        assert site.sample("problems_total", code="database_gone") == 3
        await asyncio.to_thread(cluster.start)
        until_us = monotonic_us() + 20_000_000
        while (await _sign_up(site, "tono"))[0] != 201:
            assert monotonic_us() < until_us, "the site did not recover"
        assert (await site.ask("GET", "/api/v1/me", session=session))[0] == 200
        assert (await site.message("siti@mail.example"))["kind"] == "email-link"
        assert (await site.message("tono@mail.example"))["kind"] == "email-link"
        names = await site.context.database.read(lambda cursor: cursor.execute("SELECT name FROM applicants ORDER BY id").fetchall())
        assert names == [("siti",), ("tono",)]
        assert site.context.failure is None
    said = capsys.readouterr().err
    assert "the outbox waits: database_gone" in said
    assert "the outbox goes on after" in said


async def test_of_two_servers_on_one_database_one_sends_the_mail_and_people_of_both_are_the_same(tmp_path: Path, cluster: Cluster) -> None:
    shared = profile("hardened").model_copy(update={"database": Database(url=cluster.url, schema_name="two_servers")})
    async with _two_servers(tmp_path, shared, shared) as (first, second):
        assert (leads(first), leads(second)) == (True, False)
        session = await second.sign_up("siti")
        assert (await first.ask("GET", "/api/v1/me", session=session))[0] == 200
        assert (await _sign_up(first, "siti"))[1]["code"] == "email_taken"
        assert (await first.message("siti@mail.example"))["kind"] == "email-link"
        assert abs(first.context.now_us() - second.context.now_us()) < 1_000_000, "they agree on the site's time"


async def test_the_mail_of_a_server_that_is_cut_off_is_taken_over_and_left_to_the_other_when_it_comes_back(
    tmp_path: Path, cluster: Cluster
) -> None:
    shared = profile("hardened").model_copy(update={"database": Database(url=cluster.url, schema_name="taken_over")})
    with breakable_line(cluster.port) as line:
        over_line = cluster.url.replace(str(cluster.port), str(line.port))
        by_line = shared.model_copy(update={"database": Database(url=over_line, schema_name="taken_over")})
        async with _two_servers(tmp_path, by_line, shared) as (first, second):
            await first.sign_up("siti")
            assert (await first.message("siti@mail.example"))["id"] == 1
            line.cut()
            await until(lambda: leads(second))
            await second.sign_up("tono")
            assert (await second.message("tono@mail.example"))["id"] == 2
            line.mend()
            await until(lambda: not leads(first))
            await _signed_up(first, "ani")
            assert (await second.message("ani@mail.example"))["id"] == 3
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with first.client.get(f"{first.harness_url}/messages?after=0", headers=headers) as answer:
                assert answer.status == 404, "the phones are where the mail is sent"
            assert (first.context.failure, second.context.failure) == (None, None)
            numbers = "SELECT delivered FROM outbox ORDER BY delivered"
            rows = await second.context.database.read(lambda cursor: cursor.execute(numbers).fetchall())
            assert rows == [(1,), (2,), (3,)]


async def test_who_believes_to_lead_and_does_not_gives_no_number_that_was_given(tmp_path: Path, cluster: Cluster) -> None:
    """Between a host's coming back and its next look at who leads."""
    shared = profile("hardened").model_copy(update={"database": Database(url=cluster.url, schema_name="two_leads")})
    async with _two_servers(tmp_path, shared, shared) as (first, second):
        assert second.worker.outbox is not None
        await second.worker.outbox.resume()
        rival = asyncio.create_task(second.worker.outbox.run())
        try:
            for name in ("siti", "tono", "ani", "budi"):
                await first.sign_up(name)
            query = "SELECT delivered FROM outbox WHERE delivered IS NOT NULL ORDER BY delivered"
            rows: list[tuple[int]] = []
            until_us = monotonic_us() + 20_000_000
            while len(rows) < 4:
                assert monotonic_us() < until_us, rows
                rows = await first.context.database.read(lambda cursor: cursor.execute(query).fetchall())
        finally:
            rival.cancel()
        assert rows == [(1,), (2,), (3,), (4,)]
        assert first.context.failure is None


async def test_a_photo_that_another_server_took_is_left_to_it_to_be_looked_at(tmp_path: Path, cluster: Cluster) -> None:
    """Taken first, it would have its verdict before the one that is here."""
    database = Database(url=cluster.url, schema_name="two_disks")
    takes_photos = profile("hardened", uploads={"own_process": False}).model_copy(update={"database": database})
    add = "INSERT INTO photos VALUES (?, 0, 6, 1, 1, 'ktp', 'x', 1, ?, 0)"
    async with serving(plan(tmp_path, takes_photos)) as site:
        here = site.context.site / "photos" / "00" / "here.jpg"
        here.parent.mkdir(parents=True)
        here.write_bytes(jpeg(20_000))
        rows = [("elsewhere", "00/elsewhere.jpg"), ("here", "00/here.jpg")]
        await site.context.database.run(lambda cursor: cursor.executemany(add, rows).rowcount)
        until_us = monotonic_us() + 20_000_000
        verdicts: list[tuple[str, str]] = []
        while not verdicts:
            assert monotonic_us() < until_us, "no photo was looked at"
            verdicts = await site.context.database.read(lambda cursor: cursor.execute("SELECT photo, verdict FROM photo_checks").fetchall())
        assert verdicts == [("here", "validated")]


def test_servers_that_start_at_once_make_the_tables_once_and_agree_on_the_key(cluster: Cluster) -> None:
    address = Address(cluster.url, "at_once")
    with ThreadPoolExecutor(4) as pool:
        sites = list(pool.map(lambda _: prepare_database(address, monotonic_us(), UNSEALED), range(4)))
    again = prepare_database(address, monotonic_us(), UNSEALED)
    assert len({site.session_key for site in [*sites, again]}) == 1
    assert max(site.zero_us for site in [*sites, again]) - min(site.zero_us for site in [*sites, again]) < 5_000_000


def test_of_servers_with_different_keys_of_identity_numbers_one_has_the_database_and_the_others_are_refused(cluster: Cluster) -> None:
    address = Address(cluster.url, "several_keys")
    keys = [DataKey(Seal(bytes([number]) * KEY_BYTES), f"the variable holds {number}") for number in range(4)]

    def start(key: DataKey) -> str:
        try:
            prepare_database(address, monotonic_us(), key)
        except InputError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(start, keys))
    (first,) = (key for key, refusal in zip(keys, said, strict=True) if not refusal)
    assert first.seal.fingerprint is not None
    for key, refusal in zip(keys, said, strict=True):
        where = f"schema several_keys at {address.shown}: its identity numbers are sealed under the key {first.seal.fingerprint[:8]}"
        assert key is first or refusal.startswith(f"{where}, and {key.found}; want the key"), refusal
    assert [start(key) for key in keys] == said
    assert "seals nothing; want the key" in start(UNSEALED)


def test_a_database_of_a_newer_program_is_refused(cluster: Cluster) -> None:
    address = Address(cluster.url, "newer")
    prepare_database(address, 0, UNSEALED)
    newest = MIGRATIONS[-1].version

    async def age() -> None:
        connection = await address.connect()
        await connection.execute("INSERT INTO migrations VALUES ($1, 'of tomorrow', now())", newest + 1)
        await connection.close()

    asyncio.run(age())
    with pytest.raises(InputError, match=f"is of version {newest + 1}; want {newest} or older"):
        prepare_database(address, 0, UNSEALED)


def test_an_address_at_which_nobody_or_somebody_else_answers_is_one_sentence(cluster: Cluster) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TargetUnreachableError, match=rf"nobody answers at 127\.0\.0\.1:{port}/postgres .*; want a running PostgreSQL"):
        prepare_database(Address(f"postgresql://postgres@127.0.0.1:{port}/postgres", "x"), 0, UNSEALED)
    with pytest.raises(InputError, match='"nowhere" does not exist; want a database and a role that may use it'):
        prepare_database(Address(cluster.url.replace("/postgres", "/nowhere").replace("//nowhere@", "//postgres@"), "x"), 0, UNSEALED)


def test_a_secret_without_a_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SITE_DATABASE", raising=False)
    with pytest.raises(FileError, match="the variable SITE_DATABASE in the environment"):
        address_of(Database(url="${env:SITE_DATABASE}"), 7)
    monkeypatch.setenv("SITE_DATABASE", "postgresql://ani:rahasia@db.example/site")
    address = address_of(Database(url="${env:SITE_DATABASE}"), 7)
    assert (address.schema, address.shown) == ("gelombang_run_0000000007", "db.example/site")


async def _sign_up(site: Site, name: str) -> tuple[int, dict[str, object]]:
    return await site.ask("POST", "/api/v1/accounts", {"name": name, "email": f"{name}@mail.example", "password": PASSWORD})


@asynccontextmanager
async def _two_servers(folder: Path, first: Profile, second: Profile) -> AsyncIterator[tuple[Site, Site]]:
    """Each in a folder of its own; the first was there before the second."""
    folders = [folder / name for name in ("first", "second")]
    for each in folders:
        each.mkdir()
    async with serving(plan(folders[0], first)) as one, serving(plan(folders[1], second, zero_us=monotonic_us())) as other:
        yield one, other


async def _signed_up(site: Site, name: str) -> None:
    """As somebody does who sends again until it is done."""
    async with asyncio.timeout(20):
        while (await _sign_up(site, name))[0] != 201:
            await asyncio.sleep(0.05)


def leads(site: Site) -> bool:
    assert site.worker.lead is not None
    return site.worker.lead.is_leading
