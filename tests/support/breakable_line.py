"""A line between a browser and a port of this machine that can be broken in the middle of a request, and mended."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread

PIECE_BYTES = 4_096
"""Taken off the sender at once: small, so that a break leaves little on the way."""
_RESET = struct.pack("ii", 1, 0)


class BreakableLine:
    """Relays connections to `port`. A broken line resets those that are open, and every new one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = Lock()
        self._ends: list[socket.socket] = []
        self._is_broken = False
        self.port = int(self._listener.getsockname()[1])
        self.passed_bytes = 0
        """From the browser, since the beginning."""
        Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        with self._lock:
            self._is_broken = True
            ends, self._ends = self._ends, []
        for end in ends:
            _reset(end)

    def mend(self) -> None:
        with self._lock:
            self._is_broken = False

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._is_broken:
                    _reset(near)
                    continue
                near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE_BYTES)
                far = socket.create_connection(("127.0.0.1", self._port))
                with self._lock:
                    self._ends += [near, far]
                Thread(target=self._pump, args=(near, far, True), daemon=True).start()
                Thread(target=self._pump, args=(far, near, False), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, is_sent: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                target.sendall(piece)
                if is_sent:
                    self.passed_bytes += len(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def breakable_line(port: int) -> Iterator[BreakableLine]:
    """It is closed at the end of the block."""
    line = BreakableLine(port)
    try:
        yield line
    finally:
        line.close()


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.shutdown(socket.SHUT_RDWR)
    end.close()
