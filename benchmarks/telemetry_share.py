"""What telemetry costs a process: CPU of one server process with it and without it, round by round in the same process, and of a generator.

    python benchmarks/telemetry_share.py

A round is a hundred uploads and, with telemetry, the page of a second and its samples of the loop's lag. Rounds with and without alternate,
so that what drifts touches both. Without means: the metrics client's increments do nothing and no page is made; ledgers and database are
written either way. The client is another process.

The generator's share is reckoned: CPU of a second's page, and of the counting of a second's attempts, against the CPU that a generator
process of that run takes for them (docs/measurement.md, "Measured": 0.32 cores).
"""

import asyncio
import hashlib
import io
import multiprocessing
import socket
import statistics
import tempfile
import tomllib
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import aiohttp
import prometheus_client
from PIL import Image
from prometheus_client import CollectorRegistry, generate_latest

from gelombang import telemetry
from gelombang.attempt import Fate, Outcome, Phase
from gelombang.clock import process_cpu_seconds
from gelombang.live_validity import LiveJudge
from gelombang.profile import Profile
from gelombang.resources import profiles_folder
from gelombang.runplan import ScaleNumbers, ServerPlan
from gelombang.steps import PhotoKind
from gelombang_loadtests.generator_metrics import Facts, GeneratorCollector, GeneratorCounts, RunLabels
from gelombang_loadtests.honesty import Counts
from gelombang_server.config import SITE_FOLDER
from gelombang_server.schema import DATABASE_FILE, create_tables
from gelombang_server.sealing import ensure_key
from gelombang_server.sessions import issue_session, make_session_key
from gelombang_server.worker import Worker, open_context

ROUNDS = 60
UPLOADS_A_ROUND = 100
"""Each is two requests. A server process of the opening hour (sample 1/50) has more in a second, so its page weighs less."""
LAG_SAMPLES_A_ROUND = 20
AT_ONCE = 20
ATTEMPTS_A_SECOND = 370
GENERATOR_CORES = 0.32
_COUNTED = {prometheus_client.Counter: "inc", prometheus_client.Gauge: "set", prometheus_client.Histogram: "observe"}
_AS_IT_IS = {kind: getattr(kind, name) for kind, name in _COUNTED.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_server(Path(folder)))
    _generator()


async def _server(folder: Path) -> None:
    document = tomllib.loads((profiles_folder() / "hardened.toml").read_text())
    document["store"] |= {"bandwidth_bytes_per_second": 1e12, "latency_seconds": 0.0}
    document["uploads"] |= {"own_process": False}
    scale = ScaleNumbers(sample="1", speed=1.0, bytes_ratio=1.0)
    orders: dict[str, Any] = {"run": 7, "seed": 1, "scale": scale, "folder": str(folder), "zero_us": 0, "processes": 1}
    orders |= {"profile": Profile.model_validate(document), "public_port": 0, "harness_port": 0, "harness_token": "a token of ours"}
    site = folder / SITE_FOLDER
    site.mkdir()
    make_session_key(site)
    ensure_key()
    create_tables(site / DATABASE_FILE)
    sockets = [socket.socket(), socket.socket()]
    for bound in sockets:
        bound.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    context = open_context(ServerPlan.model_validate(orders), 0, url)
    worker = Worker(context, *sockets)
    await worker.start()
    ours, theirs = multiprocessing.Pipe()
    sessions = [issue_session(context.session_key, person, context.after_us(3_600)) for person in range(UPLOADS_A_ROUND)]
    client = multiprocessing.get_context("spawn").Process(target=_client, args=(theirs, url, sessions))
    client.start()
    spent: dict[bool, list[float]] = {True: [], False: []}
    for round_ in range(2 * ROUNDS + 2):
        with_telemetry = round_ % 2 == 0
        _switch(with_telemetry)
        before = process_cpu_seconds()
        ours.send(round_)
        while not ours.poll():
            assert client.is_alive()
            await asyncio.sleep(0.001)
        ours.recv()
        if with_telemetry:
            for _ in range(LAG_SAMPLES_A_ROUND):
                context.metrics.histogram(telemetry.LOOP_LAG_SECONDS).observe(0.0001)
            context.metrics.page()
        if round_ > 1:
            spent[with_telemetry].append(process_cpu_seconds() - before)
    _switch(True)
    ours.send(None)
    client.join()
    await worker.stop()
    ratios = [on / off for on, off in zip(spent[True], spent[False], strict=True)]
    print(
        f"server: {1e3 * statistics.median(spent[False]):.0f} ms of CPU for {UPLOADS_A_ROUND} uploads without, on / off = "
        f"{statistics.median(ratios):.3f} (median of {ROUNDS} pairs; quartiles {_quartiles(ratios)})"
    )


