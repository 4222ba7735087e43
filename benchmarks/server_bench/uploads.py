"""Durable uploads a second: ours beside nginx's WebDAV PUT and @tus/server, on the same disk, each server on one core.

What an answer of each is worth: ours has digest, inspection, fdatasync, rename, directory sync and a row in the database behind it; nginx
and @tus/server have handed the bytes to the page cache.
"""

import asyncio
import hashlib
import json
import shutil
import socket
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
from server_bench.connection import Connection, head, json_head, open_connection
from server_bench.photos import drawn, numbered
from server_bench.site import NO_STORE, ROOMY, SERVER_CORE, RunningSite, profile, serving

from gelombang.clock import MICROSECONDS, cpu_seconds_of, monotonic_us

PHOTO_BYTES = 200_000
AT_ONCE = 32
UPLOADS = 400
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
READY_SECONDS = 20.0
Send = Callable[[Connection, bytes, int], Awaitable[None]]


class UploadRound(NamedTuple):
    per_second: float
    cpu_us: float
    """Of the server, per upload."""


class Peer(NamedTuple):
    url: str
    pid: int


def rows(folder: Path, rounds: int, tus_modules: Path | None) -> tuple[dict[str, list[UploadRound]], list[str]]:
    """Uploads a second by row, one figure a round, interleaved; and what was skipped, with its reason."""
    found: dict[str, list[UploadRound]] = {}
    skipped = []
    photo = drawn(PHOTO_BYTES)
    with ExitStack() as stack:
        roomy = profile("hardened", store=NO_STORE, tickets=ROOMY)
        site = stack.enter_context(serving(folder / "ours", roomy))
        peers: dict[str, Peer] = {}
        if Path(NGINX).exists():
            peers["nginx, WebDAV PUT"] = stack.enter_context(_nginx(folder / "nginx"))
        else:
            skipped.append("nginx: not installed (Debian: apt-get install nginx-light)")
        if tus_modules is not None and shutil.which("node"):
            peers["@tus/server, creation with upload"] = stack.enter_context(tus_server(folder / "tus", tus_modules))
        else:
            skipped.append("@tus/server: not found; want node and --tus DIR, where `npm install @tus/server @tus/file-store` ran")
        for number in range(rounds):
            for name, peer in peers.items():
                send = _tus_upload if "tus" in name else _put
                found.setdefault(name, []).append(asyncio.run(_peer(peer, send, photo, number)))
            put, whole = asyncio.run(_ours(site, photo, number))
            found.setdefault("ours, PUT with a ticket in hand", []).append(put)
            found.setdefault("ours, ticket and PUT", []).append(whole)
    return found, skipped


async def _each(count: int, url: str, cpu_seconds: Callable[[], float], one: Callable[[Connection, int], Awaitable[None]]) -> UploadRound:
    """`count` things over `AT_ONCE` connections."""
    connections = [await open_connection(url) for _ in range(AT_ONCE)]
    numbers = iter(range(count))

    async def work(connection: Connection) -> None:
        for n in numbers:
            await one(connection, n)

    cpu, began_us = cpu_seconds(), monotonic_us()
    await asyncio.gather(*(work(connection) for connection in connections))
    took_seconds = (monotonic_us() - began_us) / MICROSECONDS
    for connection in connections:
        connection.leave()
    return UploadRound(count / took_seconds, (cpu_seconds() - cpu) / count * MICROSECONDS)


async def _peer(peer: Peer, send: Send, photo: bytes, round_: int) -> UploadRound:
    async def one(connection: Connection, n: int) -> None:
        await send(connection, photo, round_ * UPLOADS + n)

    pids = [peer.pid, *(child.pid for child in psutil.Process(peer.pid).children())]
    return await _each(UPLOADS, peer.url, lambda: sum(cpu_seconds_of(pid) for pid in pids), one)


async def _put(connection: Connection, photo: bytes, n: int) -> None:
    body = numbered(photo, n)
    status, _ = await connection.ask(head("PUT", f"/{n}.jpg", len(body)), body)
    assert status == 201, status


