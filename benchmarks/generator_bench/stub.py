"""A server with one canned answer to everything, in a process of its own on one core: what it costs is not measured.

It reads a head and as many body bytes as the head says, and answers 200 with a small JSON. It keeps connections open. With a certificate it
speaks TLS. It has the interface of a reference site for people: nothing is remembered.
"""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

BODY = b'{"state":"email_verified","session":"0123456789abcdef","next":"phone"}\n'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n"
    b"Date: Sat, 11 Apr 2020 12:00:00 GMT\r\nServer: stub\r\n\r\n%b" % (len(BODY), BODY)
)
BACKLOG = 4_096
GENERATOR_CORE, STUB_CORE = 0, 1
"""The two cores of the benchmark."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of the stub's certificate, its key, and of the authority that signed it."""

    certificate: Path
    key: Path
    authority: Path

    @classmethod
    def made(cls, folder: Path) -> "Tls":
        """A certificate for 127.0.0.1 and localhost."""
        import trustme

        authority = trustme.CA()
        leaf = authority.issue_cert("127.0.0.1", "localhost")
        made = cls(folder / "stub.pem", folder / "stub.key", folder / "authority.pem")
        authority.cert_pem.write_to_path(str(made.authority))
        leaf.private_key_pem.write_to_path(str(made.key))
        for number, blob in enumerate(leaf.cert_chain_pems):
            blob.write_to_path(str(made.certificate), append=number > 0)
        return made


class _Canned(asyncio.Protocol):
    def __init__(self) -> None:
        self._left = 0
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's isn't registered as one

    def data_received(self, data: bytes) -> None:
        while data:
            if self._left:
                taken = min(self._left, len(data))
                self._left -= taken
                data = data[taken:]
            else:
                self._head += data
                head, found, data = self._head.partition(b"\r\n\r\n")
                if not found:
                    return
                self._head = b""
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self._left = int(length or b"0")
            if not self._left:
                self._transport.write(ANSWER)


def _serve(core: str, *certificate: str) -> None:
    if core:
        os.sched_setaffinity(0, {int(core)})
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Canned, "127.0.0.1", 0, backlog=BACKLOG, ssl=context)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    uvloop.run(main())


@contextmanager
def canned(tls: Tls | None = None, core: int | None = None) -> Iterator[int]:
    """A stub on this machine; its port. `core`: the only one that it runs on."""
    # A command of its own: with Locust's patched pipes, multiprocessing can't start anybody.
    files = () if tls is None else (str(tls.certificate), str(tls.key))
    command = [sys.executable, __file__, "" if core is None else str(core), *files]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
