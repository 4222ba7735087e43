"""The requests of tus: begin, ask where it stands, send, give up, and what this site understands.

Each request is an attempt of its own in the book, because a client goes on after almost any answer. Only what was received or refused of a
photo counts as an upload in the metrics; a piece that is not the last ends COMPLETED at the stage BODY, a photo at ACKNOWLEDGE.

The last piece goes the way of the ticket's PUT, through the same code: digest while it comes in (what came before is read from the file),
inspect, a turn at the store, temporary file, fdatasync, rename, directory fsync, a row, answer.
"""

import asyncio
import hashlib
import hmac

from aiohttp import hdrs, web

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.clock import monotonic_us
from gelombang_server.answers import Answer
from gelombang_server.config import ATTEMPT, CONTEXT
from gelombang_server.keeper import KEEPER, no_room, sync_failed
from gelombang_server.photobody import Inspection
from gelombang_server.photopart import NoSpaceError, SyncFailedError
from gelombang_server.problem import Problem
from gelombang_server.room import PLACE_HEADER
from gelombang_server.sessions import require_session
from gelombang_server.ticketed import DESK, TUS_PATH, receive, tell_return
from gelombang_server.tus import table
from gelombang_server.tus.answers import expires, limit, require_offset, stands, stored_before, too_long, understood
from gelombang_server.tus.partials import PartialPart
from gelombang_server.tus.protocol import CHUNK_TYPE, Checksum, read_checksum, read_creation, read_number, require_version
from gelombang_server.tus.table import BegunUpload
from gelombang_server.tus.uploads import TUS
from gelombang_server.whole_photo import Upload


async def options(request: web.Request) -> Answer:
    """OPTIONS /api/v1/me/tus"""
    return understood(request)


async def upload_options(request: web.Request) -> Answer:
    """OPTIONS /api/v1/me/tus/{upload}"""
    return understood(request)


async def create(request: web.Request) -> Answer:
    """POST /api/v1/me/tus"""
    attempt, context, desk, tus = request[ATTEMPT], request.app[CONTEXT], request.app[DESK], request.app[TUS]
    require_version(request.headers)
    applicant = require_session(request)
    creation = read_creation(request.headers)
    limit_bytes = context.profile.uploads.photo_limit_bytes
    began_us = monotonic_us()
    attempt.stage = Stage.ADMISSION
    try:
        if creation.size_bytes > limit_bytes:
            raise Problem(Code.PHOTO_TOO_LARGE, f"the photo has {creation.size_bytes} bytes; want {limit_bytes} at most")
        kept = await request.app[KEEPER].stored(applicant)
        has_other_photo = any(kind is not creation.kind and photo.rejected_for is None for kind, photo in kept)
        digest = _digest(creation.sha256)
        place = request.headers.get(PLACE_HEADER)
        ticket = desk.ask(applicant, creation.kind, creation.size_bytes, digest, has_other_photo, attempt, place)
        # The place waits for the bytes; the attempt ends with this answer.
        ticket.attempt = None
        try:
            upload = await tus.begin(applicant, creation)
        except BaseException:
            desk.close(ticket)
            raise
    except Problem:
        attempt.of_photo(creation.kind)
        raise
    finally:
        attempt.stage_us("admission_us", monotonic_us() - began_us)
    attempt.end(Stage.ADMISSION, ServerOutcome.COMPLETED, Code.NONE, 201)
    headers = {"Location": f"{TUS_PATH}/{upload.id}", "Upload-Expires": expires(request, upload.expires_us)}
    return Answer(201, headers=headers | {"Upload-Limit": limit(request)})


async def stand(request: web.Request) -> Answer:
    """HEAD /api/v1/me/tus/{upload}"""
    attempt, tus, name = request[ATTEMPT], request.app[TUS], request.match_info["upload"]
    require_version(request.headers)
    upload = await tus.find(name)
    if upload is None:
        attempt.end(Stage.HEADERS, ServerOutcome.COMPLETED, Code.NONE, 200)
        return Answer(headers={"Upload-Offset": "0", "Upload-Length": str(tus.announced(name)), "Upload-Limit": limit(request)})
    offset = upload.size_bytes if upload.is_stored else await tus.offset(upload)
    if offset < upload.size_bytes:
        attempt.end(Stage.HEADERS, ServerOutcome.COMPLETED, Code.NONE, 200)
    headers = {"Upload-Offset": str(offset), "Upload-Length": str(upload.size_bytes), "Upload-Limit": limit(request)}
    if upload.metadata:
        headers["Upload-Metadata"] = upload.metadata
    return Answer(headers=headers | {"Upload-Expires": expires(request, upload.expires_us)})


async def send(request: web.Request) -> Answer:
    """PATCH /api/v1/me/tus/{upload}"""
    attempt, tus = request[ATTEMPT], request.app[TUS]
    attempt.stage = Stage.HEADERS
    require_version(request.headers)
    if request.headers.get(hdrs.CONTENT_TYPE) != CHUNK_TYPE:
        raise Problem(Code.WRONG_TYPE, f"the body's type is not understood; want {CHUNK_TYPE}")
    offset, checksum = read_number(request.headers, "Upload-Offset"), read_checksum(request.headers)
    upload = await tus.find_or_begin(request.match_info["upload"])
    attempt.of_photo(upload.kind)
    if upload.is_stored:
        return stored_before(request, upload, offset)
    async with tus.held(upload) as hold:
        # The older request may have stored it, or a newer upload have taken its place, before it let go.
        try:
            upload = await _still_there(request, upload)
        except BaseException:
            hold.let_go()
            raise
        if upload.is_stored:
            hold.let_go()
            return stored_before(request, upload, offset)
        try:
            part = await tus.partials.open(upload, hold)
        except NoSpaceError:
            raise no_room(Stage.HEADERS) from None
        except SyncFailedError:
            raise sync_failed(Stage.HEADERS) from None
        try:
            return await _go_on(request, upload, part, offset, checksum)
        except BaseException:
            if not part.is_with_keeper:
                part.discard()
            raise