async def _tus_upload(connection: Connection, photo: bytes, n: int) -> None:
    body = numbered(photo, n)
    lines = ("Tus-Resumable: 1.0.0", f"Upload-Length: {len(body)}", "Content-Type: application/offset+octet-stream")
    status, answer = await connection.ask(head("POST", "/files", len(body), *lines), body)
    assert status == 201, (status, answer)


async def _ours(site: RunningSite, photo: bytes, round_: int) -> tuple[UploadRound, UploadRound]:
    first = 1 + round_ * 2 * UPLOADS
    sessions = site.sessions(first, 2 * UPLOADS)
    tickets: dict[int, str] = {}

    async def ask(connection: Connection, n: int) -> None:
        tickets[n] = await ticket(connection, sessions[n], numbered(photo, first + n))

    async def put(connection: Connection, n: int) -> None:
        await put_photo(connection, tickets[n], numbered(photo, first + n))

    async def both(connection: Connection, n: int) -> None:
        body = numbered(photo, first + UPLOADS + n)
        await put_photo(connection, await ticket(connection, sessions[UPLOADS + n], body), body)

    await _each(UPLOADS, site.uploads_url, site.cpu_seconds, ask)
    return await _each(UPLOADS, site.uploads_url, site.cpu_seconds, put), await _each(UPLOADS, site.uploads_url, site.cpu_seconds, both)


async def ticket(connection: Connection, session: str, photo: bytes, kind: str = "ktp") -> str:
    """The path to which this photo may be sent."""
    wish = json.dumps({"kind": kind, "bytes": len(photo), "sha256": hashlib.sha256(photo).hexdigest()}).encode()
    status, answer = await connection.ask(json_head("POST", "/api/v1/me/tickets", len(wish), session), wish)
    assert status == 201, (status, answer)
    url: str = json.loads(answer)["url"]
    return url[url.index("/api/") :]


async def put_photo(connection: Connection, path: str, photo: bytes) -> None:
    status, answer = await connection.ask(head("PUT", path, len(photo), "Content-Type: image/jpeg"), photo)
    assert status == 201, (status, answer)


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def _nginx(folder: Path) -> Iterator[Peer]:
    (folder / "data").mkdir(parents=True)
    config, port = folder / "nginx.conf", _free_port()
    config.write_text(f"""
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; user root;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {folder}/temp; keepalive_requests 1000000;
  server {{ listen 127.0.0.1:{port}; root {folder}/data; client_max_body_size 10m; dav_methods PUT; }} }}
""")
    with _process([NGINX, "-c", str(config), "-e", str(folder / "error.log")], f"http://127.0.0.1:{port}") as peer:
        yield peer


@contextmanager
def tus_server(folder: Path, modules: Path, life_seconds: float = 0.0) -> Iterator[Peer]:
    """@tus/server with its file store and the size limit of ours. Uploads end after `life_seconds`; 0: never."""
    (folder / "data").mkdir(parents=True)
    script, port = folder / "server.mjs", _free_port()
    script.write_text(f"""
import {{ createRequire }} from "node:module";
const require = createRequire("{modules.resolve()}/");
const {{ Server }} = await import(require.resolve("@tus/server"));
const {{ FileStore }} = await import(require.resolve("@tus/file-store"));
const datastore = new FileStore({{ directory: "{folder}/data", expirationPeriodInMilliseconds: {life_seconds * 1_000:.0f} }});
new Server({{ path: "/files", maxSize: 2000000, datastore }}).listen({{ host: "127.0.0.1", port: {port} }});
""")
    with _process(["node", str(script)], f"http://127.0.0.1:{port}") as peer:
        yield peer


@contextmanager
def _process(command: list[str], url: str) -> Iterator[Peer]:
    with subprocess.Popen(["taskset", "-c", str(SERVER_CORE), *command]) as process:
        try:
            asyncio.run(_until_open(url))
            yield Peer(url, process.pid)
        finally:
            process.terminate()
            process.wait(10)


async def _until_open(url: str) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                (await open_connection(url)).leave()
            except OSError:
                await asyncio.sleep(0.05)
            else:
                return
