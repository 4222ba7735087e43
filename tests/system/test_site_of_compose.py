"""The site of `deploy/site/compose.yaml`, each of its own services started by that file's words and held as its container holds it."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Event

import pytest

from gelombang.audit import StoredPhoto
from gelombang.clock import monotonic_us
from gelombang.profile import Database
from gelombang.profile_objects import Objects
from gelombang_server.objects.address import address_of as bucket_of
from gelombang_server.objects.shelf import ObjectShelf
from gelombang_server.postgres.address import address_of
from gelombang_server.postgres.photos import read_photos
from tests.support.contained import ACCOUNT
from tests.support.object_store import KEYS, object_store
from tests.support.own_network import own_network
from tests.support.postgres import postgres_cluster
from tests.support.rehearsed_compose import ADDRESSES, TOKEN, Rehearsal

pytestmark = [pytest.mark.system, pytest.mark.timeout(170)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Rehearsal]:
    for folder in (tmp_path, *tmp_path.parents):
        # The user of the image must be able to come here; pytest's folders are for whoever started it.
        if folder.owner() == tmp_path.owner() and folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    with own_network(), postgres_cluster() as database, object_store() as objects, Rehearsal(tmp_path, database, objects) as rehearsal:
        yield rehearsal


def status_of(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def wait_until(condition: Callable[[], bool], site: Rehearsal) -> None:
    until_us = monotonic_us() + 60_000_000
    while not condition():
        Event().wait(0.05)
        assert monotonic_us() < until_us, {name: site.said(name)[-2_000:] for name in site.started}
        ended = {name: process.returncode for name, process in site.started.items() if process.poll() is not None}
        assert not ended, {name: site.said(name)[-2_000:] for name in ended}


def test_a_server_as_its_container_holds_it_serves_keeps_its_secrets_and_drains(site: Rehearsal) -> None:
    server = site.server("server-1")
    people, phones, uploads = (f"http://{ADDRESSES['server-1']}:{port}" for port in (8080, 8081, 8090))
    # Processes come one after the other; the ready line, which is printed last, is not waited for here.
    wait_until(lambda: status_of(people + "/readyz") == status_of(uploads + "/readyz") == 200, site)
    assert [status_of(f"http://{ADDRESSES['server-1']}:{port}/metrics") for port in (8081, 8082)] == [200, 200]
    assert status_of(phones + "/site", Authorization=f"Bearer {TOKEN}") == 200
    assert status_of(phones + "/site", Authorization="Bearer ${env:GELOMBANG_HARNESS_TOKEN}") in (400, 401)
    server.terminate()
    assert server.wait(30) == 0, site.said("server-1")
    assert TOKEN not in site.said("server-1")
    home = site.contained.folder / "server-1"
    files = [path for path in home.rglob("*") if path.is_file()]
    assert {path.stat().st_uid for path in files} == {ACCOUNT}
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    (plan,) = home.rglob("server.json")
    assert "${env:GELOMBANG_DATABASE_PASSWORD}" in plan.read_text()


def completed(server: str) -> float:
    """Photos that a server has acknowledged."""
    with urllib.request.urlopen(f"http://{ADDRESSES[server]}:8082/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    counted = [line for line in lines if line.startswith("gelombang_server_upload_attempts_total{") and 'outcome="completed"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in counted)


def are_whole(store: str, photos: list[StoredPhoto]) -> list[bool]:
    """In a process of its own: obstore keeps threads, which would stay in this test's network."""
    return ObjectShelf(bucket_of(Objects(url=store), 0, KEYS)).whole(photos)


def test_people_of_two_workers_get_their_photos_through_two_servers_behind_the_proxy(site: Rehearsal) -> None:
    """How many get through is the machine's affair: one that stands still for seconds makes the master give its workers up."""
    servers = {name: site.server(name) for name in ("server-1", "server-2")}
    site.haproxy()
    proxy = ADDRESSES["haproxy"]
    wait_until(lambda: all(status_of(f"http://{ADDRESSES[name]}:{port}/readyz") == 200 for name in servers for port in (8080, 8090)), site)
    wait_until(lambda: all(status_of(f"http://{proxy}:{port}/readyz") == 200 for port in (8080, 8091, 8092)), site)
    wait_until(lambda: status_of(f"http://{proxy}:8081/site", Authorization=f"Bearer {TOKEN}") == 200, site)
    master = site.locust("locust-master")
    for place in (1, 2):
        site.locust("locust-worker", place)
    assert master.wait(120) in (0, 1, 3), site.said("locust-master")
    records = list((site.contained.folder / "locust-master").rglob("record.json"))
    assert len(records) == 1, (master.returncode, site.said("locust-master"))
    (record,) = records
    read = json.loads(record.read_text())
    assert sum(read["fates"].values()) == read["people_planned"] > 0
    taken = {name: completed(name) for name in servers}
    assert min(taken.values()) > 0, taken
    rows = list(read_photos(address_of(Database(url=site.database.url, schema_name="site"), 0)))
    assert len(rows) == sum(taken.values())
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as reader:
        assert all(reader.submit(are_whole, site.objects.url("site"), rows).result(60))
    for name, server in servers.items():
        server.terminate()
        assert server.wait(30) == 0, site.said(name)
    files = [path for path in record.parent.rglob("*") if path.is_file()]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
