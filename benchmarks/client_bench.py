"""What one exchange costs the generator: CPU of the client's process alone, against a stub with canned answers in another process.

    python benchmarks/client_bench.py

Prints microseconds of CPU per exchange (median and spread of rounds, interleaved): a small request on a kept connection, on a fresh one,
and a multipart photo of 100 KB, at the machine's own speed and paced. The rows "raw" are the same bytes through bare blocking sockets in
one greenlet: what the kernel itself costs.
"""

import asyncio
import multiprocessing
import socket
import statistics
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import cast

import gevent
import uvloop

from gelombang.clock import monotonic_us, process_cpu_seconds
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Request, prepare
from gelombang_loadtests.multipart_body import multipart_photo
from gelombang_loadtests.photos import PhotoLibrary
from gelombang_loadtests.pool import ConnectionPool
from gelombang_loadtests.uplink import UNPACED, Line

ROUNDS = 7
PEOPLE = 50
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 27\r\n"
    b"Date: Sat, 11 Apr 2020 12:00:00 GMT\r\nServer: stub\r\n\r\n" + b'{"state":"email_verified"}\n'
)


class _Stub(asyncio.Protocol):
    """Reads a head and as many bytes as it says; answers the same to everything."""

    def __init__(self) -> None:
        self._left = 0
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's isn't registered as one

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            head, found, rest = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self._head = b""
            length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
            self._left = int(length or b"0") - len(rest)
        if not self._left:
            self._transport.write(ANSWER)


def _serve(pipe: Pipe) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Stub, "127.0.0.1", 0, backlog=1_024)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


def _measure(work: Callable[[int], None], each: int) -> float:
    """Microseconds of CPU per exchange, with PEOPLE greenlets doing `each` exchanges."""
    before = process_cpu_seconds()
    gevent.joinall([gevent.spawn(work, each) for _ in range(PEOPLE)], raise_error=True)
    return (process_cpu_seconds() - before) * 1e6 / (PEOPLE * each)


def _rows(port: int, photos: PhotoLibrary) -> dict[str, Callable[[], float]]:
    pool = ConnectionPool(sockets_limit=2 * PEOPLE)
    body = b'{"name":"Contoh Satu","email":"contoh-1@mail.example","password":"not-a-secret"}'
    constant = ((b"Content-Type", b"application/json"), (b"Accept", b"application/json"))
    prepared = prepare(b"POST", b"/api/v1/accounts", "127.0.0.1", port, constant)
    trace = ((b"traceparent", b"00-0123456789abcdef0123456789abcdef-0000000000000001-01"),)
    photo = photos.photo("ktp", 100_000, b"benchmark")
    form = multipart_photo(photo.parts, b"ktp.jpg")

    def small(each: int) -> None:
        person = pool.person()
        for _ in range(each):
            request = Request(b"POST", b"/api/v1/accounts", "127.0.0.1", port, trace, body, prepared)
            answer = exchange(person, request, UNPACED, monotonic_us() + 10_000_000)
            assert answer.status == 200, answer
        person.close()

    def fresh(each: int) -> None:
        person = pool.person()
        for _ in range(each):
            request = Request(b"POST", b"/api/v1/accounts", "127.0.0.1", port, trace, body, prepared)
            answer = exchange(person, request, UNPACED, monotonic_us() + 10_000_000)
            assert answer.connect_us, answer
            person.close()

    def upload(line: Line) -> Callable[[int], None]:
        def work(each: int) -> None:
            person = pool.person()
            for _ in range(each):
                request = Request(b"POST", b"/ktp", "127.0.0.1", port, (*trace, (b"Content-Type", form.content_type)), form.parts)
                answer = exchange(person, request, line, monotonic_us() + 60_000_000)
                assert answer.status == 200, answer
            person.close()

        return work

    message = prepared + b"traceparent: %b\r\nContent-Length: %d\r\n\r\n" % (trace[0][1], len(body)) + body

    def raw() -> float:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            before = process_cpu_seconds()
            for _ in range(5_000):
                connection.sendall(message)
                connection.recv(65_536)
            return (process_cpu_seconds() - before) * 1e6 / 5_000

    return {
        "raw, kept connection": raw,
        "small request, kept connection": lambda: _measure(small, 200),
        "small request, fresh connection": lambda: _measure(fresh, 40),
        "100 KB photo, unpaced": lambda: _measure(upload(UNPACED), 10),
        "100 KB photo, 1.2 MB/s": lambda: _measure(upload(Line(1_237_500.0, 0.001)), 2),
    }


def main() -> None:
    here, there = multiprocessing.get_context("spawn").Pipe()
    stub = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    stub.start()
    with tempfile.TemporaryDirectory() as folder:
        rows = _rows(here.recv(), PhotoLibrary.build(Path(folder), 200_000))
        figures: dict[str, list[float]] = {name: [] for name in rows}
        for _ in range(ROUNDS):
            for name, row in rows.items():
                figures[name].append(row())
    for name, values in figures.items():
        print(f"{name:34} {statistics.median(values):8.1f} us   ({min(values):.1f} to {max(values):.1f})")
    stub.kill()


if __name__ == "__main__":
    main()
