"""What a page says about an upload of its own when it ended: counted by how and where, and written down to be joined with the server's row.

It is what a browser says, so nothing is decided by it. Bounded: a body of `REPORT_LIMIT_BYTES`, so many reports a minute for each
applicant (whose session is the only one that may report about them), and so many rows a process.
"""

import asyncio
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Annotated

from aiohttp import web
from pydantic import Field, ValidationError

from gelombang import telemetry
from gelombang.attempt import PAGE_OUTCOMES, PAGE_PHASES, Code, Stage
from gelombang.attempt_id import PAGE_PEOPLE, parse_trace_id
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import HostError
from gelombang.ledger import GENERATOR_ROW, LedgerWriter
from gelombang.page_reports import PAGE_STEPS
from gelombang.profile_pages import Pages
from gelombang_server.answers import Answer
from gelombang_server.bodies import Fields
from gelombang_server.config import ATTEMPT, CONTEXT, SiteContext
from gelombang_server.pages.visitor import visitor_of
from gelombang_server.problem import Problem

REPORT_LIMIT_BYTES = 512
WINDOW_SECONDS = 60.0
CHUNK_ROWS = 4_096
_OUTCOMES = {outcome.name.lower(): outcome for outcome in PAGE_OUTCOMES}
_PHASES = {phase.name.lower(): phase for phase in PAGE_PHASES}
_CODES = {code.name.lower(): code for code in Code}
_ROW = struct.Struct("<QHHBBBBHHIqqqIIIIII")
assert _ROW.size == GENERATOR_ROW.itemsize


class Report(Fields):
    """The end of one try."""

    attempt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    outcome: Annotated[str, Field(max_length=20)]
    phase: Annotated[str, Field(max_length=20)]
    code: Annotated[str, Field(max_length=40)] = "none"
    status: Annotated[int, Field(ge=0, le=599)]
    bytes: Annotated[int, Field(ge=0, lt=1 << 32)]
    exchanges: Annotated[int, Field(ge=0, le=255)]
    milliseconds: Annotated[int, Field(ge=0, lt=1 << 32)]


class PageReports:
    """Of one process."""

    def __init__(self, context: SiteContext, limits: Pages) -> None:
        self._context = context
        self._limits = limits
        path = Path(context.plan.folder) / f"ledger-pages-{context.slot}.bin"
        self._ledger = LedgerWriter(path, GENERATOR_ROW, limits.reports_limit, min(CHUNK_ROWS, limits.reports_limit))
        self._windows: OrderedDict[int, tuple[int, int]] = OrderedDict()
        """By applicant: when their minute began, and how many reports came in it."""
        self._unwritten = context.metrics.counter(telemetry.CLIENT_REPORTS_UNWRITTEN)

    def require_room(self, applicant: int) -> None:
        """Count a report of this applicant. Raises Problem(reports_exhausted)."""
        now_us = monotonic_us()
        began_us, count = self._windows.get(applicant, (now_us, 0))
        if now_us - began_us >= WINDOW_SECONDS * MICROSECONDS:
            began_us, count = now_us, 0
        if count >= self._limits.reports_per_minute_limit:
            left_seconds = WINDOW_SECONDS - (now_us - began_us) / MICROSECONDS
            raise Problem(Code.REPORTS_EXHAUSTED, "too many reports", retry_after_seconds=left_seconds, stage=Stage.ADMISSION)
        self._windows[applicant] = (began_us, count + 1)
        if len(self._windows) > self._limits.reporters_limit:
            self._windows.popitem(last=False)

    def take(self, applicant: int, report: Report) -> None:
        """Count it and write it down. Raises Problem(field_invalid) for a try of somebody else's, or no end of a try."""
        attempt = parse_trace_id(report.attempt)
        outcome, phase = _OUTCOMES.get(report.outcome), _PHASES.get(report.phase)
        is_own = attempt.run == self._context.plan.run and attempt.person == PAGE_PEOPLE + applicant and 0 < attempt.number <= 0xFFFF
        if not is_own or attempt.step >= len(PAGE_STEPS) or outcome is None or phase is None:
            raise Problem(Code.FIELD_INVALID, "attempt, outcome or phase: want an end of one of this person's tries")
        self._context.metrics.counter(telemetry.CLIENT_UPLOAD_OUTCOMES).labels(
            PAGE_STEPS[attempt.step].value, report.outcome, report.phase
        ).inc()
        try:
            offset = self._ledger.begin()
        except HostError:
            self._unwritten.inc()
            return
        done_us = monotonic_us() - self._context.book.zero_us
        sent_us = done_us - report.milliseconds * 1_000
        code = _CODES.get(report.code, Code.NONE)
        ends = (attempt.person, attempt.step, attempt.number, attempt.tab, outcome, phase, report.exchanges, report.status, code, 0)
        _ROW.pack_into(self._ledger.buffer, offset, *ends, sent_us, sent_us, done_us, report.bytes, 0, 0, 0, 0, 0)

    async def close(self, _: web.Application) -> None:
        self._ledger.close()


async def take_report(request: web.Request) -> Answer:
    """POST /laporan: what `navigator.sendBeacon` sends."""
    applicant, reports = visitor_of(request).require(), request.app[REPORTS]
    if request.content_length is None or request.content_length > REPORT_LIMIT_BYTES:
        raise Problem(Code.BODY_TOO_LARGE, f"want a report of {REPORT_LIMIT_BYTES} bytes at most", stage=Stage.HEADERS)
    reports.require_room(applicant)
    request[ATTEMPT].stage = Stage.BODY
    try:
        async with asyncio.timeout(request.app[CONTEXT].profile.uploads.body_stall_seconds):
            report = Report.model_validate_json(await request.read())
    except TimeoutError:
        raise Problem(Code.BODY_TOO_SLOW, "the report did not come in time") from None
    except ValidationError:
        raise Problem(Code.FIELD_INVALID, "the report is none") from None
    reports.take(applicant, report)
    return Answer(204)


REPORTS = web.AppKey("reports", PageReports)
