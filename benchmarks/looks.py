"""Looks at the result per second of the server's CPU, half of them first looks, and the draw of the first wave at full size.

`PYTHONPATH=tests:. python benchmarks/looks.py`. The server runs in this process, and its CPU alone counts: who asks is another process, 50
connections kept open, one request after the other on each. CPU and not wall time, because the two share a machine.
"""

import asyncio
import multiprocessing
import selectors
import socket
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import uvloop

from gelombang.clock import process_cpu_seconds
from gelombang.programme.lottery import hold_draw
from support.programme_site import DRAWS, PUBLISHES, ProgrammeSite, programme_site

PEOPLE, QUOTA, CONNECTIONS, ROUNDS = 10_000, 960, 50, 5
JOINED, PLACES = 2_078_026, 200_000


def ask(port: int, requests: Sequence[bytes]) -> None:
    """All of them, each answered with 200."""
    waiting = iter(requests)
    with selectors.DefaultSelector() as open_:
        for request in [next(waiting) for _ in range(CONNECTIONS)]:
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(request)
            open_.register(connection, selectors.EVENT_READ)
        while open_.get_map():
            for key, _ in open_.select():
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
                if (request_after := next(waiting, None)) is None:
                    open_.unregister(connection)
                    connection.close()
                else:
                    connection.sendall(request_after)


async def looks_per_second(site: ProgrammeSite, people: range) -> float:
    """Each of them looks twice."""
    heads = [
        f"GET /api/v1/me/programme HTTP/1.1\r\nHost: site\r\nAuthorization: Bearer {site.session(one)}\r\n\r\n".encode() for one in people
    ]
    requests = [request for request in heads for _ in range(2)]
    port = int(site.site.url.rpartition(":")[2])
    client = multiprocessing.get_context("fork").Process(target=ask, args=(port, requests))
    client.start()
    began_seconds = process_cpu_seconds()
    while client.is_alive():
        await asyncio.sleep(0.02)
    assert client.exitcode == 0
    return len(requests) / (process_cpu_seconds() - began_seconds)


async def measure() -> list[float]:
    """Of as many rounds, each over people who have not looked yet."""
    with tempfile.TemporaryDirectory() as folder:
        async with programme_site(Path(folder), PEOPLE, QUOTA) as site:
            await site.at(DRAWS)
            site.moment_us = PUBLISHES
            share = PEOPLE // ROUNDS
            return [await looks_per_second(site, range(1 + number * share, 1 + (number + 1) * share)) for number in range(ROUNDS)]


def draw_seconds() -> list[float]:
    """The first wave's, the same each time."""
    joined = np.arange(1, JOINED + 1, dtype=np.int64)
    taken, chosen = [], []
    for _ in range(ROUNDS):
        began_seconds = process_cpu_seconds()
        chosen.append(hold_draw(joined, PLACES, seed=2020).selected)
        taken.append(process_cpu_seconds() - began_seconds)
    assert all((one == chosen[0]).all() and len(one) == PLACES for one in chosen)
    return taken


def main() -> None:
    looks, draws = uvloop.run(measure()), draw_seconds()
    print(f"looks: {statistics.median(looks):,.0f} a second of CPU (median of {ROUNDS}; {min(looks):,.0f} to {max(looks):,.0f})")
    print(f"draw: {statistics.median(draws):.3f} s of CPU (median of {ROUNDS}; {min(draws):.3f} to {max(draws):.3f})")


if __name__ == "__main__":
    main()
