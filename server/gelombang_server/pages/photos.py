"""The page that sends a photo, and what it asks of the process that takes photos.

With a script, a site that has tickets gives one to the page's cookie and token, and the photo goes by tus to the ticket's address: with
progress, pauses, and from where it stood after a lost line. That process has an origin of its own, so it lets the page's origin in (CORS,
Fetch standard) on these routes alone; a ticket is the whole right to its address, so no cookie counts there. Without a script the form
itself is posted there: it is asked for room before its bytes are read, and starts again from zero.

A site without progress (`uploads.shows_progress = false`) says of any failure only that it failed and should be repeated.
"""

import math
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import hdrs, web

from gelombang.attempt import Code, Stage
from gelombang.attempt_id import PAGE_PEOPLE, AttemptId
from gelombang.clock import monotonic_us
from gelombang.page_reports import PAGE_STEPS
from gelombang.profile_uploads import UploadProtocol
from gelombang.steps import PhotoKind
from gelombang_server.answers import Answer
from gelombang_server.bodies import read_json
from gelombang_server.config import ATTEMPT, CONTEXT, SiteContext
from gelombang_server.keeper import KEEPER, new_photo_id
from gelombang_server.multipart import BODIES, photo_part, whole_body
from gelombang_server.pages.answer import PageAnswer
from gelombang_server.pages.drawing import draw_page, go_to, photo_origin, words
from gelombang_server.pages.forms import JSON, come_back, shown, tell_time
from gelombang_server.pages.forms import reason as said
from gelombang_server.pages.registering import asker
from gelombang_server.pages.visitor import TOKEN_FIELD, Visitor, require_form_token, visitor_of
from gelombang_server.photobody import Inspection
from gelombang_server.problem import Problem
from gelombang_server.ticketed import DESK, TUS_PATH, TicketWish, give_ticket, tell_return
from gelombang_server.whole_photo import Kept, Upload

TICKET_PATH = "/foto/tiket"
TOKEN_HEADER = "Form-Token"
FORM_MORE_BYTES = 8_192
"""What a form has besides its photo."""
PREFLIGHT_SECONDS = 7_200
"""How long a browser remembers what it was let do: what Chromium keeps at most."""
_TRACE_PERSON = 20
"""Hexadecimal digits of run and person. A page draws tab and number: nothing counts tries over tabs and telephones."""
_SAID_BY_SCRIPT = (
    "sending", "sent_bytes", "paused", "cut", "going_on", "asking", "stored", "waits", "waits_open", "session_over", "too_large",
    "unreadable", "shrinking", "checking", "failed_plain", "wait_seconds", "wait_minutes", "code_other", "code_uploads_busy",
    "code_store_full", "code_photo_too_large", "code_photo_wrong_format", "code_photo_truncated", "code_photo_too_many_pixels",
    "code_photo_polyglot", "code_photo_undecodable", "code_photo_digest_mismatch", "code_upload_failed", "code_form_token_invalid",
)  # fmt: skip


@shown
async def photo_page(request: web.Request, visitor: Visitor) -> PageAnswer:
    """GET /foto/{kind}"""
    applicant = await asker(request, visitor)
    kind = PhotoKind(request.match_info["kind"])
    again = applicant.rejected_photos.get(kind, "")
    w = words(visitor.language)
    return _draw(request, visitor, kind, "" if not again else w.get(f"code_{again}", w["code_other"]), is_stored=kind in applicant.photos)


@shown
async def post_form(request: web.Request, visitor: Visitor) -> Answer:
    """POST /foto/{kind}: the plain form. A script that sends it asks for JSON, because a redirect would be a request of its own."""
    attempt = request[ATTEMPT]
    kind = PhotoKind(request.match_info["kind"])
    attempt.of_photo(kind)
    try:
        applicant = visitor.require()
        require_form_token(request, visitor, request.query.get(TOKEN_FIELD, ""))
        if request.content_type != "multipart/form-data":
            raise Problem(Code.WRONG_TYPE, "the body's type is not understood; want multipart/form-data", stage=Stage.HEADERS)
        if request.app[CONTEXT].profile.uploads.protocol is UploadProtocol.TICKET:
            kept = await _take_with_ticket(request, applicant, kind)
        else:
            kept = await _take(request, applicant, kind)
    except Problem as problem:
        if visitor.applicant is not None and JSON not in request.headers.get(hdrs.ACCEPT, ""):
            tell_time(request, problem)
            problem.shown = _draw_failed(request, visitor, kind, problem)
        raise
    return kept.answer() if JSON in request.headers.get(hdrs.ACCEPT, "") else go_to(request, visitor, "/status")


async def give_page_ticket(request: web.Request) -> Answer:
    """POST /foto/tiket: a ticket for the page's cookie, as programs get one for their session."""
    began_us = monotonic_us()
    visitor = visitor_of(request)
    applicant = visitor.require()
    require_form_token(request, visitor, request.headers.get(TOKEN_HEADER, ""))
    return await give_ticket(request, applicant, await read_json(request, TicketWish), began_us, None)


async def let_ask(request: web.Request) -> Answer:
    """OPTIONS /foto/tiket"""
    return Answer(204)


