"""Connections of the public listener: what comes over them is answered in order, and who is silent is left after the keep-alive."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

from serversite import Site, plan, profile, serving

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
JOIN = b"POST /api/v1/me/waves/wave-1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
LARGE = b"POST /api/v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 8000000\r\n\r\n"


async def connect(site: Site) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = site.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def status_of_next(reader: asyncio.StreamReader) -> int:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    return int(head.split()[1])


async def test_requests_that_come_at_once_over_one_connection_are_answered_in_their_order(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        reader, writer = await connect(site)
        writer.write(HEALTH + JOIN + b"{}" + HEALTH)
        assert [await status_of_next(reader) for _ in range(3)] == [200, 401, 200]
        writer.write(HEALTH[:20])
        await writer.drain()
        writer.write(HEALTH[20:])
        assert await status_of_next(reader) == 200
        writer.close()


async def test_who_is_silent_is_left_after_the_keep_alive_and_who_asks_in_time_is_not(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        silent, silent_writer = await connect(site)
        busy, busy_writer = await connect(site)
        slow, slow_writer = await connect(site)
        slow_writer.write(HEALTH[:-2])
        asked = 0
        while not (silent.at_eof() and slow.at_eof()):
            busy_writer.write(HEALTH)
            assert await status_of_next(busy) == 200
            asked += 1
            for reader in (silent, slow):
                with suppress(TimeoutError):
                    assert await asyncio.wait_for(reader.read(1), 0.01) == b""
        assert asked > 3
        assert await asyncio.wait_for(busy.read(1), 20) == b""
        for writer in (silent_writer, busy_writer, slow_writer):
            writer.close()


async def test_an_answer_to_a_body_that_is_too_large_reaches_who_goes_on_sending(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        reader, writer = await connect(site)
        writer.write(LARGE)
        assert await status_of_next(reader) == 413
        for _ in range(80):
            writer.write(bytes(100_000))
            await writer.drain()
        writer.write(HEALTH)
        assert await status_of_next(reader) == 200
        writer.close()


async def test_a_connection_says_when_its_client_is_gone_and_holds_no_small_piece_back(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        reader, writer = await connect(site)
        writer.write(HEALTH)
        assert await status_of_next(reader) == 200
        server = site.worker._public.server
        assert server is not None
        (connection,) = server.connections
        assert connection.transport is not None
        taken = connection.transport.get_extra_info("socket")
        assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        writer.close()


async def test_nothing_runs_for_a_connection_that_waits(tmp_path: Path) -> None:
    async with serving(plan(tmp_path, profile("hardened"))) as site:
        before = len(asyncio.all_tasks())
        connections = [await connect(site) for _ in range(10)]
        for reader, writer in connections:
            writer.write(HEALTH)
            assert await status_of_next(reader) == 200
        assert len(asyncio.all_tasks()) == before
        for _, writer in connections:
            writer.close()
