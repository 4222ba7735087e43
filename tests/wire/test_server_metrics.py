"""Each metric of a server process moves by what happened, and says nothing that another process says."""

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from itertools import product
from pathlib import Path
from threading import Event

import pytest
from prometheus_client import generate_latest

from gelombang import telemetry
from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.clock import process_cpu_seconds
from gelombang.profile import DelayRule
from gelombang.steps import PhotoKind
from gelombang.telemetry import CATALOGUE, PAGE_BYTES_LIMITS, SERIES_LIMITS, Kind, Side
from gelombang.telemetry_labels import LABEL_SETS
from gelombang_server.database import Database
from gelombang_server.machine_metrics import watch_listener, watch_machine, watch_process
from gelombang_server.metrics import Metrics
from gelombang_server.passwords import Passwords
from gelombang_server.photo_metrics import timed, watch_pool
from gelombang_server.photofile import PhotoFiles
from gelombang_server.problem import Problem
from gelombang_server.routes import Route
from tests.support.upload_site import FAST_STORE, STUCK_STORE, jpeg, until, upload_site
from tests.wire.serversite import PASSWORD, Site, plan, profile, serving


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    metrics.page()
    return metrics.registry.get_sample_value(f"gelombang_server_{name}", labels)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    orders = plan(tmp_path, profile("hardened", newcomers={}), run_id="run-1", scenario="opening-hour", labels={"team": "enrolment"})
    async with serving(orders) as site:
        yield site


