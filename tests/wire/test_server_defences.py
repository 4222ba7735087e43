"""What an attacker meets: headers, limits, dribbled heads and bodies, locks that lock nobody else out, numbers that can't be read."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from serversite import PASSWORD, Site, plan, profile, serving

from gelombang_server import worker
from gelombang_server.headers import HEADERS_LIMIT, LINE_LIMIT_BYTES, SECURITY_HEADERS
from tests.support.upload_site import FAST_STORE, jpeg, request_head, traceparent, until, upload_site

DATA = {"nik": "9901015204900001", "kk": "9901010101100001", "birth_date": "1990-04-12", "address": "Jalan Contoh 1"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        yield site


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/nowhere", "/api/v1/me"])
async def test_every_answer_says_that_nothing_is_to_be_kept_guessed_or_framed(site: Site, path: str) -> None:
    async with site.client.get(site.url + path) as answer:
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == dict(SECURITY_HEADERS)


async def test_a_site_that_drains_or_has_a_full_line_is_alive_and_not_ready(site: Site) -> None:
    assert (await site.ask("GET", "/readyz"))[0] == 200
    with site.held_database():
        database = site.context.database
        waiting = [asyncio.create_task(database.run(lambda cursor: None)) for _ in range(site.context.profile.api.database_queue_limit)]
        await asyncio.sleep(0)
        status, problem = await site.ask("GET", "/readyz")
        assert (status, problem["code"]) == (503, "database_busy")
        assert (await site.ask("GET", "/healthz"))[0] == 200
    await asyncio.gather(*waiting, return_exceptions=True)
    site.context.stopping.set()
    status, problem = await site.ask("GET", "/readyz")
    assert (status, problem["code"]) == (503, "shutting_down")


async def raw(site_url: str, data: bytes) -> bytes:
    """What comes back until the server hangs up."""
    address = urlsplit(site_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(data)
        return await reader.read()
    finally:
        writer.close()


def connections_of(port: int) -> int:
    """How many connections the server holds; both ends are in this process, and the server's have its port."""
    return sum(each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port for each in psutil.Process().net_connections("tcp"))


async def test_who_takes_nothing_of_an_answer_loses_the_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "UNREAD_SECONDS", 0.3)
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        address = urlsplit(site.url)
        with socket.create_connection((address.hostname, address.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            # More than the kernel takes for a client: what is left waits in the server.
            await loop.sock_sendall(client, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 60)
            await until(lambda: connections_of(address.port or 0) == 1)
            await until(lambda: connections_of(address.port or 0) == 0)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * LINE_LIMIT_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * (HEADERS_LIMIT + 1) + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 5_000 + b"\r\n\r\n",
    ],
    ids=["line", "number of headers", "header"],
)
async def test_a_head_over_its_limits_is_refused(site: Site, head: bytes) -> None:
    assert (await raw(site.url, head)).startswith(b"HTTP/1.0 400 ")


async def test_who_never_finishes_the_head_is_hung_up_on_and_others_are_served(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened", api={"keep_alive_seconds": 1}))) as site:
        slow = [asyncio.create_task(raw(site.url, b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: ")) for _ in range(50)]
        assert (await site.ask("GET", "/healthz"))[0] == 200
        assert await asyncio.gather(*slow) == [b""] * 50


async def test_a_body_that_is_dribbled_loses_its_place(tmp_path: Path) -> None:
    """No pause is long enough to be a stall, and the whole is too slow: 1,000 bytes a second are wanted after half a second."""
    photo = jpeg(50_000)
    uploads = {"body_stall_seconds": 0.5, "body_min_bytes_per_second": 1_000.0}
    async with upload_site(tmp_path, "hardened", store=FAST_STORE, uploads=uploads) as site:
        _, ticket = await site.ask(1, photo)
        address = urlsplit(site.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        headers = {"Content-Type": "image/jpeg", "Content-Length": str(len(photo)), "traceparent": traceparent(1, 1, 2)}
        writer.write(request_head("PUT", ticket["url"], headers))
        answer = asyncio.create_task(reader.readline())
        for byte in photo:
            writer.write(bytes([byte]))
            done, _ = await asyncio.wait([answer], timeout=0.05)
            if done:
                break
        assert (await answer).split()[1] == b"408"
        writer.close()
        assert (site.desk.unfinished, site.desk.admitted_bytes) == (0, 0)


async def test_who_guesses_at_an_address_locks_its_owner_out_nowhere_that_they_logged_in_before(site: Site) -> None:
    session = await site.sign_up()
    right = {"email": "siti@mail.example", "password": PASSWORD}
    for _ in range(site.context.profile.credentials.password_tries_limit):
        await site.ask("POST", "/api/v1/sessions", right | {"password": "a guess"})
    assert (await site.ask("POST", "/api/v1/sessions", right))[0] == 429, "a stranger, and the right password does not help"
    assert (await site.ask("POST", "/api/v1/sessions", right, session))[0] == 200
    other = await site.sign_up("budi")
    assert (await site.ask("POST", "/api/v1/sessions", right, other))[0] == 429, "somebody else's session is no proof"
    for _ in range(site.context.profile.credentials.password_tries_limit):
        await site.ask("POST", "/api/v1/sessions", right | {"password": "a guess"}, session)
    assert (await site.ask("POST", "/api/v1/sessions", right, session))[0] == 429, "a stolen device has tries of its own, and no more"


async def test_identity_numbers_are_nowhere_in_the_files_of_the_site_and_stay_unique(site: Site) -> None:
    session = await site.sign_up()
    await site.verify_email()
    assert (await site.ask("PUT", "/api/v1/me/data", DATA, session))[0] == 202
    assert (await site.message("siti@mail.example"))["result"] == "verified"
    assert await site.ask("PUT", "/api/v1/me/data", DATA, session) == (202, {"state": "verified"})
    for path in site.context.site.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert DATA["nik"].encode() not in held, path
            assert DATA["kk"].encode() not in held, path
    other = await site.sign_up("budi")
    await site.verify_email("budi")
    status, problem = await site.ask("PUT", "/api/v1/me/data", DATA, other)
    assert (status, problem["code"]) == (409, "nik_taken")
