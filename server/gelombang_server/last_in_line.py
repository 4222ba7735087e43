"""Before a process stops: whoever knocked before is let in.

A process that is asked for more than it can do has requests that wait unread, in the kernel's accept queue and in sockets. Stopped over
them, it would end as if nobody had sent them, and no ledger could say what became of their people. Both queues are served in order, so the
process asks itself for /healthz, at the end of its own line: when that is answered, everything before it was read.

Requests that come later are not waited for; neither is longer than `WITHIN_SECONDS`.
"""

import asyncio
import socket

WITHIN_SECONDS = 5.0
_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def let_in_who_waits(listener: socket.socket) -> bool:
    """Stand in line and be served; False when that took too long, or the door is closed already."""
    host, port = listener.getsockname()
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_REQUEST)
                return bool(await reader.readline())
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