def _switch(on: bool) -> None:
    for kind, name in _COUNTED.items():
        setattr(kind, name, _AS_IT_IS[kind] if on else _nothing)


def _nothing(*_: object) -> None:
    return


def _client(pipe: Pipe, url: str, sessions: list[str]) -> None:
    asyncio.run(_uploads(pipe, url, sessions))


async def _uploads(pipe: Pipe, url: str, sessions: list[str]) -> None:
    async with aiohttp.ClientSession() as client:
        while (round_ := await asyncio.to_thread(pipe.recv)) is not None:
            file = io.BytesIO()
            Image.frombytes("L", (64, 64), hashlib.shake_128(bytes([round_])).digest(64 * 64)).save(file, "JPEG")
            photo = file.getvalue()
            wish: dict[str, str | int] = {"kind": "ktp", "bytes": len(photo), "sha256": hashlib.sha256(photo).hexdigest()}
            for first in range(0, len(sessions), AT_ONCE):
                await asyncio.gather(*(_upload(client, url, session, wish, photo) for session in sessions[first : first + AT_ONCE]))
            pipe.send(round_)


async def _upload(client: aiohttp.ClientSession, url: str, session: str, wish: dict[str, str | int], photo: bytes) -> None:
    async with client.post(f"{url}/api/v1/me/tickets", json=wish, headers={"Authorization": f"Bearer {session}"}) as answer:
        assert answer.status == 201, await answer.text()
        ticket = await answer.json()
    async with client.put(ticket["url"], data=photo, headers={"Content-Type": "image/jpeg"}) as answer:
        assert answer.status == 201, await answer.text()


def _generator() -> None:
    steps = [f"step-{n}" for n in range(14)]
    counts = GeneratorCounts(steps, photos={9: PhotoKind.KTP, 10: PhotoKind.SELFIE}, limits_seconds=(0.0333,))
    for step in range(len(steps)):
        for outcome in (Outcome.OK, Outcome.REFUSED, Outcome.FAILED, Outcome.TIMED_OUT):
            counts.ended(step, outcome, Phase.RECEIVE, 1_000, 10)
    facts = Facts(1_000, 1_000, 60.0, 0.02, tells_machine=True)
    collector = GeneratorCollector(RunLabels("opening-hour", "hardened", "1/50", "run", "0"), facts, LiveJudge(0.2))
    collector.update(counts, Counts(1, 1, 1, 1, 1, 1), {Fate.FINISHED: 1})
    registry = CollectorRegistry()
    registry.register(collector)
    pages, attempts = [], []
    for _ in range(ROUNDS):
        before = process_cpu_seconds()
        for _ in range(10):
            generate_latest(registry)
        pages.append((process_cpu_seconds() - before) / 10)
        before = process_cpu_seconds()
        for n in range(10 * ATTEMPTS_A_SECOND):
            counts.ended(n % 14, Outcome.OK, Phase.RECEIVE, 33_000, 10)
            if n % 3 == 0:
                counts.photo_ended(9, (100, 2_000, 30_000, 10))
        attempts.append((process_cpu_seconds() - before) / 10)
    shares = [(page + counted) / GENERATOR_CORES for page, counted in zip(pages, attempts, strict=True)]
    page_ms, attempts_ms = 1e3 * statistics.median(pages), 1e3 * statistics.median(attempts)
    print(
        f"generator: a page {page_ms:.2f} ms and {ATTEMPTS_A_SECOND} attempts {attempts_ms:.2f} ms of CPU a second: "
        f"{statistics.median(shares):.3f} of {GENERATOR_CORES} cores (quartiles {_quartiles(shares)})"
    )


def _quartiles(values: list[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4)
    return f"{low:.3f} to {high:.3f}"


if __name__ == "__main__":
    main()
