"""A TCP relay that delays: what comes in goes out a fixed time later, in both directions, in order.

    python relay.py SECONDS LISTEN_HOST:PORT=TARGET_HOST:PORT …      prints "ready" when all listen; ends with its standard input

At most LATE_PIECES_LIMIT pieces are under way in one direction of one connection; then it reads no more until some have gone out.
"""

import asyncio
import sys
from typing import TypeAlias

PIECE_BYTES = 65_536
LATE_PIECES_LIMIT = 32
Pair: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Hand on until the sender has ended."""
    loop = asyncio.get_running_loop()
    late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(LATE_PIECES_LIMIT)

    async def read() -> None:
        piece = b"first"
        while piece:
            try:
                piece = await reader.read(PIECE_BYTES)
            except OSError:
                piece = b""
            await late.put((loop.time() + seconds, piece))

    reading = asyncio.create_task(read())
    try:
        while True:
            due, piece = await late.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                return
            writer.write(piece)
            await writer.drain()
    except OSError:
        return
    finally:
        reading.cancel()


async def relay(near: Pair, target: tuple[str, int], seconds: float) -> None:
    """One connection. Whoever ends it has left: HTTP closes no half of one."""
    try:
        far = await asyncio.open_connection(*target)
    except OSError:
        near[1].close()
        return
    pumps = [asyncio.create_task(pump(near[0], far[1], seconds)), asyncio.create_task(pump(far[0], near[1], seconds))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in pumps:
            each.cancel()
        for _, writer in (near, far):
            writer.close()


async def serve(seconds: float, pairs: list[str]) -> None:
    """Relay each pair until standard input ends."""
    for pair in pairs:
        listen, target = ((host, int(port)) for host, _, port in (side.rpartition(":") for side in pair.split("=")))

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int] = target) -> None:
            await relay((reader, writer), target, seconds)

        await asyncio.start_server(handle, *listen, backlog=1_024)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), sys.argv[2:]))
