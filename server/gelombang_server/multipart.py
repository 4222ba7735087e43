"""The upload of 2020: one POST with a form, the whole photo in memory, and only then a look at it.

That order is the point of the profile `april-2020`: size, format and a place at the store are asked for when all bytes have been paid for.
The memory that this may take is bounded by name all the same: `bodies_limit` forms at once, each of at most `BODY_LIMITS` photo limits.
"""

import asyncio

from aiohttp import BodyPartReader, MultipartReader, StreamReader, hdrs, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy

from gelombang.attempt import Code, Stage
from gelombang.clock import monotonic_us
from gelombang.profile import Uploads
from gelombang.steps import PhotoKind
from gelombang_server.config import ATTEMPT, CONTEXT
from gelombang_server.keeper import FAILED_TEXT, KEEPER, Upload
from gelombang_server.photobody import Inspection, read_body
from gelombang_server.problem import Problem
from gelombang_server.sessions import require_session

BODY_LIMITS = 8
"""A body larger than this many photo limits is refused before it is whole."""
PARTS_LIMIT = 16
"""A form with more fields before its photo is not a form of this site."""
_STREAM_BUFFER_BYTES = 1 << 16


class Bodies:
    """How many forms are in memory, and how many may be. A photo whose person was told 504 is no longer counted here: it has a turn at the
    store, and turns are bounded by themselves."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0


BODIES = web.AppKey("bodies", Bodies)


async def post_photo(request: web.Request) -> web.Response:
    """POST /api/v1/me/photos/{kind}"""
    attempt, context, keeper, bodies = request[ATTEMPT], request.app[CONTEXT], request.app[KEEPER], request.app[BODIES]
    kind = PhotoKind(request.match_info["kind"])
    attempt.of_photo(kind)
    applicant = require_session(request)
    if request.content_type != "multipart/form-data":
        raise Problem(Code.WRONG_TYPE, "the body's type is not understood; want multipart/form-data", stage=Stage.HEADERS)
    if bodies.count >= bodies.limit:
        raise Problem(Code.UPLOAD_FAILED, FAILED_TEXT, stage=Stage.ADMISSION)
    bodies.count += 1
    try:
        profile = context.profile.uploads
        body = await _whole_body(request, profile)
        attempt.stage = Stage.BODY
        photo = await photo_part(request.headers[hdrs.CONTENT_TYPE], body)
        del body
        if len(photo) > profile.photo_limit_bytes:
            detail = f"the photo has {len(photo)} bytes; want {profile.photo_limit_bytes} at most"
            raise Problem(Code.PHOTO_TOO_LARGE, detail, stage=Stage.BODY)
        attempt.stage = Stage.INSPECT
        inspection = Inspection(profile.pixels_limit)
        inspection.feed(photo)
        inspection.note(attempt)
        inspection.check()
        kept = await keeper.keep(Upload(attempt, applicant, kind, photo, inspection.sha256), request)
    finally:
        bodies.count -= 1
    return kept.response()


async def _whole_body(request: web.Request, profile: Uploads) -> bytes:
    attempt = request[ATTEMPT]
    limit_bytes = BODY_LIMITS * profile.photo_limit_bytes
    too_large = Problem(Code.BODY_TOO_LARGE, f"the body is larger than {limit_bytes} bytes", stage=Stage.BODY)
    if request.content_length is not None and request.content_length > limit_bytes:
        raise too_large
    attempt.stage = Stage.BODY
    began_us = monotonic_us()
    pieces: list[bytes] = []

    def take(piece: bytes) -> None:
        attempt.received(len(piece))
        if attempt.received_bytes > limit_bytes:
            raise too_large
        pieces.append(piece)

    try:
        await read_body(request, profile.body_stall_seconds, take)
    finally:
        attempt.stage_us("body_us", monotonic_us() - began_us)
    return b"".join(pieces)


async def photo_part(content_type: str, body: bytes) -> bytes:
    """The part called `photo` of a form. Raises Problem(malformed_request or field_missing)."""
    loop = asyncio.get_running_loop()
    stream = StreamReader(BaseProtocol(loop), max(_STREAM_BUFFER_BYTES, len(body)), loop=loop)  # a full one would pause a socket
    stream.feed_data(body)
    stream.feed_eof()
    try:
        reader = MultipartReader(CIMultiDictProxy(CIMultiDict({hdrs.CONTENT_TYPE: content_type})), stream)
        for _ in range(PARTS_LIMIT):
            part = await reader.next()
            if part is None:
                break
            if isinstance(part, BodyPartReader) and part.name == "photo":
                pieces = []
                # In larger pieces than aiohttp's `read`, which looks for the boundary every 8 KiB.
                while piece := await part.read_chunk(_STREAM_BUFFER_BYTES):
                    pieces.append(piece)
                # A form that breaks off has no boundary behind its photo, and only this call finds that out.
                await reader.next()
                return b"".join(pieces)
    except (ValueError, AssertionError, RuntimeError, LookupError, Warning, HttpProcessingError):
        # What aiohttp's reader raises for a form that is cut or not well-formed; it has no exception of its own for that.
        raise Problem(Code.MALFORMED_REQUEST, "the body is not a well-formed form", stage=Stage.BODY) from None
    raise Problem(Code.FIELD_MISSING, "photo: want one file field of this name", stage=Stage.BODY)
