"""A line to several server processes: each connection goes to the next one, and the first that carries a body is broken on its way."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

READ_BYTES = 16_384


class Line:
    """`served` says which process each connection went to."""

    def __init__(self, urls: Sequence[str], cut_bytes: int) -> None:
        self._targets = [(parts.hostname or "", parts.port or 0) for parts in map(urlsplit, urls)]
        self._cut_bytes = cut_bytes
        self.served: list[int] = []
        self.cuts = 0
        self.url = ""
        self._opened = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def open(self) -> None:
        """Until `close`, in a thread of its own."""
        self._thread.start()
        self._opened.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._carry_both, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._opened.set()
        await self._closing.wait()
        server.close()

    async def _carry_both(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        process = len(self.served) % len(self._targets)
        self.served.append(process)
        from_site, to_site = await asyncio.open_connection(*self._targets[process])
        # The line may be closed under a connection that a client keeps open.
        with suppress(asyncio.CancelledError):
            await asyncio.gather(self._carry(reader, to_site, writer), self._carry(from_site, writer, None))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamWriter | None) -> None:
        carried = 0
        try:
            while data := await reader.read(READ_BYTES):
                carried += len(data)
                if back is not None and carried > self._cut_bytes and not self.cuts:
                    self.cuts += 1
                    _reset(writer)
                    _reset(back)
                    return
                writer.write(data)
                await writer.drain()
            writer.close()
        except OSError:
            writer.transport.abort()


@contextmanager
def line(urls: Sequence[str], cut_bytes: int) -> Iterator[Line]:
    """Open until the end of the block."""
    made = Line(urls, cut_bytes)
    made.open()
    try:
        yield made
    finally:
        made.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    bound: socket.socket = writer.get_extra_info("socket")
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
