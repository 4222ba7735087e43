"""What tus answers, each in one place: what this site understands, where an upload stands, and which offset would have been right."""

from datetime import timedelta

from aiohttp import web

from gelombang.attempt import Code, Stage
from gelombang.clock import MICROSECONDS, utc_now
from gelombang_server.answers import Answer
from gelombang_server.config import CONTEXT
from gelombang_server.problem import Problem
from gelombang_server.ticketed import TUS_PATH
from gelombang_server.tus.protocol import ALGORITHMS, EXTENSIONS, VERSION, upload_expires, upload_limit
from gelombang_server.tus.table import BegunUpload
from gelombang_server.tus.uploads import TUS

STANDS_AT = web.RequestKey("stands_at", int)
"""Where the upload of a request stands, when that is what the answer must tell."""


def say_version(request: web.Request, answer: Answer) -> None:
    """What each answer of tus carries, problems too."""
    if request.path.startswith(TUS_PATH):
        answer.add_header("Tus-Resumable", VERSION)
        if answer.status == 412:
            answer.add_header("Tus-Version", VERSION)
        if STANDS_AT in request:
            answer.add_header("Upload-Offset", str(request[STANDS_AT]))


def stored_before(request: web.Request, upload: BegunUpload, offset: int) -> Answer:
    """The photo is stored already: who says so hears it again, so a lost answer costs one question."""
    require_offset(request, offset, upload.size_bytes)
    if request.content_length:
        raise too_long(upload)
    return stands(request, upload, upload.size_bytes)


def require_offset(request: web.Request, offset: int, stands_at: int) -> None:
    """Raises Problem(offset_mismatch); its answer tells the true one."""
    if offset != stands_at:
        request[STANDS_AT] = stands_at
        raise Problem(Code.OFFSET_MISMATCH, f"the upload stands at byte {stands_at}; want Upload-Offset {stands_at}", stage=Stage.HEADERS)


def too_long(upload: BegunUpload) -> Problem:
    return Problem(Code.BODY_TOO_LARGE, f"the photo has {upload.size_bytes} bytes; more was sent", stage=Stage.BODY)


def stands(request: web.Request, upload: BegunUpload, offset: int) -> Answer:
    return Answer(204, headers={"Upload-Offset": str(offset), "Upload-Expires": expires(request, upload.expires_us)})


def understood(request: web.Request) -> Answer:
    headers = {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Checksum-Algorithm": ",".join(ALGORITHMS)}
    headers["Tus-Max-Size"] = str(request.app[CONTEXT].profile.uploads.photo_limit_bytes)
    return Answer(204, headers=headers | {"Upload-Limit": limit(request)})


def limit(request: web.Request) -> str:
    return upload_limit(request.app[CONTEXT].profile.uploads.photo_limit_bytes, request.app[TUS].limits.life_seconds)


def expires(request: web.Request, expires_us: int) -> str:
    left_seconds = (expires_us - request.app[CONTEXT].now_us()) / MICROSECONDS
    return upload_expires(utc_now() + timedelta(seconds=left_seconds))
