"""What a ticket says, as text that every process of the site understands and nobody else can make: signed by HMAC-SHA256 (RFC 2104)."""

import binascii
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from gelombang.attempt import Code
from gelombang.steps import PhotoKind
from gelombang_server.problem import Problem
from gelombang_server.signing import Signer

NO_TRACE = bytes(16)

_CLAIMS = struct.Struct("<QqBIq16s32s")
"""serial, applicant, kind, bytes, expires, trace id, digest"""
_KINDS = tuple(PhotoKind)
_SIGNATURE_BYTES = 16


class Claims(NamedTuple):
    """What a ticket says."""

    serial: int
    applicant: int
    kind: PhotoKind
    photo_bytes: int
    expires_us: int
    trace: bytes
    """The trace id of whom it was given to; NO_TRACE for a client that sends none."""
    sha256: bytes


class TicketSeal:
    """Signs and reads under a key that the processes of a site share."""

    def __init__(self, key: bytes) -> None:
        self._signer = Signer(hmac.digest(key, b"ticket", "sha256"))

    def token(self, said: Claims) -> str:
        """As text."""
        claims = _CLAIMS.pack(
            said.serial, said.applicant, _KINDS.index(said.kind), said.photo_bytes, said.expires_us, said.trace, said.sha256
        )
        return urlsafe_b64encode(claims + self._signer.signature(claims, _SIGNATURE_BYTES)).decode().rstrip("=")

    def read(self, token: str) -> Claims:
        """Raises Problem(ticket_invalid) for a text that was not signed here."""
        try:
            data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            data = b""
        claims, signature = data[: _CLAIMS.size], data[_CLAIMS.size :]
        if len(claims) != _CLAIMS.size or not self._signer.is_signed(claims, signature, _SIGNATURE_BYTES):
            raise Problem(Code.TICKET_INVALID, "the ticket is not one of this site; please ask for one")
        serial, applicant, kind, photo_bytes, expires_us, trace, sha256 = _CLAIMS.unpack(claims)
        return Claims(serial, applicant, _KINDS[kind], photo_bytes, expires_us, trace, sha256)
