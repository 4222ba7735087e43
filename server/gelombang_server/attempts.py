"""The server's end of the ledger: every attempt that it saw ends exactly once, in one (stage, outcome, code).

The door (`gelombang_server.door`) begins an attempt when the headers are read and ends it when the handler has answered, so a handler
only says how far it got (`attempt.stage = ...`, `stage_us`, `received`, `kept`) and raises a `Problem` or returns. A handler that must
outlive its request (a ticket was given and the photo comes in another request; work goes on after the answer) calls `rest()`: from then
on whoever holds the attempt ends it. The next request with the same trace id picks a resting attempt up again as a further exchange.

An attempt has a row when its request carries a traceparent of this run with a number from 1 to 65,535; any other request (curl, a probe,
somebody else's tracing) is counted in the book and the metrics, and leaves no row. The same trace id in two requests at the same time
makes two attempts: what a client sends can't break the book.
"""

import struct
from typing import Literal, get_args

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.attempt_id import AttemptId, parse_traceparent
from gelombang.clock import monotonic_us
from gelombang.ledger import SERVER_ROW, LedgerWriter
from gelombang.steps import PhotoKind
from gelombang_server.metrics import Metrics
from gelombang_server.routes import Route

StageField = Literal["admission_us", "body_us", "digest_us", "inspect_us", "store_wait_us", "store_us", "commit_us"]

_FIELDS = SERVER_ROW.fields
assert _FIELDS is not None
_OFFSETS: dict[str, int] = {name: _FIELDS[name][1] for name in SERVER_ROW.names or ()}
_STAGES: dict[StageField, str] = {field: field.removesuffix("_us") for field in get_args(StageField)}
_U32_LIMIT = 0xFFFF_FFFF
_NUMBER_LIMIT = 0xFFFF
_U32 = struct.Struct("<I")
_BEGUN = struct.Struct("<QHHBBBBHHHHq")
"""person to began, in the order of SERVER_ROW."""
_ENDED = struct.Struct("<BBBHH")
"""stage, outcome, exchanges, status, code."""
_TAIL = struct.Struct("<qII")
"""ended, bytes_received, bytes_kept."""
assert _BEGUN.size == _OFFSETS["ended"]
assert _OFFSETS["stage"] + _ENDED.size == _OFFSETS["route"]
assert _OFFSETS["ended"] + _TAIL.size == _OFFSETS["admission_us"]


class ServerAttempt:
    """One attempt as this process sees it."""

    __slots__ = (
        "_book",
        "_offset",
        "began_us",
        "code",
        "exchanges",
        "id",
        "is_open",
        "is_resting",
        "kept_bytes",
        "photo",
        "received_bytes",
        "stage",
    )

    def __init__(self, book: "AttemptBook", attempt_id: AttemptId | None, offset: int, began_us: int) -> None:
        self._book = book
        self._offset = offset
        self.id = attempt_id
        """None: no row in the ledger."""
        self.began_us = began_us
        """System-wide monotonic clock, not relative to the run's zero."""
        self.stage = Stage.HEADERS
        """How far it got; a handler moves it forward."""
        self.photo: PhotoKind | None = None
        self.code = Code.NONE
        """Of its end, or of its latest answer."""
        self.exchanges = 1
        self.received_bytes = 0
        self.kept_bytes = 0
        self.is_open = True
        self.is_resting = False

    def of_photo(self, kind: PhotoKind) -> None:
        """This attempt is an upload: it counts in the upload metrics from now on. A second call changes nothing."""
        if self.photo is None:
            self.photo = kind
            self._book.upload_started(kind)

    def stage_us(self, field: StageField, microseconds: int) -> None:
        """How long one stage took; written at once, so a killed process leaves it behind."""
        if self._offset >= 0:
            _U32.pack_into(self._book.ledger.buffer, self._offset + _OFFSETS[field], min(max(microseconds, 0), _U32_LIMIT))
        if self.photo is not None:
            self._book.observe_stage(field, microseconds)

    def received(self, n: int) -> None:
        """`n` more bytes of the photo arrived."""
        self.received_bytes += n

    def kept(self, n: int) -> None:
        """`n` bytes of the photo are durable."""
        self.kept_bytes = n

    def exchange(self) -> None:
        """The attempt goes on in another request."""
        self.exchanges = min(self.exchanges + 1, 255)

    def rest(self, *, findable: bool = True) -> None:
        """The door shall not end this attempt when the handler returns: it is continued by the next request with its trace id, or ended by
        the caller. An attempt without a trace id can't be found again by the next request, nor one that is not `findable`."""
        assert self.is_open
        self.is_resting = True
        if findable and self.id is not None:
            self._book.resting[self.id] = self

    def wake(self) -> None:
        """Undo `rest`: a request owns the attempt again."""
        self.is_resting = False
        if self.id is not None and self._book.resting.get(self.id) is self:
            del self._book.resting[self.id]

    def end(self, stage: Stage, outcome: ServerOutcome, code: Code, status: int, kept_bytes: int | None = None) -> None:
        """Close the row. Exactly once: a second end is a programmer error."""
        assert self.is_open, f"attempt {self.id} ended twice"
        self.is_open = False
        if self.is_resting:
            self.wake()
        if kept_bytes is not None:
            self.kept_bytes = kept_bytes
        self.stage = stage
        self.code = code
        book = self._book
        if self._offset >= 0:
            buffer, offset = book.ledger.buffer, self._offset
            _ENDED.pack_into(buffer, offset + _OFFSETS["stage"], stage, outcome, self.exchanges, status, code)
            received, kept = min(self.received_bytes, _U32_LIMIT), min(self.kept_bytes, _U32_LIMIT)
            _TAIL.pack_into(buffer, offset + _OFFSETS["ended"], monotonic_us() - book.zero_us, received, kept)
        book.ended(self, outcome, code)


