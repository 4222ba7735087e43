"""The phone, proved by a one-time code.

Codes have a life and a limit of tries; asking for codes has a limit of its own, which clears when nobody asked for as long as a locked
password waits. A phone belongs to whom proved it first: unique by the database.
"""

import hmac
import secrets
from enum import Enum
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from gelombang.attempt import Code
from gelombang_server.answers import Answer, json_answer
from gelombang_server.applicants import commit, find_applicant
from gelombang_server.bodies import Fields, read_json
from gelombang_server.config import CONTEXT
from gelombang_server.idempotency import commit_once, once
from gelombang_server.outbox import MessageKind, post_message
from gelombang_server.peoplestore import Cursor, TakenError
from gelombang_server.problem import Problem
from gelombang_server.sessions import require_session

_NEW_CODE = """
INSERT INTO otps (applicant, phone, code, expires_us, tries, sends, sent_us) VALUES (?, ?, ?, ?, 0, ?, ?)
ON CONFLICT (applicant) DO UPDATE SET phone = excluded.phone, code = excluded.code, expires_us = excluded.expires_us, tries = 0,
sends = excluded.sends, sent_us = excluded.sent_us
"""


class Phone(Fields):
    phone: Annotated[str, StringConstraints(pattern=r"^\+[0-9]{8,15}$"), Field(description="+ and 8 to 15 digits")]


class OneTimeCode(Fields):
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{4,8}$"), Field(description="the digits that were sent")]


class Check(Enum):
    RIGHT = "right"
    RIGHT_BEFORE = "right before"
    WRONG = "wrong"


async def send_code(request: web.Request) -> Answer:
    """POST /api/v1/me/otp"""
    applicant_id = require_session(request)
    await post_code(request, applicant_id, await read_json(request, Phone))
    return json_answer({"expires_in_seconds": request.app[CONTEXT].profile.credentials.otp_life_seconds}, 202)


async def post_code(request: web.Request, applicant_id: int, fields: Phone) -> None:
    """A fresh code is on its way. Raises Problem: step_not_open, already_done, phone_taken, tries_exhausted, message_queue_full."""
    phone, wanted = fields.phone, once(request, applicant_id, fields)
    context = request.app[CONTEXT]
    credentials, now_us = context.profile.credentials, context.now_us()
    expires_us, pause_us = context.after_us(credentials.otp_life_seconds), round(credentials.password_lock_seconds * 1e6)
    code = f"{secrets.randbelow(10**credentials.otp_digits):0{credentials.otp_digits}d}"
    queue_limit = context.profile.messages.queue_limit

    def send(cursor: Cursor) -> int:
        applicant = find_applicant(cursor, applicant_id)
        applicant.require_email()
        if applicant.phone_verified:
            raise Problem(Code.ALREADY_DONE, "the phone is verified already")
        if cursor.execute("SELECT 1 FROM applicants WHERE phone = ?", (phone,)).fetchone() is not None:
            raise _taken()
        find = "SELECT sends, sent_us FROM otps WHERE applicant = ?"
        sends, sent_us = cursor.execute(find, (applicant_id,)).fetchone() or (0, now_us)
        if (remaining_us := sent_us + pause_us - now_us) <= 0:
            sends = 0
        if sends >= credentials.otp_sends_limit:
            raise Problem(Code.TRIES_EXHAUSTED, "too many codes were asked for; please come back", retry_after_seconds=remaining_us / 1e6)
        row = (applicant_id, phone, code, expires_us, sends + 1, now_us)
        cursor.execute(_NEW_CODE, row)
        post_message(cursor, MessageKind.OTP, phone, code, now_us, queue_limit)
        return applicant_id

    await commit_once(request, wanted, send)


async def confirm_code(request: web.Request) -> Answer:
    """PUT /api/v1/me/otp"""
    applicant_id = require_session(request)
    await check_code(request, applicant_id, (await read_json(request, OneTimeCode)).code)
    return json_answer({"state": "phone_verified"})


async def check_code(request: web.Request, applicant_id: int, code: str) -> None:
    """The phone is theirs. Raises Problem: otp_wrong, otp_expired, tries_exhausted, step_not_open, phone_taken."""
    context = request.app[CONTEXT]
    now_us, tries_limit = context.now_us(), context.profile.credentials.otp_tries_limit

    def check(cursor: Cursor) -> Check:
        if find_applicant(cursor, applicant_id).phone_verified:
            return Check.RIGHT_BEFORE
        row = cursor.execute("SELECT phone, code, expires_us, tries FROM otps WHERE applicant = ?", (applicant_id,)).fetchone()
        if row is None:
            raise Problem(Code.STEP_NOT_OPEN, "no code was asked for yet")
        phone, wanted, expires_us, tries = row
        if tries >= tries_limit:
            raise Problem(Code.TRIES_EXHAUSTED, "too many wrong codes; please ask for a new one")
        if now_us >= expires_us:
            raise Problem(Code.OTP_EXPIRED, "the code is too old; please ask for a new one")
        if not hmac.compare_digest(code, wanted):
            # Returned, not raised: what raises is rolled back, and the count must stay.
            cursor.execute("UPDATE otps SET tries = tries + 1 WHERE applicant = ?", (applicant_id,))
            return Check.WRONG
        try:
            cursor.execute("UPDATE applicants SET phone = ?, phone_verified_us = ? WHERE id = ?", (phone, now_us, applicant_id))
        except TakenError:
            raise _taken() from None
        return Check.RIGHT

    match await commit(request, check):
        case Check.WRONG:
            raise Problem(Code.OTP_WRONG, "the code is not the one that was sent")
        case Check.RIGHT:
            context.metrics.passed("otp").inc()


def _taken() -> Problem:
    return Problem(Code.PHONE_TAKEN, "this phone belongs to another account")
