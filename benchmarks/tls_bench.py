"""What TLS costs the generator: CPU of the client's process alone, the same exchanges with and without, against the stub of `client_bench`.

    python benchmarks/tls_bench.py

Prints microseconds of CPU per exchange (median and spread of rounds, interleaved): a small request on a kept connection, on a fresh one
with a full handshake and with a resumed session, and a body of 100 KB at the machine's own speed. Certificates are ECDSA P-256; the
protocol is TLS 1.3 with what the system's OpenSSL prefers.
"""

import asyncio
import multiprocessing
import ssl
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import trustme
import uvloop
from client_bench import PEOPLE, ROUNDS, _measure, _Stub

from gelombang.clock import monotonic_us
from gelombang.network import Network
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Request
from gelombang_loadtests.network import RouteBook
from gelombang_loadtests.pool import ConnectionPool
from gelombang_loadtests.uplink import UNPACED

BODY = b'{"name":"Contoh Satu","email":"contoh-1@mail.example","password":"not-a-secret"}'
LARGE = bytes(100_000)


def _serve(pipe: Pipe, folder: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        servers = [await loop.create_server(_Stub, "127.0.0.1", 0, backlog=1_024, ssl=tls) for tls in (None, context)]
        pipe.send([server.sockets[0].getsockname()[1] for server in servers])
        await asyncio.gather(*(server.serve_forever() for server in servers))

    uvloop.run(main())


def _rows(plain: int, tls: int, ca_file: str) -> dict[str, Callable[[], float]]:
    def pool(resumed_ratio: float) -> ConnectionPool:
        network = Network(
            ca_file=ca_file, resumed_ratio=resumed_ratio, resolve={f"localhost:{port}": f"127.0.0.1:{port}" for port in (plain, tls)}
        )
        return ConnectionPool(sockets_limit=2 * PEOPLE, routes=RouteBook(network, "localhost", seed=1))

    full, resuming = pool(0.0), pool(1.0)

    def work(connections: ConnectionPool, port: int, body: bytes, keeps: bool) -> Callable[[int], None]:
        def each_of(count: int) -> None:
            person = connections.person()
            for _ in range(count):
                request = Request(b"POST", b"/api/v1/accounts", "localhost", port, (), body, tls=port == tls)
                answer = exchange(person, request, UNPACED, monotonic_us() + 30_000_000)
                assert answer.status == 200, answer
                if not keeps:
                    person.close()
            person.close()

        return each_of

    rows = {
        "small, kept connection": (full, BODY, True, 200),
        "small, fresh connection": (full, BODY, False, 20),
        "small, fresh connection, resumed": (resuming, BODY, False, 20),
        "100 KB, kept connection": (full, LARGE, True, 10),
    }
    return {
        f"{name}, {'TLS' if port == tls else 'plain'}": partial(_measure, work(connections, port, body, keeps), each)
        for name, (connections, body, keeps, each) in rows.items()
        for port in ((tls,) if "resumed" in name else (plain, tls))
    }


def main() -> None:
    here, there = multiprocessing.get_context("spawn").Pipe()
    with tempfile.TemporaryDirectory() as folder:
        stub = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, Path(folder)), daemon=True)
        stub.start()
        rows = _rows(*here.recv(), str(Path(folder) / "ca.pem"))
        figures: dict[str, list[float]] = {name: [] for name in rows}
        for _ in range(ROUNDS):
            for name, row in rows.items():
                figures[name].append(row())
        stub.kill()
    for name, values in figures.items():
        print(f"{name:42} {statistics.median(values):8.1f} us   ({min(values):.1f} to {max(values):.1f})")


if __name__ == "__main__":
    main()