async def test_a_connection_that_nobody_accepts_stands_in_the_accept_queue() -> None:
    metrics = Metrics("hardened", "1", 0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(7)
        watch_listener(metrics, "public", listener)
        assert value(metrics, "accept_queue", listener="public") == 0
        assert value(metrics, "accept_queue_limit", listener="public") == 7
        clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
        assert value(metrics, "accept_queue", listener="public") == 3
        for client in clients:
            client.close()
    assert value(metrics, "accept_queue", listener="public") == 3, "a closed listener has no queue to look at"


async def test_a_connection_too_many_is_counted_by_the_kernel_as_an_overflow() -> None:
    metrics = Metrics("hardened", "1", 0)
    watch_machine(metrics)
    before = value(metrics, "machine_listen_overflows_total")
    if before is None:
        pytest.skip("this kernel shows no TcpExt counters")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        clients = [socket.socket() for _ in range(6)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        await until(lambda: value(metrics, "machine_listen_overflows_total") > before)
        assert value(metrics, "machine_listen_drops_total") > 0
        for client in clients:
            client.close()


async def test_process_0_speaks_for_its_machine_and_the_others_do_not() -> None:
    metrics, other = Metrics("hardened", "1", 0), Metrics("hardened", "1", 1)
    watch_machine(metrics)
    assert value(metrics, "machine_cores") >= 1
    assert value(metrics, "machine_memory_bytes") > value(metrics, "machine_memory_available_bytes") > 0
    first = value(metrics, "machine_cpu_seconds_total", mode="user")
    spent = process_cpu_seconds()
    while process_cpu_seconds() < spent + 0.05:
        sum(range(1_000))
    assert value(metrics, "machine_cpu_seconds_total", mode="user") > first
    assert "machine" not in other.page().decode()


async def test_a_process_counts_its_own_cpu_memory_and_descriptors() -> None:
    metrics = Metrics("hardened", "1", 3)
    watch_process(metrics)
    assert value(metrics, "cpu_seconds_total") > 0
    assert value(metrics, "resident_bytes") > 1_000_000
    before = value(metrics, "open_descriptors")
    with Path("/proc/self/stat").open():
        assert value(metrics, "open_descriptors") == before + 1
    assert value(metrics, "descriptors_limit") > before


async def test_a_site_says_its_sizes_and_what_it_runs(site: Site) -> None:
    labels = {"profile": "hardened", "scale": str(site.context.scale), "slot": "0", "run_id": "run-1", "scenario": "opening-hour"}
    assert site.sample("info", **labels, team="enrolment") == 1
    site_profile = site.context.profile
    assert site.sample("speed_ratio") == 60
    assert site.sample("sample_ratio") == 0.02
    assert site.sample("requests_limit") == site_profile.api.requests_limit
    assert site.sample("database_queue_limit") == site_profile.api.database_queue_limit
    assert site.sample("hash_queue_limit") == site_profile.password.queue_limit
    assert site.sample("hash_threads_limit") == site_profile.password.threads_limit
    assert site.sample("registry_waiting_limit") == site_profile.registry.queue_limit
    assert site.sample("registry_limit_per_second") == pytest.approx(site_profile.registry.lookups_per_second)
    assert site.sample("accept_queue_limit", listener="public") > 0
    assert site.sample("disk_free_bytes") > 0


async def test_a_request_in_progress_is_counted_while_it_lasts(site: Site) -> None:
    with site.held_database():
        asking = asyncio.create_task(site.sign_up())
        await until(lambda: site.sample("requests_in_progress") == 1)
    await asking
    assert site.sample("requests_in_progress") == 0


async def test_a_hash_under_way_keeps_a_thread_busy_and_the_next_one_waits(site: Site) -> None:
    metrics = Metrics("hardened", "1", 0)
    passwords = Passwords(site.context.profile.password.model_copy(update={"threads_limit": 1, "queue_limit": 5}), metrics)
    go = Event()
    work = [asyncio.create_task(passwords._in_thread(lambda: go.wait(20))) for _ in range(3)]
    await until(lambda: value(metrics, "hash_threads_busy") == 1)
    assert value(metrics, "hash_queue") == 2
    go.set()
    await asyncio.gather(*work)
    assert (value(metrics, "hash_threads_busy"), value(metrics, "hash_queue")) == (0, 0)
    passwords.close()


async def test_who_waited_too_long_for_a_hash_in_a_line_that_stands_is_refused_before_anything_is_hashed_for_them(site: Site) -> None:
    line = DelayRule(target_seconds=0.02, interval_seconds=0.05)
    passwords = Passwords(
        site.context.profile.password.model_copy(update={"threads_limit": 1, "queue_limit": 50, "line": line}), Metrics("hardened", "1", 0)
    )
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        Event().wait(0.03)

    done = await asyncio.gather(*(passwords._in_thread(partial(work, number)) for number in range(30)), return_exceptions=True)
    passwords.close()
    assert 2 < len(begun) < 15
    assert [number for number, ended in enumerate(done) if ended is None] == sorted(begun)
    assert {ended.code for ended in done if isinstance(ended, Problem)} == {Code.HASH_QUEUE_FULL}


async def test_newcomers_are_asked_to_come_back_while_the_process_comes_late_and_people_inside_are_not(site: Site) -> None:
    assert site.sample("newcomers_share_ratio") == 1
    for listen in site.context.metrics.lag_listeners:
        for n in range(1, 200):
            listen(n * 1_000_000_000, 900_000_000)
    assert site.sample("newcomers_share_ratio") < 0.1
    bodies = [{"name": "siti", "email": f"siti{n}@mail.example", "password": PASSWORD} for n in range(20)]
    refused = [document for status, document in [await site.ask("POST", "/api/v1/accounts", body) for body in bodies] if status == 503]
    assert len(refused) >= 18
    assert {document["code"] for document in refused} == {"too_many_requests_in_progress"}
    wanted = site.context.profile.newcomers
    assert wanted is not None
    told = [document["retry_after_seconds"] for document in refused]
    assert len(set(told)) > 10
    assert all(wanted.return_seconds.quantile(0.0) <= seconds <= wanted.return_seconds.quantile(1.0) for seconds in told)


async def test_a_photo_under_way_keeps_a_commit_thread_busy_and_each_sync_is_timed(tmp_path: Path) -> None:
    metrics = Metrics("hardened", "1", 0)
    go = Event()
    files = PhotoFiles(
        tmp_path / "photos",
        1,
        sync_file=timed(metrics, "file", lambda _: go.wait(20) and None),
        sync_directory=timed(metrics, "directory", lambda _: None),
    )
    watch_pool(metrics, 1, lambda: files.in_progress, lambda: 0)
    opened = value(metrics, "sync_seconds_count", target="directory")
    kept = [asyncio.create_task(files.whole(name, b"x").keep()) for name in ("a", "b", "c")]
    await until(lambda: value(metrics, "commit_threads_busy") == 1 and value(metrics, "commit_queue") == 2)
    assert value(metrics, "sync_seconds_count", target="file") == 0
    go.set()
    await asyncio.gather(*kept)
    assert (value(metrics, "commit_threads_busy"), value(metrics, "commit_queue")) == (0, 0)
    assert value(metrics, "sync_seconds_count", target="file") == 3
    assert value(metrics, "sync_seconds_count", target="directory") >= opened + 3
    assert value(metrics, "commit_threads_limit") == 1
    files.close()


async def test_a_sync_that_fails_is_timed_too(tmp_path: Path) -> None:
    metrics = Metrics("hardened", "1", 0)

    def fail(_: int) -> None:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        timed(metrics, "file", fail)(0)
    assert value(metrics, "sync_seconds_count", target="file") == 1


async def test_a_writer_locked_out_counts_its_wait_apart_from_its_commit(tmp_path: Path) -> None:
    path = tmp_path / "test.sqlite3"
    metrics = Metrics("hardened", "1", 0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("CREATE TABLE words (word TEXT)")
    database = Database(path, queue_limit=9, batch_limit=9, metrics=metrics)
    other.execute("BEGIN IMMEDIATE")
    asked = asyncio.create_task(database.run(lambda cursor: cursor.execute("INSERT INTO words VALUES ('a')").rowcount))
    await until(lambda: database._group_open and not database._queue)
    other.execute("ROLLBACK")
    assert await asked == 1
    assert value(metrics, "database_lock_seconds_count") == value(metrics, "database_commit_seconds_count") == 1
    await database.close()
    other.close()
    assert value(metrics, "database_queue_limit") == 9


async def test_a_ticket_refused_with_a_time_to_return_is_shed_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    async with upload_site(
        tmp_path, "hardened", store=FAST_STORE, tickets={"admitted_budget_bytes": 1, "received_budget_bytes": 1}
    ) as site:
        photo = jpeg(50_000)
        assert (await site.ask(1, photo))[0] == 201, "one photo may always be sent"
        assert site.metric("upload_places_used") == 1
        assert (await site.ask(2, photo))[0] == 503
        assert site.metric("shed_total", code="uploads_busy") == 1
        assert site.metric("problems_total", code="uploads_busy") == 1
        await site.put(f"{site.url}/api/v1/me/photos/ktp", photo, 3)
        assert site.metric("problems_total", code="ticket_missing") == 1
        assert site.metric("shed_total", code="ticket_missing") == 0


async def test_an_upload_has_a_place_from_its_first_byte_to_its_answer(tmp_path: Path) -> None:
    async with upload_site(tmp_path, "april-2020", store=STUCK_STORE) as site:
        assert site.metric("upload_places_limit") == site.context.profile.uploads.bodies_limit
        posting = asyncio.create_task(site.post(1, jpeg(50_000)))
        await until(lambda: site.metric("upload_places_used") == 1)
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)


def test_a_server_process_stays_within_its_budget_of_series_and_bytes_whatever_happens() -> None:
    """Every code at two stages for both photos (a code has the stages it can come from), every route with five statuses."""
    metrics = Metrics("hardened", "1/50 of the people, 60 times as fast, photos × 0.1", 0, "20200411-run", "opening-hour", {"team": "a"})
    for code in Code:
        metrics.problem(code).inc()
        for photo in PhotoKind:
            for stage in (Stage.ADMISSION, Stage.STORE):
                metrics.upload_ended(photo, stage, ServerOutcome.FAILED, code).inc()
    for photo in PhotoKind:
        for stage in Stage:
            for outcome in ServerOutcome:
                metrics.upload_ended(photo, stage, outcome, Code.NONE).inc()
    for route in Route:
        for status in (200, 422, 429, 499, 503):
            metrics.requests.answered(route, status)
            metrics.requests.took(route, 1_000)
    for labels in product(*(LABEL_SETS[Side.SERVER, label].values for label in telemetry.CLIENT_UPLOAD_OUTCOMES.labels)):
        metrics.counter(telemetry.CLIENT_UPLOAD_OUTCOMES).labels(*labels).inc()
    for stage_name in LABEL_SETS[Side.SERVER, "stage"].values:
        metrics.upload_stages.took(stage_name, 1_000)
    filled = (
        "client_upload_outcomes_total",
        "upload_attempts_total",
        "upload_stage_seconds",
        "problems_total",
        "requests_total",
        "request_seconds",
        "_info",
    )
    for metric in CATALOGUE:
        if metric.side is Side.SERVER and metric.labels and not metric.name.endswith(filled) and metric not in telemetry.SERVER_AUDIT:
            find = {Kind.COUNTER: metrics.counter, Kind.GAUGE: metrics.gauge, Kind.HISTOGRAM: metrics.histogram}[metric.kind]
            assert len(metric.labels) == 1, metric.name
            for label in LABEL_SETS[Side.SERVER, metric.labels[0]].values:
                find(metric).labels(label)
    text = generate_latest(metrics.registry)
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    assert 900 < series <= SERIES_LIMITS[Side.SERVER]
    assert len(text) <= PAGE_BYTES_LIMITS[Side.SERVER]


def test_the_page_has_every_family_of_the_catalogue_and_no_other() -> None:
    families = {family.name for family in Metrics("hardened", "1", 0).registry.collect()}
    without_auditor = [metric for metric in CATALOGUE if metric.side is Side.SERVER and metric not in telemetry.SERVER_AUDIT]
    assert families == {metric.name.removesuffix("_total") for metric in without_auditor}
    absent = {metric.name.removesuffix("_total") for metric in telemetry.SERVER_MACHINE}
    assert {family.name for family in Metrics("hardened", "1", 1).registry.collect()} == families - absent
