"""Sessions without a table: a signed (applicant, expiry), so that every process can tell a session from its bytes alone.

HMAC-SHA256 (RFC 2104) with a key that is drawn when the site starts and shared through a file in the site's folder. A session can't be
revoked; it ends with its life or with the site.
"""

import binascii
import os
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from pathlib import Path

from aiohttp import web

from gelombang.attempt import Code
from gelombang_server.config import CONTEXT, SESSION_KEY_BYTES, SESSION_KEY_FILE
from gelombang_server.problem import Problem
from gelombang_server.signing import Signer

_CLAIMS = struct.Struct("<qq")
_SIGNATURE_BYTES = 16
_LONG_AGO_US = -(1 << 62)
"""A moment at which no session was too old."""
_TOKEN_CHARACTERS = 44
"""32 bytes in base64 with its padding."""


def make_session_key(site: Path, key: bytes | None = None) -> bytes:
    """Write a key where only this account can read it, a drawn one where none is given; a key that is there is kept."""
    path = site / SESSION_KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_session_key(site)
    key = secrets.token_bytes(SESSION_KEY_BYTES) if key is None else key
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    return key


def read_session_key(site: Path) -> bytes:
    """The key that `make_session_key` wrote."""
    return (site / SESSION_KEY_FILE).read_bytes()


def issue_session(key: bytes, applicant: int, expires_us: int) -> str:
    """A session for this applicant, good until `expires_us`."""
    claims = _CLAIMS.pack(applicant, expires_us)
    return urlsafe_b64encode(claims + _signer(key).signature(claims, _SIGNATURE_BYTES)).decode()


def read_session(key: bytes, token: str, now_us: int) -> int:
    """The applicant of a session. Raises Problem(session_invalid or session_expired)."""
    try:
        data = urlsafe_b64decode(token) if len(token) == _TOKEN_CHARACTERS else b""
    except (binascii.Error, ValueError):
        data = b""
    claims, signature = data[: _CLAIMS.size], data[_CLAIMS.size :]
    if not _signer(key).is_signed(claims, signature, _SIGNATURE_BYTES):
        raise Problem(Code.SESSION_INVALID, "the session is not one of this site; please log in")
    applicant, expires_us = _CLAIMS.unpack(claims)
    if now_us >= expires_us:
        raise Problem(Code.SESSION_EXPIRED, "the session is too old; please log in again")
    return int(applicant)


def session_shown(request: web.Request) -> int | None:
    """Whose session the request carries, be it too old; None without one of this site."""
    _, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        return read_session(request.app[CONTEXT].session_key, token, _LONG_AGO_US)
    except Problem:
        return None


def require_session(request: web.Request) -> int:
    """The id of the applicant who asks. Raises Problem(session_missing, session_invalid, session_expired)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(Code.SESSION_MISSING, "the Authorization header is missing; want `Bearer` and the session")
    context = request.app[CONTEXT]
    return read_session(context.session_key, token, context.now_us())


@lru_cache(maxsize=1)
def _signer(key: bytes) -> Signer:
    """A process has one key."""
    return Signer(key)
