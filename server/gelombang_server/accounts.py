"""Accounts: sign up, log in, and the e-mail link that proves the address.

The address is unique by the database; a link's token is stored as its digest only.

Wrong passwords lock an account for a time after so many tries in a row, for those from whom nobody logged in to it before. Who did shows an
earlier session of it, however old, and has tries of their own: so whoever guesses at an address can't lock its owner out (OWASP, "Slow
Down Online Guessing Attacks with Device Cookies").
"""

import hashlib
import secrets
from typing import Annotated, TypedDict
from urllib.parse import quote

from aiohttp import web
from pydantic import Field, StringConstraints

from gelombang.attempt import Code
from gelombang_server.answers import Answer, json_answer
from gelombang_server.applicants import commit
from gelombang_server.bodies import Fields, read_json
from gelombang_server.config import CONTEXT, SiteContext
from gelombang_server.idempotency import NOBODY, commit_once, done_before, once
from gelombang_server.newcomers import NEWCOMERS
from gelombang_server.outbox import MessageKind, post_message
from gelombang_server.passwords import PASSWORDS
from gelombang_server.peoplestore import Cursor, TakenError
from gelombang_server.problem import Problem
from gelombang_server.sessions import issue_session, session_shown

Email = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"),
    Field(description="an address such as siti@mail.example"),
]
Password = Annotated[str, StringConstraints(min_length=6, max_length=128)]
EMAIL_PAGE = "/surel"
_TOKEN_BYTES = 24
_STRANGER = ("password_tries", "locked_until_us")
_KNOWN = ("known_password_tries", "known_locked_until_us")


class NewAccount(Fields):
    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"\S"), Field(description="a name of 1 to 100 characters")]
    email: Email
    password: Password


class Session(TypedDict):
    """What whoever signed up or logged in is given."""

    session: str
    expires_in_seconds: float


class LogIn(Fields):
    email: Annotated[str, StringConstraints(max_length=254)]
    password: Annotated[str, StringConstraints(max_length=128)]


async def create_account(request: web.Request) -> Answer:
    """POST /api/v1/accounts"""
    return json_answer(await open_account(request, await read_json(request, NewAccount)), 201)


async def open_account(request: web.Request, fields: NewAccount) -> Session:
    """Sign up. Raises Problem: email_taken, too_many_requests_in_progress, hash_queue_full, message_queue_full."""
    context = request.app[CONTEXT]
    request.app[NEWCOMERS].require_room()
    email = fields.email.lower()
    wanted = once(request, NOBODY, fields)
    # Most of those who come a second time had a lost answer: look first, because a hash costs more than everything else here.
    find = "SELECT 1 FROM applicants WHERE email = ?"
    if await context.database.read(lambda cursor: cursor.execute(find, (email,)).fetchone()) is not None:
        if (before := await context.database.read(lambda cursor: done_before(cursor, wanted))) is not None:
            return _session(context, before.result, before.at_us)
        raise _taken()
    encoded = await request.app[PASSWORDS].hash(fields.password)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    now_us, expires_us = context.now_us(), context.after_us(context.profile.credentials.link_life_seconds)
    queue_limit = context.profile.messages.queue_limit

    def insert(cursor: Cursor) -> int:
        try:
            row = (email, fields.name, encoded, now_us)
            add = "INSERT INTO applicants (email, name, password_hash, created_us) VALUES (?, ?, ?, ?) RETURNING id"
            applicant = int(cursor.execute(add, row).fetchone()[0])
        except TakenError:
            raise _taken() from None
        cursor.execute(
            "INSERT INTO email_links (token_hash, applicant, expires_us) VALUES (?, ?, ?)", (_digest(token), applicant, expires_us)
        )
        post_message(cursor, MessageKind.EMAIL_LINK, email, f"/api/v1/email-links/{token}", now_us, queue_limit)
        return applicant

    done = await commit_once(request, wanted, insert)
    if not done.is_again:
        context.metrics.passed("account").inc()
    return _session(context, done.result, done.at_us)


async def log_in(request: web.Request) -> Answer:
    """POST /api/v1/sessions"""
    return json_answer(await begin_session(request, await read_json(request, LogIn), session_shown(request)))


