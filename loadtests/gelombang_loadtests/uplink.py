"""A person's line: how fast bytes leave, in which pieces, and how long a round trip takes.

The model: byte i of a request leaves no earlier than i / uplink after sending began. A body goes out in pieces, each when its last byte
is due, so that sending n bytes takes n / uplink exactly, however late single timers are: a late piece is made up for by the next ones,
but never by more than one piece at once, because a line has no memory.

Leaves out: the handshake's own round trip, loss, slow start, and the downlink (answers are small).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

PACED_FROM_BYTES = 4_096
"""Requests below this leave at once: 4 KB take 3 ms on the median scaled line, a timer's own resolution."""
PIECE_BYTES = 32_768
"""26 ms of the median line at 60-fold speed. Each piece costs a timer, a turn of the loop and a wake-up of the server: half as many as with
16 KiB."""
PIECE_LONGEST_SECONDS = 0.050
PIECE_SHORTEST_SECONDS = 0.001
"""Pieces grow on fast lines, because timers of the event loop have steps of a millisecond."""
PIECE_SMALLEST_BYTES = 256
UNPACED_PIECE_BYTES = 1_048_576
ROUND_TRIP_FROM_SECONDS = 0.005
"""Round trips below this (wall) aren't waited for: the event loop's timers are up to 1 ms late, and each costs CPU on every small request.
At 60-fold speed that leaves out the typical 1 ms, which stands for 60 ms of people's time beside a patience of seconds."""
BUFFERS_LIMIT = 64
"""Buffers in one system call."""


class Line(NamedTuple):
    """In wall time, scaled already. Infinite uplink and no round trip: the machine's own speed."""

    uplink_bytes_per_second: float
    round_trip_seconds: float


UNPACED = Line(math.inf, 0.0)


def piece_bytes(uplink_bytes_per_second: float) -> int:
    """32 KiB, more when they would pass in under 1 ms, less when they would take over 50 ms."""
    if uplink_bytes_per_second == math.inf:
        return UNPACED_PIECE_BYTES
    size = min(max(PIECE_BYTES, uplink_bytes_per_second * PIECE_SHORTEST_SECONDS), uplink_bytes_per_second * PIECE_LONGEST_SECONDS)
    return min(max(int(size), PIECE_SMALLEST_BYTES), UNPACED_PIECE_BYTES)


class Outgoing:
    """The bytes of a request that haven't left, in their buffers: nothing is copied."""

    __slots__ = ("_first", "_parts", "left_bytes")

    def __init__(self, parts: Sequence[bytes | memoryview]) -> None:
        self._parts = [memoryview(part) for part in parts if part]
        self._first = 0
        self.left_bytes = sum(map(len, self._parts))

    def piece(self, limit_bytes: int) -> list[memoryview]:
        """The next buffers, at most so many bytes (and at most so many buffers as one call takes)."""
        if limit_bytes >= self.left_bytes and len(self._parts) - self._first <= BUFFERS_LIMIT:
            return self._parts[self._first :]
        taken: list[memoryview] = []
        index = self._first
        while limit_bytes > 0 and index < len(self._parts) and len(taken) < BUFFERS_LIMIT:
            part = self._parts[index]
            taken.append(part if len(part) <= limit_bytes else part[:limit_bytes])
            limit_bytes -= len(part)
            index += 1
        return taken

    def leave(self, count_bytes: int) -> None:
        """So many bytes are gone."""
        self.left_bytes -= count_bytes
        if not self.left_bytes:
            self._first = len(self._parts)
            return
        while count_bytes:
            part = self._parts[self._first]
            if len(part) > count_bytes:
                self._parts[self._first] = part[count_bytes:]
                return
            count_bytes -= len(part)
            self._first += 1
