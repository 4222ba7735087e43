"""The log of one process: a JSON line for each request, for whoever has to find one among many; nothing in it is about a person.

A line holds time, level, event, trace id, the attempt (its numbers, no name), route, status, code and seconds. It is made of closed sets
and numbers, never of a path, a header, a query or a body, so that no address, NIK, code or password can get into it; a trace id is
hexadecimal, or the request gets one of its own. The event loop only puts a row into a bounded queue: a thread writes now
and then. When the queue is full, or the disk says no, or the file has its size, lines are dropped and counted, and the last line of the
log says how many.
"""

import re
import secrets
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import orjson

from gelombang.attempt import Code
from gelombang.attempt_id import AttemptId
from gelombang.clock import MICROSECONDS, monotonic_us, utc_now
from gelombang.profile import Log
from gelombang_server.routes import Route

BATCH_LIMIT = 1_000
"""Lines in one write."""
WRITE_EVERY_SECONDS = 0.2
"""Wall time between looks at the queue: a thread that is woken for each line takes the interpreter from the event loop each time."""
_LABELS = {route: route.label for route in Route}
_CODES = {code: "null" if code is Code.NONE else f'"{code.name.lower()}"' for code in Code}
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""Trace Context, W3C Recommendation 2021, section 3.2."""


class Row(NamedTuple):
    """One request, as the event loop leaves it."""

    at_us: int
    traceparent: str | None
    attempt: AttemptId | None
    route: Route
    status: int
    code: Code
    took_us: int


class Logbook:
    """Use `note` from the event loop; `close` writes what is queued."""

    def __init__(self, path: Path, limits: Log) -> None:
        self._shed = 0
        """Rows for which the queue had no room; the event loop counts them, and the thread the other ones."""
        self._unwritten = 0
        self._file = path.open("ab", buffering=0)
        self._left_bytes = limits.file_bytes_limit - self._file.tell()
        self._queue: deque[Row] = deque()
        self._limit = limits.lines_queue_limit
        self._closing = Event()
        self._zero_wall_us = round(utc_now().timestamp() * MICROSECONDS) - monotonic_us()
        """The wall clock at the monotonic clock's zero."""
        self._second, self._second_text = -1, ""
        """The second of the latest line: most lines are of the same one."""
        self._thread = Thread(target=self._write, name="logbook", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Lines that are nowhere."""
        return self._shed + self._unwritten

    def note(self, row: Row) -> None:
        """Never waits: without room the line is dropped and counted."""
        if len(self._queue) < self._limit:
            self._queue.append(row)
        else:
            self._shed += 1

    def close(self) -> None:
        """Write what is queued, and how many lines were dropped."""
        self._closing.set()
        self._thread.join()
        end = {"time": _moment(utc_now()), "level": "info", "event": "closed", "dropped": self.dropped}
        self._put([orjson.dumps(end)])
        self._file.close()

    def _write(self) -> None:
        while not self._closing.wait(WRITE_EVERY_SECONDS):
            self._write_queued()
        self._write_queued()

    def _write_queued(self) -> None:
        while self._queue:
            rows = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_LIMIT))]
            self._put([self._line(row) for row in rows])

    def _put(self, lines: list[bytes]) -> None:
        data = b"\n".join(lines) + b"\n"
        if len(data) > self._left_bytes:
            self._unwritten += len(lines)
            return
        try:
            written = self._file.write(data)
        except OSError:
            self._unwritten += len(lines)
            return
        self._left_bytes -= written
        if written < len(data):  # The disk took a part: the rest would begin in the middle of a line.
            self._left_bytes = 0
            self._unwritten += data[written:].count(b"\n")

    def _line(self, row: Row) -> bytes:
        """Its JSON, spelled out, at half of what a library takes: of numbers, and of words that need no escape."""
        when = self._moment_of(row.at_us)
        _, person, tab, step, number = row.attempt or (0, 0, 0, 0, 0)
        who = f"[{person},{tab},{step},{number}]" if row.attempt is not None else "null"
        return (
            f'{{"time":"{when}","level":"{_level(row.status)}","event":"request","trace":"{trace_id(row.traceparent)}","attempt":{who},'
            f'"route":"{_LABELS[row.route]}","status":{row.status},"code":{_CODES[row.code]},"seconds":{row.took_us / MICROSECONDS!r}}}'
        ).encode()

    def _moment_of(self, at_us: int) -> str:
        second, part_us = divmod(self._zero_wall_us + at_us, MICROSECONDS)
        if second != self._second:
            self._second, self._second_text = second, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._second_text}.{part_us:06d}Z"


def trace_id(traceparent: str | None) -> str:
    """The request's trace id, or one of its own where it has none."""
    found = None if traceparent is None else _TRACEPARENT.fullmatch(traceparent)
    return found[1] if found is not None else secrets.token_hex(16)


def _level(status: int) -> str:
    if status < 400:
        return "info"
    return "error" if status == 500 else "warning"


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")
