"""A sink for the goodput storm: an upload process that grants every ticket, throws every photo away and answers at once.

What a small step takes beside it is what the storm costs by itself, through the kernel and the one core that both share: the rest of what
it takes beside the real thing is the site's own. No framework, no database, no disk.

    python -m server_bench.sink    prints its address, serves until its input ends
"""

import asyncio
import sys

_TICKET = b'{"url": "http://sink.example/api/v1/me/photos/ktp?ticket=any"}'
_ANSWER = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            left = _length(head)
            while left:
                left -= len(await reader.readexactly(min(left, 65_536)))
            writer.write(_ANSWER % (len(_TICKET), _TICKET))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        # Cancelled only when the sink ends; raised on, asyncio would print a traceback for each connection.
        writer.close()


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=4_096)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    async with server:
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(_main())