def let_pages_in(request: web.Request, answer: Answer) -> None:
    """What pages may do here, on the routes that they use, for their origin alone."""
    origin = request.app[CONTEXT].pages_url
    is_ticket = request.path == TICKET_PATH
    if not origin or request.headers.get(hdrs.ORIGIN) != origin or not (is_ticket or request.path.startswith(TUS_PATH)):
        return
    answer.add_header(hdrs.ACCESS_CONTROL_ALLOW_ORIGIN, origin)
    answer.add_header(hdrs.VARY, hdrs.ORIGIN)
    if is_ticket:
        answer.add_header(hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true")
    if request.method == hdrs.METH_OPTIONS:
        asked = f"content-type, {TOKEN_HEADER}, traceparent, tus-resumable, upload-offset, upload-place"
        answer.add_header(hdrs.ACCESS_CONTROL_ALLOW_METHODS, "POST, PATCH, HEAD")
        answer.add_header(hdrs.ACCESS_CONTROL_ALLOW_HEADERS, asked)
        answer.add_header(hdrs.ACCESS_CONTROL_MAX_AGE, str(PREFLIGHT_SECONDS))
    else:
        answer.add_header(hdrs.ACCESS_CONTROL_EXPOSE_HEADERS, "Upload-Offset, Upload-Length, Retry-After")


def first_attempt(context: SiteContext, applicant: int, kind: PhotoKind) -> AttemptId:
    """How a page names its tries, but for tab and number."""
    return AttemptId(context.plan.run, PAGE_PEOPLE + applicant, 0, PAGE_STEPS.index(kind), 1)


async def _take(request: web.Request, applicant: int, kind: PhotoKind) -> Kept:
    """As `multipart.post_photo`: all bytes first, then a look at them."""
    bodies = request.app[BODIES]
    if bodies.count >= bodies.limit:
        raise Problem(Code.UPLOAD_FAILED, "the upload failed; please repeat", stage=Stage.ADMISSION)
    bodies.count += 1
    try:
        return await _read_and_keep(request, applicant, kind, lambda: None)
    finally:
        bodies.count -= 1


async def _take_with_ticket(request: web.Request, applicant: int, kind: PhotoKind) -> Kept:
    """Room first, for as many bytes as the form says that it has; then its bytes."""
    attempt, context, desk, bodies = request[ATTEMPT], request.app[CONTEXT], request.app[DESK], request.app[FORMS]
    limit_bytes = context.profile.uploads.photo_limit_bytes
    size_bytes = request.content_length
    if size_bytes is None or size_bytes > limit_bytes + FORM_MORE_BYTES:
        raise Problem(Code.PHOTO_TOO_LARGE, f"the form is too large; want a photo of {limit_bytes} bytes at most", stage=Stage.HEADERS)
    if bodies.count >= bodies.limit:
        wait_seconds = desk.return_after_seconds(applicant)
        raise Problem(Code.UPLOADS_BUSY, "many people are sending photos", retry_after_seconds=wait_seconds, stage=Stage.ADMISSION)
    bodies.count += 1
    try:
        stored = await request.app[KEEPER].stored(applicant)
        has_other = any(one is not kind and kept.rejected_for is None for one, kept in stored)
        desk.ask(applicant, kind, size_bytes, bytes(32), has_other, attempt)
        ticket = desk.resume(applicant, kind, size_bytes, bytes(32), attempt)
        try:
            return await _read_and_keep(request, applicant, kind, lambda: desk.photo_received(ticket))
        except Problem as problem:
            tell_return(problem, desk, applicant)
            raise
        finally:
            desk.close(ticket)
    finally:
        bodies.count -= 1


async def _read_and_keep(request: web.Request, applicant: int, kind: PhotoKind, received: Callable[[], None]) -> Kept:
    attempt, profile, keeper = request[ATTEMPT], request.app[CONTEXT].profile.uploads, request.app[KEEPER]
    body = await whole_body(request, profile)
    received()
    attempt.stage = Stage.BODY
    photo = photo_part(request.headers[hdrs.CONTENT_TYPE], body)
    del body
    if len(photo) > profile.photo_limit_bytes:
        raise Problem(Code.PHOTO_TOO_LARGE, f"the photo has {len(photo)} bytes; want {profile.photo_limit_bytes} at most", stage=Stage.BODY)
    attempt.stage = Stage.INSPECT
    inspection = Inspection(profile.pixels_limit)
    inspection.feed(photo)
    inspection.note(attempt)
    inspection.check()
    part = keeper.files.whole(new_photo_id(), photo)
    return await keeper.keep(Upload(attempt, applicant, kind, part, inspection.sha256), request)


def _draw_failed(request: web.Request, visitor: Visitor, kind: PhotoKind, problem: Problem) -> PageAnswer:
    if not request.app[CONTEXT].profile.uploads.shows_progress:
        return _draw(request, visitor, kind, words(visitor.language)["failed_plain"], status=problem.status)
    answer = _draw(request, visitor, kind, said(visitor, problem), status=problem.status, told=come_back(visitor, problem))
    if problem.retry_after_seconds is not None:
        answer.add_header(hdrs.RETRY_AFTER, str(max(1, math.ceil(problem.retry_after_seconds))))
    return answer


def _draw(
    request: web.Request,
    visitor: Visitor,
    kind: PhotoKind,
    fault: str,
    *,
    status: int = HTTPStatus.OK,
    is_stored: bool = False,
    told: str = "",
) -> PageAnswer:
    context = request.app[CONTEXT]
    uploads, w = context.profile.uploads, words(visitor.language)
    name = first_attempt(context, visitor.require(), kind)
    return draw_page(
        request,
        visitor,
        "photo",
        status,
        kind=kind.value,
        fault=fault,
        is_stored=is_stored,
        photos=photo_origin(context),
        ticket_path=TICKET_PATH if uploads.tus is not None else "",
        shows_progress=uploads.shows_progress,
        limit_bytes=uploads.photo_limit_bytes,
        trace=name.trace_id()[:_TRACE_PERSON],
        trace_step=f"{name.step:04x}",
        said={one: w[one] for one in _SAID_BY_SCRIPT},
        come_back=told,
    )


class Forms:
    """How many plain forms are in memory in a process where photos have tickets, and how many may be."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0


FORMS = web.AppKey("forms", Forms)
