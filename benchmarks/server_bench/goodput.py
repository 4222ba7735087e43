"""The goodput curve: photos acknowledged to somebody still waiting, while one to ten times as many come as the store can take.

The store's declared limit is 40 photos a second in both profiles: each site is the profile's own at a scale (`SCALE`), so that pools,
budgets and patience keep their proportions. People arrive open-loop, one photo each, and are patient for as long as the scenario's are. Two
kinds: `well-behaved` keeps a told time and backs off with full jitter, six tries; `stock-tus` is tus-js-client as it comes, which sends
again after 0, 1, 3 and 5 s whatever it is told. Beside the storm a small step (a code for the phone) is asked for at a steady rate.

Two more storms. Into a *sink* (`server_bench.sink`): the same people, the same API process, and uploads that are thrown away at once;
what a small step takes beside `hardened` is compared with that. And against the *processor*: `hardened` without a modelled store and with
`CORES_LIMIT` of a core (a control group, which wants root), so that what is scarce is the server's processor and not that of the people who
come, which is one core as well; the limit is the best that storms of `CPU_PER_SECOND` leave acknowledged.
"""

import asyncio
import gc
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from server_bench.connection import Connection, head, json_head, open_connection
from server_bench.photos import drawn, numbered
from server_bench.site import NO_STORE, SERVER_CORE, RunningSite, profile, seed_people, serving

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.runplan import ScaleNumbers
from gelombang.seeds import unit

SCALE = ScaleNumbers(sample="4/25", speed=20.0, bytes_ratio=0.01)
SPEED = 20.0
LIMIT_PER_SECOND = 40.0
PHOTO_BYTES = 9_800
"""With the commit's cost, a fortieth of what the store moves in a second at this scale: 13.5 MB/s × 4/25 × 20 × 0.01 / 40."""
PATIENCE_SECONDS = 45.0 / SPEED
LOADS = (1, 2, 5, 10)
PROFILES = ("hardened", "april-2020")
PERSONAS = ("well-behaved", "stock-tus")
WARM_SECONDS = 7.0
FOR_SECONDS = 10.0
"""Counted after the warm-up; both are wall time, 340 s of the people's together."""
LATE_LIMIT_MS = 50.0
TRIES = 6
STOCK_DELAYS_SECONDS = (0.0, 1.0, 3.0, 5.0)
BACKOFF_FIRST_SECONDS, BACKOFF_LONGEST_SECONDS = 2.0, 300.0
SMALL_PER_SECOND = 20.0
CORES_LIMIT = 0.4
CPU_PER_SECOND = (100.0, 150.0, 200.0, 250.0)
"""Photos a second of which the best says what the processor can do."""
_DRAW_JITTER, _DRAW_DUE = 1, 2
_MANY_CODES: dict[str, dict[str, Any]] = {"credentials": {"otp_sends_limit": 1_000_000}}


class Cell(NamedTuple):
    """One point of the curve."""

    per_second: float
    """Photos acknowledged to somebody still waiting."""
    tries_per_second: float
    small_p50_ms: float
    small_p99_ms: float
    late_p99_ms: float
    """How late the generator of this benchmark was; above 50 ms the cell says little."""


@dataclass
class Storm:
    """What is counted while people come."""

    count_from_us: int
    acknowledged: int = 0
    tries: int = 0
    late_us: list[int] = field(default_factory=list)
    small_us: list[int] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        return monotonic_us() >= self.count_from_us


def cell(folder: Path, name: str, persona: str, load: float) -> Cell:
    """A fresh site and a storm of `load` times its store's limit."""
    with serving(folder / f"{name}-{persona}-{load}", profile(name, **_MANY_CODES), SCALE) as site:
        gc.freeze()
        return asyncio.run(_storm(site, name, persona, load * LIMIT_PER_SECOND))


def sink_cell(folder: Path, persona: str, load: float) -> Cell:
    """The same storm with the uploads going into a sink, on the server's core."""
    with serving(folder / f"sink-{persona}-{load}", profile("hardened", **_MANY_CODES), SCALE) as site, _sink() as url:
        gc.freeze()
        return asyncio.run(_storm(site._replace(uploads_url=url), "hardened", persona, load * LIMIT_PER_SECOND))


def cpu_cell(folder: Path, persona: str, rate: float) -> Cell:
    """A storm of `rate` photos a second against the server's share of a core: no modelled store."""
    limited = profile("hardened", store=NO_STORE, machine={"cores_limit": CORES_LIMIT}, **_MANY_CODES)
    with serving(folder / f"cpu-{persona}-{rate:.0f}", limited, SCALE) as site:
        gc.freeze()
        return asyncio.run(_storm(site, "hardened", persona, rate))