async def give_up(request: web.Request) -> Answer:
    """DELETE /api/v1/me/tus/{upload}"""
    tus = request.app[TUS]
    require_version(request.headers)
    upload = await tus.find(request.match_info["upload"])
    if upload is not None:
        await tus.remove(upload)
    return Answer(204)


async def _go_on(request: web.Request, upload: BegunUpload, part: PartialPart, offset: int, checksum: Checksum | None) -> Answer:
    """The upload is this request's: compare, find a place, receive."""
    attempt, desk = request[ATTEMPT], request.app[DESK]
    require_offset(request, offset, part.began_at)
    length = request.content_length
    if length is not None and offset + length > upload.size_bytes:
        raise too_long(upload)
    attempt.stage = Stage.ADMISSION
    began_us = monotonic_us()
    try:
        ticket = desk.resume(upload.applicant, upload.kind, upload.size_bytes, _digest(upload.sha256), attempt)
    finally:
        attempt.stage_us("admission_us", monotonic_us() - began_us)
    goes_on = False
    try:
        inspection = await _receive(request, upload, part, checksum)
        if part.size_bytes == upload.size_bytes:
            assert inspection is not None
            desk.photo_received(ticket)
            return await _keep(request, upload, part, inspection)
        goes_on = True
    except (ConnectionError, asyncio.CancelledError):
        # Whoever comes back finds the place, unless a newer request has it already, or everything came and the store did not take it.
        goes_on = not ticket.received
        raise
    except Problem as problem:
        goes_on = problem.code is Code.CHECKSUM_MISMATCH
        tell_return(problem, desk, ticket.applicant)
        raise
    finally:
        if goes_on:
            desk.put_back(ticket)
        else:
            desk.close(ticket)
    try:
        await _put_away(part)
    except Problem as problem:
        tell_return(problem, desk, upload.applicant)
        raise
    attempt.end(Stage.BODY, ServerOutcome.COMPLETED, Code.NONE, 204)
    return stands(request, upload, part.size_bytes)


async def _receive(request: web.Request, upload: BegunUpload, part: PartialPart, checksum: Checksum | None) -> Inspection | None:
    """Everything that this request brings, checked by its checksum. What may be the last piece is looked at while it comes in, after what
    came before it."""
    attempt, profile = request[ATTEMPT], request.app[CONTEXT].profile.uploads
    length = request.content_length
    inspection = Inspection(profile.pixels_limit) if length is None or part.began_at + length == upload.size_bytes else None
    if inspection is not None and part.began_at:
        await part.read(inspection.feed)
    attempt.stage = Stage.BODY
    digest = None if checksum is None else hashlib.new(checksum.algorithm, usedforsecurity=False)

    def feed(piece: bytes) -> None:
        if part.size_bytes + len(piece) > upload.size_bytes:
            raise too_long(upload)
        if digest is not None:
            digest.update(piece)
        if inspection is not None:
            inspection.feed(piece)

    try:
        await receive(request, profile, part, feed)
        if checksum is not None and digest is not None and not hmac.compare_digest(digest.digest(), checksum.digest):
            detail = "the bytes are not those of their checksum; please send them again"
            raise Problem(Code.CHECKSUM_MISMATCH, detail, stage=Stage.DIGEST)
    except BaseException as error:
        is_refused = isinstance(error, Problem) and error.code in (Code.CHECKSUM_MISMATCH, Code.BODY_TOO_LARGE)
        # Of a piece that broke off, nothing tells whether its bytes are right, where the whole has no digest.
        if is_refused or (checksum is not None and upload.sha256 is None):
            part.take_back()
        raise
    return inspection


async def _keep(request: web.Request, upload: BegunUpload, part: PartialPart, inspection: Inspection) -> Answer:
    """The photo is whole: look at it, and store it."""
    attempt = request[ATTEMPT]
    inspection.note(attempt)
    try:
        attempt.stage = Stage.DIGEST
        if upload.sha256 is not None and inspection.sha256 != upload.sha256:
            raise Problem(Code.PHOTO_DIGEST_MISMATCH, "the photo is not the one that was announced; please send it again")
        attempt.stage = Stage.INSPECT
        inspection.check()
    except Problem:
        # Nothing that could still come would make it a photo.
        part.reject()
        await table.remove(request.app[CONTEXT].database, [upload])
        raise
    work = Upload(attempt, upload.applicant, upload.kind, part, inspection.sha256, also=part.note_stored)
    part.is_with_keeper = True
    await request.app[KEEPER].keep(work, request)
    return stands(request, upload, upload.size_bytes)


async def _put_away(part: PartialPart) -> None:
    """Another process may be asked next: what came is in the file before the answer says so."""
    try:
        await part.suspend()
    except NoSpaceError:
        raise no_room(Stage.BODY) from None
    except SyncFailedError:
        raise sync_failed(Stage.BODY) from None


async def _still_there(request: web.Request, upload: BegunUpload) -> BegunUpload:
    """The upload as it is now. Raises Problem(upload_unknown)."""
    now = await table.find(request.app[CONTEXT].database, upload.id)
    if now is None:
        raise Problem(Code.UPLOAD_UNKNOWN, "there is no such upload any more; please begin it again")
    return now


def _digest(sha256: str | None) -> bytes:
    """How a ticket knows the file; zeros where nobody told."""
    return bytes(32) if sha256 is None else bytes.fromhex(sha256)
