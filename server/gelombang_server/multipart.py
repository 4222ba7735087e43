"""The upload of 2020: one POST with a form, the whole photo in memory, and only then a look at it.

That order is the point of the profile `april-2020`: size, format and a place at the store are asked for when all bytes have been paid for.
The memory that this may take is bounded by name all the same: `bodies_limit` forms at once, each of at most `BODY_LIMITS` photo limits.
"""

from email.message import Message
from email.parser import BytesHeaderParser

from aiohttp import hdrs, web

from gelombang import telemetry
from gelombang.attempt import Code, Stage
from gelombang.clock import monotonic_us
from gelombang.profile_uploads import Uploads
from gelombang.steps import PhotoKind
from gelombang_server.answers import Answer
from gelombang_server.config import ATTEMPT, CONTEXT
from gelombang_server.keeper import FAILED_TEXT, KEEPER, new_photo_id
from gelombang_server.metrics import Metrics
from gelombang_server.photobody import Inspection, read_body
from gelombang_server.problem import Problem
from gelombang_server.sessions import require_session
from gelombang_server.whole_photo import Upload

BODY_LIMITS = 8
"""A body larger than this many photo limits is refused before it is whole."""
PARTS_LIMIT = 16
"""A form with more fields before its photo is not a form of this site."""
PART_HEAD_LIMIT_BYTES = 8_192
BOUNDARY_LIMIT_BYTES = 70
"""RFC 2046, section 5.1.1."""


class Bodies:
    """How many forms are in memory, and how many may be. A photo whose person was told 504 is no longer counted here: it has a turn at the
    store, and turns are bounded by themselves."""

    def __init__(self, limit: int, metrics: Metrics) -> None:
        self.limit = limit
        self.count = 0
        metrics.gauge(telemetry.UPLOAD_PLACES_LIMIT).set(limit)
        metrics.at_scrape(lambda: metrics.gauge(telemetry.UPLOAD_PLACES_USED).set(self.count))


BODIES = web.AppKey("bodies", Bodies)


async def post_photo(request: web.Request) -> Answer:
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
        body = await whole_body(request, profile)
        attempt.stage = Stage.BODY
        photo = photo_part(request.headers[hdrs.CONTENT_TYPE], body)
        del body
        if len(photo) > profile.photo_limit_bytes:
            detail = f"the photo has {len(photo)} bytes; want {profile.photo_limit_bytes} at most"
            raise Problem(Code.PHOTO_TOO_LARGE, detail, stage=Stage.BODY)
        attempt.stage = Stage.INSPECT
        inspection = Inspection(profile.pixels_limit)
        inspection.feed(photo)
        inspection.note(attempt)
        inspection.check()
        part = keeper.files.whole(new_photo_id(), photo)
        kept = await keeper.keep(Upload(attempt, applicant, kind, part, inspection.sha256), request)
    finally:
        bodies.count -= 1
    return kept.answer()


async def whole_body(request: web.Request, profile: Uploads) -> bytes:
    """All bytes of a form. Raises Problem: body_too_large, body_too_slow, malformed_request."""
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
        await read_body(request, profile, take)
    finally:
        attempt.stage_us("body_us", monotonic_us() - began_us)
    return b"".join(pieces)


def photo_part(content_type: str, body: bytes) -> bytes:
    """The part called `photo` of a form (RFC 7578). Raises Problem(malformed_request or field_missing).

    The whole body is here, so boundaries are found by searching: a reader made for streams takes 20 times as long for the same bytes, in
    the event loop's own time.
    """
    delimiter = b"\r\n--" + _boundary(content_type)
    end = 0 if body.startswith(delimiter[2:]) else body.find(delimiter) + 2
    if end == 1:
        raise _malformed("has no boundary")
    at = end + len(delimiter) - 2
    for _ in range(PARTS_LIMIT):
        if body.startswith(b"--", at):
            break
        head_end = body.find(b"\r\n\r\n", at, at + PART_HEAD_LIMIT_BYTES)
        if not body.startswith(b"\r\n", at) or head_end < 0:
            raise _malformed("has a part without a head")
        end = body.find(delimiter, head_end + 4)
        if end < 0:
            raise _malformed("breaks off")
        if _field_name(body[at + 2 : head_end + 4]) == "photo":
            return body[head_end + 4 : end]
        at = end + len(delimiter)
    raise Problem(Code.FIELD_MISSING, "photo: want one file field of this name", stage=Stage.BODY)


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["content-type"] = content_type
    boundary = (header.get_boundary() or "").encode(errors="replace")
    if not 0 < len(boundary) <= BOUNDARY_LIMIT_BYTES:
        raise _malformed("has no boundary in its content type")
    return boundary


def _field_name(head: bytes) -> str | None:
    name = BytesHeaderParser().parsebytes(head).get_param("name", header="content-disposition")
    return name if isinstance(name, str) else None


def _malformed(how: str) -> Problem:
    return Problem(Code.MALFORMED_REQUEST, f"the form {how}", stage=Stage.BODY)
