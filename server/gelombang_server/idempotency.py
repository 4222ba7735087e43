"""A write sent again with the same `Idempotency-Key` is done once and has the same answer (IETF draft idempotency-key-header-06).

What was done is kept in the transaction that did it, so a key holds over processes, kills and restarts. Kept is the least from which the
answer can be made once more: a number and the moment; no body, no session, and of key and body only keyed digests (HMAC-SHA256, RFC 2104),
because a body may hold a password. A key belongs to who asks and to the route. A write that was refused left nothing behind, neither here
nor elsewhere, and may be tried again with its key. Bounded: the oldest key makes room, and each dies with its life.
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gelombang.attempt import Code, Stage
from gelombang_server.applicants import commit
from gelombang_server.bodies import Fields
from gelombang_server.config import CONTEXT
from gelombang_server.peoplestore import Cursor
from gelombang_server.problem import Problem

HEADER = "Idempotency-Key"
KEY_LIMIT = 128
"""Characters."""
_KEY = re.compile(rf'(?:"(?P<quoted>[\x20-\x21\x23-\x5b\x5d-\x7e]{{1,{KEY_LIMIT}}})"|(?P<bare>[A-Za-z0-9._~:/+=-]{{1,{KEY_LIMIT}}}))')
"""A string as RFC 8941 writes it, or a plain word, which many clients send."""
NOBODY = 0
"""Who asks before there is an account."""


@dataclass(frozen=True, slots=True)
class Once:
    """A write that its sender wants done once."""

    key: bytes
    body: bytes
    oldest_us: int
    """A key from before this moment is forgotten."""


@dataclass(frozen=True, slots=True)
class Done:
    """A write that is durable: from these two numbers its answer is made, now and again."""

    result: int
    at_us: int
    is_again: bool = False


def once(request: web.Request, applicant: int, fields: Fields | None = None) -> Once | None:
    """What the request's key says; None without one. Raises Problem(idempotency_key_invalid)."""
    sent = request.headers.getall(HEADER, [])
    if not sent:
        return None
    found = _KEY.fullmatch(sent[0]) if len(sent) == 1 else None
    if found is None:
        wanted = f"one string of 1 to {KEY_LIMIT} characters, in double quotes"
        raise Problem(Code.IDEMPOTENCY_KEY_INVALID, f"{HEADER}: want {wanted}", stage=Stage.HEADERS)
    context = request.app[CONTEXT]
    secret = hmac.digest(context.session_key, b"idempotency", "sha256")
    who = f"{applicant} {request.method} {request.path} ".encode()
    body = b"" if fields is None else fields.model_dump_json().encode()
    oldest_us = context.after_us(-context.profile.api.idempotency_life_seconds)
    key = hmac.digest(secret, b"key " + who + (found["quoted"] or found["bare"]).encode(), "sha256")
    return Once(key, hmac.digest(secret, b"body " + body, "sha256"), oldest_us)


def done_before(cursor: Cursor, wanted: Once | None) -> Done | None:
    """What was done for this key. Raises Problem(idempotency_key_reused) when that was something else."""
    if wanted is None:
        return None
    row = cursor.execute("SELECT body, result, at_us FROM idempotency_keys WHERE key = ?", (wanted.key,)).fetchone()
    if row is None or row[2] < wanted.oldest_us:
        return None
    if not hmac.compare_digest(row[0], wanted.body):
        raise Problem(Code.IDEMPOTENCY_KEY_REUSED, f"{HEADER}: this key came with another body before; want a new key")
    return Done(row[1], row[2], is_again=True)


async def commit_once(request: web.Request, wanted: Once | None, operation: Callable[[Cursor], int]) -> Done:
    """As `commit`, once for each key: `operation` is run, or what it did for this key before is given."""
    context = request.app[CONTEXT]
    now_us, limit = context.now_us(), context.profile.api.idempotency_keys_limit
    if wanted is None:
        return Done(await commit(request, operation), now_us)

    def run(cursor: Cursor) -> Done:
        if (before := done_before(cursor, wanted)) is not None:
            return before
        done = Done(operation(cursor), now_us)
        _keep(cursor, wanted, done, limit)
        return done

    return await commit(request, run)


def _keep(cursor: Cursor, wanted: Once, done: Done, limit: int) -> None:
    cursor.execute("DELETE FROM idempotency_keys WHERE key = ?", (wanted.key,))
    row = (wanted.key, wanted.body, done.result, done.at_us)
    insert = "INSERT INTO idempotency_keys (key, body, result, at_us) VALUES (?, ?, ?, ?) RETURNING id"
    (newest,) = cursor.execute(insert, row).fetchone()
    # Ids count up without a gap to speak of, so what lies `limit` behind the newest is one too many.
    cursor.execute("DELETE FROM idempotency_keys WHERE id <= ?", (newest - limit,))
