"""The hardened upload: ask first, in a small request that may be refused before a byte of photo is sent; then send it in one PUT.

Both requests are one attempt of the person: it rests between them, and ends here, in the door, or with its ticket's life. What is stored
already with the same digest is acknowledged again at once, so a lost answer costs nothing but the question.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from gelombang.attempt import Code, Stage
from gelombang.clock import monotonic_us
from gelombang.profile_uploads import Uploads
from gelombang.steps import PhotoKind
from gelombang_server.answers import Answer, json_answer
from gelombang_server.bodies import Fields, read_json
from gelombang_server.buffers import BUFFERS
from gelombang_server.config import ATTEMPT, CONTEXT, SiteContext
from gelombang_server.deadline import deadline_of, kept, require_time
from gelombang_server.keeper import KEEPER, new_photo_id, no_room, sync_failed
from gelombang_server.newcomers import NEWCOMERS
from gelombang_server.photobody import Inspection, read_body
from gelombang_server.photopart import NoSpaceError, PhotoPart, SyncFailedError
from gelombang_server.problem import Problem
from gelombang_server.room import PLACE_HEADER
from gelombang_server.sessions import require_session
from gelombang_server.ticket import Ticket
from gelombang_server.tickets import TicketDesk
from gelombang_server.whole_photo import Upload

TUS_PATH = "/api/v1/me/tus"
DESK = web.AppKey("desk", TicketDesk)
SHED_HERE = frozenset({Code.UPLOAD_FAILED, Code.STORE_FULL, Code.UPLOAD_TIMED_OUT, Code.COMMITS_BUSY})
"""Refusals after the body that come with a time to return."""
STORE_AWAY = frozenset({Code.OBJECTS_GONE, Code.OBJECTS_SLOW})
"""The same, by a trouble that hits everybody at once."""


class TicketWish(Fields):
    kind: Annotated[PhotoKind, Field(strict=False)]
    bytes: Annotated[int, Field(gt=0, lt=1 << 32)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="64 hexadecimal digits in lower case")]


async def ask_for_ticket(request: web.Request) -> Answer:
    """POST /api/v1/me/tickets"""
    began_us = monotonic_us()
    applicant = require_session(request)
    deadline_us = _deadline_of(request, request.app[CONTEXT])
    return await give_ticket(request, applicant, await read_json(request, TicketWish), began_us, deadline_us)


async def give_ticket(request: web.Request, applicant: int, wish: TicketWish, began_us: int, deadline_us: int | None) -> Answer:
    """A ticket (201), or the photo that is stored already (200). Raises Problem: photo_too_large, too_many_requests_in_progress,
    uploads_busy, place_invalid, deadline_passed, and what a stored photo was rejected for."""
    attempt, context, keeper, desk = request[ATTEMPT], request.app[CONTEXT], request.app[KEEPER], request.app[DESK]
    is_known = attempt.id is not None
    if is_known:
        attempt.of_photo(wish.kind)
    attempt.stage = Stage.ADMISSION
    profile = context.profile.uploads
    try:
        require_time(deadline_us, Stage.ADMISSION)
        if wish.bytes > profile.photo_limit_bytes:
            raise Problem(Code.PHOTO_TOO_LARGE, f"the photo has {wish.bytes} bytes; want {profile.photo_limit_bytes} at most")
        stored = await keeper.stored(applicant)
        if profile.answers_stored_at_once:
            for kind, kept in stored:
                if kind is wish.kind and kept.sha256 == wish.sha256 and kept.bytes == wish.bytes:
                    attempt.of_photo(wish.kind)
                    if kept.rejected_for is not None:
                        raise Problem(kept.rejected_for, "this photo was rejected; please send another")
                    attempt.kept(kept.bytes)
                    return kept.answer(200, stored=True)
        has_other_photo = any(kind is not wish.kind and kept.rejected_for is None for kind, kept in stored)
        request.app[NEWCOMERS].require_room(is_inside=has_other_photo)
        ticket = desk.ask(
            applicant, wish.kind, wish.bytes, bytes.fromhex(wish.sha256), has_other_photo, attempt, request.headers.get(PLACE_HEADER)
        )
    except Problem:
        # A client without a trace id whose wish is granted begins an attempt of its own with its photo; here only refusals are uploads.
        attempt.of_photo(wish.kind)
        raise
    finally:
        attempt.stage_us("admission_us", monotonic_us() - began_us)
    if is_known:
        attempt.rest()
    token = quote(desk.token(ticket))
    tickets = profile.tickets
    assert tickets is not None
    answer = {"url": f"{context.uploads_url}/api/v1/me/photos/{ticket.kind}?ticket={token}"}
    if profile.tus is not None:
        # The same right, to be used in pieces: any process that takes uploads understands it.
        answer["tus_url"] = f"{context.front_url}{TUS_PATH}/{token}"
    return json_answer({**answer, "expires_in_seconds": tickets.life_seconds, "bytes_limit": ticket.photo_bytes}, 201)


async def put_photo(request: web.Request) -> Answer:
    """PUT /api/v1/me/photos/{kind}?ticket=…"""
    attempt, context, desk = request[ATTEMPT], request.app[CONTEXT], request.app[DESK]
    kind = PhotoKind(request.match_info["kind"])
    attempt.of_photo(kind)
    attempt.stage = Stage.HEADERS
    token = request.query.get("ticket")
    if not token:
        raise Problem(Code.TICKET_MISSING, "the ticket is missing; please ask for one first")
    deadline_us = _deadline_of(request, context)
    ticket = desk.claim(token, kind, attempt.id)
    try:
        return await _take_photo(request, context, desk, ticket, deadline_us)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if not ticket.is_replaced or task is None:
            raise
        task.uncancel()
        raise Problem(Code.TICKET_EXPIRED, "another tab asked for a ticket for this photo; this one is void") from None
    except Problem as problem:
        tell_return(problem, desk, ticket.applicant)
        raise
    finally:
        desk.close(ticket)


def tell_return(problem: Problem, desk: TicketDesk, applicant: int) -> None:
    """Put a time to return into a problem that comes with one."""
    if problem.code in STORE_AWAY:
        problem.retry_after_seconds = desk.after_trouble_seconds(applicant)
    elif problem.code in SHED_HERE:
        problem.retry_after_seconds = desk.return_after_seconds(applicant)


def _deadline_of(request: web.Request, context: SiteContext) -> int | None:
    tickets = context.profile.uploads.tickets
    return deadline_of(request) if tickets is not None and tickets.obeys_deadlines else None


async def _take_photo(request: web.Request, context: SiteContext, desk: TicketDesk, ticket: Ticket, deadline_us: int | None) -> Answer:
    attempt, profile = request[ATTEMPT], context.profile.uploads
    if request.content_type != "image/jpeg":
        raise Problem(Code.WRONG_TYPE, "the body's type is not understood; want image/jpeg")
    if request.content_length != ticket.photo_bytes:
        found = "no length" if request.content_length is None else f"{request.content_length} bytes"
        raise Problem(Code.PHOTO_SIZE_MISMATCH, f"the photo has {found}; want the {ticket.photo_bytes} bytes of its ticket")
    attempt.stage = Stage.BODY
    keeper = request.app[KEEPER]
    part = keeper.files.begin(new_photo_id())
    try:
        inspection = Inspection(profile.pixels_limit)
        async with kept(deadline_us, Stage.BODY):
            await receive(request, profile, part, inspection.feed)
        desk.photo_received(ticket)
        inspection.note(attempt)
        attempt.stage = Stage.DIGEST
        if inspection.sha256 != ticket.sha256.hex():
            raise Problem(Code.PHOTO_DIGEST_MISMATCH, "the photo is not the one that was announced; please send it again")
        attempt.stage = Stage.INSPECT
        inspection.check()
        require_time(deadline_us, Stage.STORE)
    except BaseException:
        part.discard()
        raise
    upload = Upload(attempt, ticket.applicant, ticket.kind, part, inspection.sha256, lambda: ticket.is_replaced, deadline_us=deadline_us)
    return (await keeper.keep(upload, request)).answer()


async def receive(request: web.Request, profile: Uploads, part: PhotoPart, feed: Callable[[bytes], None]) -> None:
    """The whole body, looked at by `feed` and gathered into `part`; written out on the way when memory asks for it."""
    attempt = request[ATTEMPT]
    began_us, written_us = monotonic_us(), 0

    async def write() -> None:
        nonlocal written_us
        from_us = monotonic_us()
        try:
            await part.flush()
        except NoSpaceError:
            raise no_room(Stage.BODY) from None
        except SyncFailedError:
            raise sync_failed(Stage.BODY) from None
        finally:
            written_us += monotonic_us() - from_us

    def take(piece: bytes) -> Awaitable[None] | None:
        attempt.received(len(piece))
        feed(piece)
        return write() if part.take(piece) else None

    try:
        with request.app[BUFFERS].for_body(request):
            await read_body(request, profile, take)
    finally:
        # The disk's time is the server's own, and no part of how long the person took.
        attempt.stage_us("body_us", monotonic_us() - began_us - written_us)
