"""What the routes that photos come in by take and answer: a ticket and its upload, tus, and a form.

They differ from all others: a body is a picture or a piece of one, what was sent is looked at before it is kept, and there may be no room.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gelombang.attempt import Code
from gelombang_server.contract.operation import KEEPING, NUMBER, TEXT, WALK, WHOLE, Operation, known
from gelombang_server.deadline import DEADLINE_HEADER
from gelombang_server.routes import Route
from gelombang_server.ticketed import TicketWish

_TUS_CODES = (Code.PROTOCOL_VERSION_UNKNOWN, Code.UPLOAD_UNKNOWN, Code.UPLOAD_EXPIRED, Code.TICKET_INVALID, Code.UPLOAD_IN_USE)

_PHOTO = known(photo=TEXT, sha256=TEXT, bytes=WHOLE)

UPLOADS: Mapping[Route, Operation] = MappingProxyType(
    {
        Route.TICKET: Operation(
            "Ask to send a photo; 200 when just this one is stored already, 503 with a time to come back when there is no room.",
            {200: _PHOTO, 201: known(url=TEXT, tus_url=TEXT, expires_in_seconds=NUMBER, bytes_limit=WHOLE)},
            (Code.PHOTO_TOO_LARGE, Code.UPLOADS_BUSY, Code.PLACE_INVALID, Code.DEADLINE_PASSED, Code.PHOTO_UNDECODABLE, *WALK),
            TicketWish,
            optional_headers=(DEADLINE_HEADER,),
        ),
        Route.PHOTO_PUT: Operation(
            "Send the photo of a ticket; 201 when it is durable.",
            {201: _PHOTO},
            (
                Code.TICKET_MISSING,
                Code.TICKET_INVALID,
                Code.TICKET_EXPIRED,
                Code.WRONG_TYPE,
                Code.PHOTO_SIZE_MISMATCH,
                Code.PHOTO_DIGEST_MISMATCH,
                Code.DEADLINE_PASSED,
                *WALK,
                *KEEPING,
            ),
            media="image/jpeg",
            needs_session=False,
            writes=True,
            query=("ticket",),
            optional_headers=(DEADLINE_HEADER,),
        ),
        Route.TUS_OPTIONS: Operation("What this site understands of tus.", {204: None}, needs_session=False),
        Route.TUS_UPLOAD_OPTIONS: Operation("The same, of an upload's address.", {204: None}, needs_session=False),
        Route.TUS_CREATE: Operation(
            "tus: begin an upload; `kind` and, where it is known, `sha256` are in Upload-Metadata, and its address is in Location.",
            {201: None},
            (
                Code.PROTOCOL_VERSION_UNKNOWN,
                Code.FIELD_MISSING,
                Code.FIELD_INVALID,
                Code.PHOTO_TOO_LARGE,
                Code.UPLOADS_BUSY,
                Code.PLACE_INVALID,
            ),
            writes=True,
            headers=("Tus-Resumable", "Upload-Length", "Upload-Metadata"),
        ),
        Route.TUS_HEAD: Operation(
            "tus: where the upload stands (Upload-Offset); an older request of it is ended.",
            {200: None},
            _TUS_CODES,
            needs_session=False,
            headers=("Tus-Resumable",),
        ),
        Route.TUS_PATCH: Operation(
            "tus: send from where the upload stands; the answer to the last piece means that the photo is durable.",
            {204: None},
            (
                *_TUS_CODES,
                Code.WRONG_TYPE,
                Code.OFFSET_MISMATCH,
                Code.CHECKSUM_MISMATCH,
                Code.BODY_TOO_LARGE,
                Code.UPLOADS_BUSY,
                Code.PHOTO_DIGEST_MISMATCH,
                *WALK,
                *KEEPING,
            ),
            media="application/offset+octet-stream",
            needs_session=False,
            writes=True,
            headers=("Tus-Resumable", "Upload-Offset"),
        ),
        Route.TUS_DELETE: Operation(
            "tus: give an upload up; a photo that is stored stays.",
            {204: None},
            _TUS_CODES,
            needs_session=False,
            writes=True,
            headers=("Tus-Resumable",),
        ),
        Route.PHOTO_POST: Operation(
            "Send a photo as a form, in the field `photo`; 201 when it is durable.",
            {201: _PHOTO},
            (Code.WRONG_TYPE, Code.FIELD_MISSING, Code.BODY_TOO_LARGE, Code.PHOTO_TOO_LARGE, *WALK, *KEEPING),
            media="multipart/form-data",
            writes=True,
        ),
    }
)
