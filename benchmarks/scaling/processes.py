"""Whole registrations without a pause against more and more server processes, on this machine's cores.

In each round every point has a server of its own, new and warm, one after the other, so that what the machine does besides falls on all
of them; the order turns from round to round. Server and client share the cores, so what is seen is how far two of them carry, and what a
person costs when more processes share the work.
"""

import asyncio
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from PIL import Image
from scaling.rounds import POSTGRESQL, SQLITE, Measured, Round
from server_bench.connection import head, open_connection
from server_bench.flow import PHOTO_BYTES, Inbox, quick_profile, register
from server_bench.photos import drawn
from server_bench.site import RunningSite, profile, serving

from gelombang import telemetry
from gelombang.attempt import Code
from gelombang.clock import MICROSECONDS, cpu_seconds_of, monotonic_us, process_cpu_seconds, utc_now
from gelombang.loading import load_profile
from gelombang_cli.provenance import commit
from gelombang_server.checking.verdict import check_photo
from gelombang_server.passwords import hasher

POINTS = ((1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (1, 3), (1, 4), (2, 2), (3, 3), (4, 4))
"""API processes and upload processes."""
SHARED_POINTS = ((1, 1), (2, 2))
"""On PostgreSQL."""
WARM_PEOPLE, PEOPLE = 100, 400
LARGE_PHOTO_BYTES, LARGE_PEOPLE = 980_000, 100
"""What is kept of a person of 2020 is two photos of this size (docs/surge-model.md); fewer people, as each is 16 times the bytes."""
HASHES, DECODINGS = 10, 5
PIXELS_LIMIT = 25_000_000
PATIENT_SECONDS = 60.0
"""A line before the disk that has stood for so long is told to come back: never here, where nobody does."""
PICTURE_SIZE = (1_600, 1_200)
"""Of the picture that is decoded, in colour and about as large as a kept photo [A]: pixels cost as much as bytes."""

Tell = Callable[[str], None]


def measure(folder: Path, rounds: int, people: int, database: str | None, tell: Tell) -> Measured:
    """All points in interleaved rounds. `database`: the address of a PostgreSQL on which some of them are measured as well."""
    found: list[Round] = []
    hashes, decodings = [], []
    picture = _picture()
    for number in range(rounds):
        turned = [*POINTS[number % len(POINTS) :], *POINTS[: number % len(POINTS)]]
        for api, uploads in turned:
            found.append(_round(folder, number, api, uploads, people, PHOTO_BYTES, None))
            tell(line_of(found[-1]))
        found.append(_round(folder, number, 1, 1, min(people, LARGE_PEOPLE), LARGE_PHOTO_BYTES, None))
        tell(line_of(found[-1]))
        if database is not None:
            for api, uploads in SHARED_POINTS:
                found.append(_round(folder, number, api, uploads, people, PHOTO_BYTES, database))
                tell(line_of(found[-1]))
        hashes.append(_hash_seconds())
        decodings.append(_decode_seconds(picture))
    return Measured(
        made_at=utc_now().isoformat(timespec="seconds"),
        commit=commit(),
        cores=len(os.sched_getaffinity(0)),
        rounds=found,
        password_seconds=hashes,
        decode_seconds=decodings,
    )


def line_of(each: Round) -> str:
    """One round, to be looked at while it goes on."""
    name, used = each.busiest
    return (
        f"round {each.number + 1}, {each.database}, {each.api} API and {each.uploads} upload processes, {each.photo_bytes:,} bytes: "
        f"{each.per_second:.0f} people/s, {each.server_cpu_ms:.2f} ms of the server's CPU and {each.client_cpu_ms:.2f} of the client's a "
        f"person, {each.cores_used:.2f} cores, {name} {used:.2f} of a core, writer busy {each.writer_busy_ratio:.0%}"
    )


def _round(folder: Path, number: int, api: int, uploads: int, people: int, photo_bytes: int, database: str | None) -> Round:
    kind = SQLITE if database is None else POSTGRESQL
    own = folder / f"{number}-{api}-{uploads}-{photo_bytes}-{kind}"
    commits = profile("hardened").uploads.commits
    assert commits is not None
    patient = commits.model_copy(update={"target_seconds": PATIENT_SECONDS, "interval_seconds": PATIENT_SECONDS}).model_dump()
    parts: dict[str, dict[str, object]] = {"uploads": {"processes": uploads, "commits": patient}}
    if database is not None:
        schema = f"scaling_{os.getpid()}_{number}_{api}_{uploads}"
        parts["database"] = {"url": database, "schema_name": schema}
    with serving(own, quick_profile(**parts), core=None, processes=api) as site:
        return asyncio.run(_played(site, number, api, uploads, people, photo_bytes, kind))


async def _played(site: RunningSite, number: int, api: int, uploads: int, people: int, photo_bytes: int, database: str) -> Round:
    photo, inbox = drawn(photo_bytes), Inbox(site.harness_url)
    reading = asyncio.create_task(inbox.run())
    await register(site, inbox, photo, range(WARM_PEOPLE))
    before, cpu = await _database_totals(site), [cpu_seconds_of(pid) for pid in site.pids]
    checks, client, began_us = _children_cpu_seconds(site), process_cpu_seconds(), monotonic_us()
    await register(site, inbox, photo, range(WARM_PEOPLE, WARM_PEOPLE + people))
    seconds, client = (monotonic_us() - began_us) / MICROSECONDS, process_cpu_seconds() - client
    used = [cpu_seconds_of(pid) - earlier for pid, earlier in zip(site.pids, cpu, strict=True)]
    checks = _children_cpu_seconds(site) - checks
    after = await _database_totals(site)
    reading.cancel()
    commits, writes, writer, waited = (late - early for late, early in zip(after, before, strict=True))
    return Round(
        number=number,
        api=api,
        uploads=uploads,
        database=database,
        photo_bytes=photo_bytes,
        people=people,
        seconds=seconds,
        api_cpu_seconds=used[:api],
        uploads_cpu_seconds=used[api:],
        checks_cpu_seconds=checks,
        client_cpu_seconds=client,
        commits=commits,
        writes=writes,
        writer_seconds=writer,
        waited_for_writer_seconds=waited,
    )


def _children_cpu_seconds(site: RunningSite) -> float:
    """The decoder's: the one process that a worker starts."""
    children = [child for pid in site.pids for child in psutil.Process(pid).children(recursive=True)]
    return sum(cpu_seconds_of(child.pid) for child in children)


async def _database_totals(site: RunningSite) -> list[float]:
    """Commits, operations in them, seconds as the writer, seconds waited to become it; over all processes."""
    names = [
        telemetry.DATABASE_COMMITS.name,
        telemetry.DATABASE_OPERATIONS.name,
        f"{telemetry.DATABASE_COMMIT_SECONDS.name}_sum",
        f"{telemetry.DATABASE_LOCK_SECONDS.name}_sum",
    ]
    totals = dict.fromkeys(names, 0.0)
    for url in site.metrics_urls:
        connection = await open_connection(url)
        status, page = await connection.ask(head("GET", urlsplit(url).path, 0))
        assert status == 200, (status, page)
        connection.leave()
        for line in page.decode().splitlines():
            name, _, value = line.rpartition(" ")
            if (name := name.partition("{")[0]) in totals:
                totals[name] += float(value)
    return [totals[name] for name in names]


def _hash_seconds() -> float:
    ready = hasher(load_profile("hardened").password)
    began = process_cpu_seconds()
    for _ in range(HASHES):
        ready.hash("rahasia-sekali")
    return (process_cpu_seconds() - began) / HASHES


def _picture() -> bytes:
    """Noise in colour, at the best quality with which it is no larger than a large photo."""
    width, height = PICTURE_SIZE
    noise = Image.frombytes("RGB", PICTURE_SIZE, hashlib.shake_128(b"noise").digest(3 * width * height))
    for quality in range(90, 0, -2):
        file = io.BytesIO()
        noise.save(file, "JPEG", quality=quality)
        if file.tell() <= LARGE_PHOTO_BYTES:
            break
    return file.getvalue()


def _decode_seconds(photo: bytes) -> float:
    began = process_cpu_seconds()
    for _ in range(DECODINGS):
        assert check_photo(photo, PIXELS_LIMIT) is Code.NONE
    return (process_cpu_seconds() - began) / DECODINGS
