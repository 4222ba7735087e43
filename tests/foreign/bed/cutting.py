"""A line that breaks. Not part of gelombang.

Usage: cutting.py PORT BYTES; prints its own port when it listens. Forwards every connection to 127.0.0.1:PORT, and breaks the first one
that has carried more than BYTES towards it, with a reset on both ends.
"""

import asyncio
import socket
import struct
import sys

port, limit = int(sys.argv[1]), int(sys.argv[2])
cuts_left = [1]


def reset(writer):
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def carry(reader, writer, other, counted):
    carried = 0
    try:
        while data := await reader.read(16_384):
            carried += len(data)
            if counted and carried > limit and cuts_left[0]:
                cuts_left[0] -= 1
                reset(writer)
                reset(other)
                return
            writer.write(data)
            await writer.drain()
        writer.close()
    except OSError:
        writer.transport.abort()


async def serve(reader, writer):
    to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(carry(reader, to_writer, writer, True), carry(to_reader, writer, to_writer, False))


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