@contextmanager
def _sink() -> Iterator[str]:
    command = ["taskset", "-c", str(SERVER_CORE), sys.executable, "-m", "server_bench.sink"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sink:
        assert sink.stdout is not None
        assert sink.stdin is not None
        try:
            yield sink.stdout.readline().decode().strip()
        finally:
            sink.stdin.close()
            sink.wait(10)


async def _storm(site: RunningSite, name: str, persona: str, rate: float) -> Cell:
    people = round(rate * (WARM_SECONDS + FOR_SECONDS))
    sessions = site.sessions(1, people)
    seed_people(site, round(SMALL_PER_SECOND))
    photo = drawn(PHOTO_BYTES)
    began_us = monotonic_us() + 200_000
    storm = Storm(began_us + round(WARM_SECONDS * MICROSECONDS))
    tasks = [asyncio.create_task(_small(site, storm, began_us))]
    for n in range(people):
        due_us = began_us + round((n + unit(1, n, _DRAW_DUE)) / rate * MICROSECONDS)
        await asyncio.sleep(max(0, due_us - monotonic_us()) / MICROSECONDS)
        storm.late_us.append(monotonic_us() - due_us)
        tasks.append(asyncio.create_task(_person(site, storm, name, persona, sessions[n], numbered(photo, n), n)))
    end_us = storm.count_from_us + round(FOR_SECONDS * MICROSECONDS)
    await asyncio.sleep(max(0, end_us - monotonic_us()) / MICROSECONDS)
    seconds = (monotonic_us() - storm.count_from_us) / MICROSECONDS
    found = storm.acknowledged / seconds, storm.tries / seconds
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error
    return Cell(*found, _ms(storm.small_us, 0.5), _ms(storm.small_us, 0.99), _ms(storm.late_us, 0.99))


async def _person(site: RunningSite, storm: Storm, name: str, persona: str, session: str, photo: bytes, n: int) -> None:
    """Tries until the photo is acknowledged or the persona's tries are used up."""
    connection: Connection | None = None
    send = _by_ticket if name == "hardened" else _by_form
    for attempt in range(TRIES if persona == "well-behaved" else 1 + len(STOCK_DELAYS_SECONDS)):
        told_seconds: float | None = None
        storm.tries += storm.counts
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if connection is None or not connection.is_open:
                    connection = await open_connection(site.uploads_url)
                status, answer = await send(connection, session, photo)
            if status in (200, 201):
                storm.acknowledged += storm.counts
                break
            told_seconds = json.loads(answer).get("retry_after_seconds")
        except (TimeoutError, ConnectionError):
            if connection is not None:
                connection.leave()
                connection = None
        if persona == "stock-tus":
            if attempt == len(STOCK_DELAYS_SECONDS):
                break
            await asyncio.sleep(STOCK_DELAYS_SECONDS[attempt] / SPEED)
        elif told_seconds is not None:
            await asyncio.sleep(told_seconds)
        else:
            most = min(BACKOFF_LONGEST_SECONDS, BACKOFF_FIRST_SECONDS * 2**attempt) / SPEED
            await asyncio.sleep(most * unit(1, n, _DRAW_JITTER, attempt))
    if connection is not None:
        connection.leave()


async def _by_ticket(connection: Connection, session: str, photo: bytes) -> tuple[int, bytes]:
    wish = json.dumps({"kind": "ktp", "bytes": len(photo), "sha256": hashlib.sha256(photo).hexdigest()}).encode()
    status, answer = await connection.ask(json_head("POST", "/api/v1/me/tickets", len(wish), session), wish)
    if status != 201:
        return status, answer
    url: str = json.loads(answer)["url"]
    return await connection.ask(head("PUT", url[url.index("/api/") :], len(photo), "Content-Type: image/jpeg"), photo)


async def _by_form(connection: Connection, session: str, photo: bytes) -> tuple[int, bytes]:
    start = b'--xyz\r\nContent-Disposition: form-data; name="photo"; filename="ktp.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = start + photo + b"\r\n--xyz--\r\n"
    lines = ("Content-Type: multipart/form-data; boundary=xyz", f"Authorization: Bearer {session}")
    return await connection.ask(head("POST", "/api/v1/me/photos/ktp", len(body), *lines), body)


async def _small(site: RunningSite, storm: Storm, began_us: int) -> None:
    """A code for the phone, `SMALL_PER_SECOND` times a second, each over a connection of its own as a new person's would be."""
    sessions = site.sessions(1, round(SMALL_PER_SECOND))
    running: set[asyncio.Task[None]] = set()
    for n in range(round(SMALL_PER_SECOND * (WARM_SECONDS + FOR_SECONDS))):
        due_us = began_us + round(n / SMALL_PER_SECOND * MICROSECONDS)
        await asyncio.sleep(max(0, due_us - monotonic_us()) / MICROSECONDS)
        body = json.dumps({"phone": f"+62{900_000_000 + n}"}).encode()
        task = asyncio.create_task(_one_small(site, storm, sessions[n % len(sessions)], body))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)


async def _one_small(site: RunningSite, storm: Storm, session: str, body: bytes) -> None:
    began_us = monotonic_us()
    connection = await open_connection(site.public_url)
    status, answer = await connection.ask(json_head("POST", "/api/v1/me/otp", len(body), session), body)
    assert status == 202, (status, answer)
    if storm.counts:
        storm.small_us.append(monotonic_us() - began_us)
    connection.leave()


def _ms(values_us: list[int], quantile: float) -> float:
    ordered = sorted(values_us)
    return ordered[min(len(ordered) - 1, int(len(ordered) * quantile))] / 1_000
