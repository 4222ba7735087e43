"""One HTTP/1.1 connection that costs little: bytes out, status and body back. All rows have this client, so that they differ by the server.

It knows answers with a Content-Length only, which is what the servers of these rows send.
"""

import asyncio
from urllib.parse import urlsplit


class Connection(asyncio.Protocol):
    """Use `open_connection`. One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._got = bytearray()
        self._need = -1
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        if self._need < 0:
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._got[:end]).lower()
            at = head.find(b"\r\ncontent-length:")
            length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            self._need = end + 4 + length
        if len(self._got) >= self._need:
            status, body = int(self._got[9:12]), bytes(self._got[self._got.find(b"\r\n\r\n") + 4 : self._need])
            self._got.clear()
            self._need = -1
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result((status, body))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionResetError("the server closed the connection"))

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, data: bytes) -> None:
        """Bytes of a request, without waiting for its answer."""
        assert self._transport is not None
        self._transport.write(data)

    async def ask(self, head: bytes, body: bytes = b"") -> tuple[int, bytes]:
        """One request, one answer."""
        if not self.is_open:
            raise ConnectionResetError("the server closed the connection")
        self._waiter = asyncio.get_running_loop().create_future()
        self.send(head + body if len(body) < 65_536 else head)
        if len(body) >= 65_536:
            self.send(body)
        return await self._waiter

    def leave(self) -> None:
        """Go away, whatever is in progress."""
        if self._transport is not None:
            self._transport.abort()


async def open_connection(url: str) -> Connection:
    """A connection to the host and port of a URL."""
    parts = urlsplit(url)
    _, protocol = await asyncio.get_running_loop().create_connection(Connection, parts.hostname, parts.port)
    return protocol


def head(method: str, path: str, length: int, *lines: str) -> bytes:
    """The head of a request."""
    more = "".join(f"{line}\r\n" for line in lines)
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{more}\r\n".encode()


def json_head(method: str, path: str, length: int, session: str, *lines: str) -> bytes:
    """The head of a JSON request of somebody who is logged in."""
    return head(method, path, length, "Content-Type: application/json", f"Authorization: Bearer {session}", *lines)