class AttemptBook:
    """All attempts of one process. Conservation: started = ended + in flight, asserted at every scrape and at the end."""

    def __init__(self, ledger: LedgerWriter, metrics: Metrics, run: int, zero_us: int) -> None:
        self.ledger = ledger
        self.zero_us = zero_us
        self.started_count = 0
        self.ended_count = 0
        self.resting: dict[AttemptId, ServerAttempt] = {}
        self._run = run
        self._open: set[ServerAttempt] = set()
        self._metrics = metrics
        metrics.at_scrape(self.scrape)

    def begin(self, traceparent: str | None, route: Route) -> ServerAttempt:
        """The attempt of a request: a resting one, continued, or a fresh one. Raises HostError when the ledger is full."""
        attempt_id = parse_traceparent(traceparent)
        if attempt_id is not None and (attempt_id.run != self._run or not 0 < attempt_id.number <= _NUMBER_LIMIT):
            attempt_id = None
        if attempt_id is not None and (resting := self.resting.get(attempt_id)) is not None:
            resting.wake()
            resting.exchange()
            return resting
        began_us = monotonic_us()
        offset = -1
        if attempt_id is not None:
            offset = self.ledger.begin()
            _, person, tab, step, number = attempt_id
            row = (person, step, number, tab, 0, 0, 1, 0, 0, route, 0, began_us - self.zero_us)
            _BEGUN.pack_into(self.ledger.buffer, offset, *row)
        attempt = ServerAttempt(self, attempt_id, offset, began_us)
        self.started_count += 1
        self._open.add(attempt)
        return attempt

    @property
    def in_flight(self) -> int:
        return len(self._open)

    def check_conservation(self) -> None:
        """started = ended + in flight, or an AssertionError."""
        counts = (self.started_count, self.ended_count, len(self._open))
        assert counts[0] == counts[1] + counts[2], f"started {counts[0]}, ended {counts[1]}, in flight {counts[2]}"
        resting = sum(attempt.is_resting for attempt in self._open)
        assert len(self.resting) <= resting, f"{len(self.resting)} findable of {resting} resting attempts"

    def close_open(self) -> None:
        """End what is still open as SHUTDOWN, at the stage it reached; then started = ended."""
        for attempt in list(self._open):
            attempt.end(attempt.stage, ServerOutcome.SHUTDOWN, Code.SHUTTING_DOWN, 0)
        self.check_conservation()

    # what attempts report

    def upload_started(self, kind: PhotoKind) -> None:
        self._metrics.upload_started[kind].inc()

    def observe_stage(self, field: StageField, microseconds: int) -> None:
        self._metrics.upload_stages.took(_STAGES[field], microseconds)

    def ended(self, attempt: ServerAttempt, outcome: ServerOutcome, code: Code) -> None:
        self.ended_count += 1
        self._open.discard(attempt)
        if attempt.photo is not None:
            self._metrics.upload_ended(attempt.photo, attempt.stage, outcome, code).inc()
            self._metrics.received_bytes.inc(attempt.received_bytes)
            if outcome is ServerOutcome.COMPLETED:
                self._metrics.kept_bytes.inc(attempt.kept_bytes)

    def scrape(self) -> None:
        self.check_conservation()
        self._metrics.in_flight.set(sum(attempt.photo is not None for attempt in self._open))
