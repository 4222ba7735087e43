"""What a service saw of each request that belongs to an attempt: one row per request, in `FOLDER/<run>/ledger-server-<pid>.bin`.

A request without a traceparent, or with somebody else's, costs one look at a header and leaves nothing. Several requests of one attempt
(redirects, repeats) leave several rows, and worker processes write files of their own: `gelombang join` makes one row of them. Times are
system-wide monotonic microseconds; the join moves them to the run's zero. A full ledger stops writing and never stops the service.
"""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.attempt_id import parse_traceparent
from gelombang.clock import monotonic_us
from gelombang.errors import HostError
from gelombang.ledger import SERVER_ROW, LedgerWriter

ROWS_LIMIT = 5_000_000
"""Rows of one run in one process."""
CHUNK_ROWS = 8_192
RUNS_LIMIT = 4
"""Runs that are written at the same time; the oldest is closed for the next."""
PROBLEM_BYTES_LIMIT = 4_096
"""How much of an error's body is looked at for its `code`."""
SHED = (429, 503)

_NUMBER_LIMIT = 0xFFFF
_U32_LIMIT = 0xFFFF_FFFF
_CODES = {code.name.lower(): code for code in Code}
_BEGUN = struct.Struct("<QHHBBBBHHHHq")
"""person to began, in the order of SERVER_ROW."""
_ENDED = struct.Struct("<BBBHH")
"""stage, outcome, exchanges, status, code."""
_TAIL = struct.Struct("<qII")
"""ended, bytes_received, bytes_kept."""
_FIELDS = SERVER_ROW.fields
assert _FIELDS is not None
_STAGE_AT, _ENDED_AT = _FIELDS["stage"][1], _FIELDS["ended"][1]


class SeenRequest:
    """One request of an attempt, until it ends."""

    __slots__ = ("_book", "_offset", "_writer", "received_bytes")

    def __init__(self, book: "ServiceBook", writer: LedgerWriter, offset: int) -> None:
        self._book = book
        self._writer = writer
        self._offset = offset
        self.received_bytes = 0

    def answered(self, status: int, told_to_return: bool, problem: bytes, *, whole: bool = True) -> None:
        """The service answered; `whole` is False when the client left before it had all of the answer."""
        outcome = outcome_of_status(status, told_to_return) if whole else ServerOutcome.ABANDONED
        code = code_of_problem(problem) if status >= 400 else Code.NONE
        self._book.end(self._writer, self._offset, Stage.ACKNOWLEDGE, outcome, status, code, self.received_bytes)

    def broke(self) -> None:
        """The service raised, or never answered."""
        outcome, code = ServerOutcome.FAILED, Code.NONE
        self._book.end(self._writer, self._offset, Stage.ACCEPT, outcome, 500, code, self.received_bytes)


class ServiceBook:
    """All requests that this process saw; safe for threads, and for servers that fork after it was made."""

    def __init__(self, folder: str | Path, clock: Callable[[], int] = monotonic_us) -> None:
        self._folder = Path(folder)
        self._clock = clock
        self._lock = Lock()
        self._pid = os.getpid()
        self._writers: dict[int, LedgerWriter] = {}
        self._full: set[int] = set()

    def begin(self, traceparent: str | None) -> SeenRequest | None:
        """A row for the request; None when it belongs to no attempt."""
        attempt = parse_traceparent(traceparent)
        if attempt is None or not 0 < attempt.number <= _NUMBER_LIMIT:
            return None
        began_us = self._clock()
        with self._lock:
            try:
                writer = self._writer(attempt.run)
                offset = writer.begin()
            except (HostError, OSError):
                self._full.add(attempt.run)
                return None
            row = (attempt.person, attempt.step, attempt.number, attempt.tab, 0, 0, 1, 0, 0, 0, 0, began_us)
            _BEGUN.pack_into(writer.buffer, offset, *row)
        return SeenRequest(self, writer, offset)

    def end(self, writer: LedgerWriter, offset: int, stage: Stage, outcome: ServerOutcome, status: int, code: Code, received: int) -> None:
        """Close a row, unless its file was closed before."""
        ended_us = self._clock()
        with self._lock:
            if not writer.buffer.closed:
                _ENDED.pack_into(writer.buffer, offset + _STAGE_AT, stage, outcome, 1, status, code)
                _TAIL.pack_into(writer.buffer, offset + _ENDED_AT, ended_us, min(received, _U32_LIMIT), 0)

    def close(self) -> None:
        """Cut the files to their rows."""
        with self._lock:
            while self._writers:
                self._writers.popitem()[1].close()

    def _writer(self, run: int) -> LedgerWriter:
        if self._pid != os.getpid():
            # The parent's files are the parent's: a forked worker begins its own.
            self._pid, self._writers = os.getpid(), {}
        found = self._writers.get(run)
        if found is not None:
            return found
        if run in self._full:
            raise HostError(f"the ledger of run {run:010x} was full before")
        if len(self._writers) >= RUNS_LIMIT:
            self._writers.pop(next(iter(self._writers))).close()
        folder = self._folder / f"{run:010x}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"ledger-server-{self._pid}.bin"
        later = 0
        while path.exists():
            later += 1
            path = folder / f"ledger-server-{self._pid}-{later}.bin"
        writer = self._writers[run] = LedgerWriter(path, SERVER_ROW, ROWS_LIMIT, CHUNK_ROWS)
        return writer


def outcome_of_status(status: int, told_to_return: bool) -> ServerOutcome:
    """How the service ended a request that it answered."""
    if status in SHED and told_to_return:
        return ServerOutcome.REFUSED
    if status >= 500:
        return ServerOutcome.FAILED
    return ServerOutcome.REJECTED if status >= 400 else ServerOutcome.COMPLETED


def code_of_problem(body: bytes) -> Code:
    """The `code` of a problem document where it is one that the ledger knows; NONE otherwise."""
    try:
        problem = json.loads(body)
    except ValueError:
        return Code.NONE
    code = problem.get("code") if isinstance(problem, dict) else None
    return _CODES.get(code, Code.NONE) if isinstance(code, str) else Code.NONE


def tells_to_return(header: str | None, problem: bytes) -> bool:
    """Whether an answer names a time to come back: Retry-After, or `retry_after_seconds` in its problem document."""
    return header is not None or b'"retry_after_seconds"' in problem