async def begin_session(request: web.Request, fields: LogIn, known: int | None) -> Session:
    """Log in; `known` is whose earlier session was shown. Raises Problem: credentials_wrong, tries_exhausted, hash_queue_full."""
    context = request.app[CONTEXT]
    email = fields.email.lower()
    find = "SELECT id, password_hash, locked_until_us, known_locked_until_us FROM applicants WHERE email = ?"
    found = await context.database.read(lambda cursor: cursor.execute(find, (email,)).fetchone())
    applicant, encoded, stranger_locked_us, known_locked_us = found or (0, None, 0, 0)
    is_known = found is not None and known == applicant
    locked_until_us = known_locked_us if is_known else stranger_locked_us
    now_us = context.now_us()
    if locked_until_us > now_us:
        raise _locked(locked_until_us - now_us)
    matched = await request.app[PASSWORDS].matches(encoded, fields.password)
    if encoded is not None:
        await _count_try(request, applicant, matched, _KNOWN if is_known else _STRANGER)
    if not matched:
        raise Problem(Code.CREDENTIALS_WRONG, "address and password do not belong together")
    return _session(context, applicant, context.now_us())


async def follow_email_link(request: web.Request) -> Answer:
    """GET /api/v1/email-links/{token}: a browser is sent to the page that does it."""
    token = request.match_info["token"]
    if request.app[CONTEXT].profile.pages is not None and "text/html" in request.headers.get("Accept", ""):
        return Answer(303, headers={"Location": f"{EMAIL_PAGE}/{quote(token)}"})
    await verify_email(request, token)
    return json_answer({"state": "email_verified"})


async def verify_email(request: web.Request, token: str) -> None:
    """The address is its applicant's. Raises Problem: link_invalid, link_expired."""
    context = request.app[CONTEXT]
    digest, now_us = _digest(token), context.now_us()
    find = (
        "SELECT applicant, expires_us, email_verified_us FROM email_links JOIN applicants ON applicants.id = applicant WHERE token_hash = ?"
    )
    row = await context.database.read(lambda cursor: cursor.execute(find, (digest,)).fetchone())
    if row is None:
        raise Problem(Code.LINK_INVALID, "the link is not one of this site")
    applicant, expires_us, verified_us = row
    if verified_us is None:
        if now_us >= expires_us:
            raise Problem(Code.LINK_EXPIRED, "the link is too old")
        verify = "UPDATE applicants SET email_verified_us = ? WHERE id = ? AND email_verified_us IS NULL"
        if await commit(request, lambda cursor: cursor.execute(verify, (now_us, applicant)).rowcount):
            context.metrics.passed("email-link").inc()


async def _count_try(request: web.Request, applicant: int, matched: bool, columns: tuple[str, str]) -> None:
    """A right password clears the count, a wrong one adds to it and may lock. Raises Problem(tries_exhausted), also when a try of the same
    moment locked the account: a right guess beside many wrong ones does not come through."""
    context = request.app[CONTEXT]
    credentials, now_us = context.profile.credentials, context.now_us()
    lock_us = now_us + round(credentials.password_lock_seconds * 1e6)

    def count(cursor: Cursor) -> int:
        tries, locked_until_us = cursor.execute(f"SELECT {', '.join(columns)} FROM applicants WHERE id = ?", (applicant,)).fetchone()
        if locked_until_us > now_us:
            return int(locked_until_us)
        tries = 0 if matched else tries + 1
        locked_until_us = lock_us if tries >= credentials.password_tries_limit else 0
        row = (0 if locked_until_us else tries, locked_until_us, applicant)
        cursor.execute(f"UPDATE applicants SET {columns[0]} = ?, {columns[1]} = ? WHERE id = ?", row)
        return int(locked_until_us)

    if (locked_until_us := await commit(request, count)) > now_us:
        raise _locked(locked_until_us - now_us)


def _session(context: SiteContext, applicant: int, at_us: int) -> Session:
    """The session of somebody who came in at this moment: the same two give the same session."""
    life_seconds = context.profile.credentials.session_life_seconds
    session = issue_session(context.session_key, applicant, at_us + round(life_seconds * 1e6))
    return {"session": session, "expires_in_seconds": life_seconds}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _taken() -> Problem:
    return Problem(Code.EMAIL_TAKEN, "this address has an account already; please log in")


def _locked(remaining_us: int) -> Problem:
    return Problem(Code.TRIES_EXHAUSTED, "too many wrong passwords; please come back later", retry_after_seconds=remaining_us / 1e6)
