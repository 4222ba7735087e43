"""The headers of tus 1.0.0 (tus.io/protocols/resumable-upload; core, creation, expiration, checksum, termination), read and written. Pure.

A creation says which photo it is in `Upload-Metadata`: `kind` (ktp or selfie), and `sha256` (64 hexadecimal digits) where the client can
tell; other names are kept and told again by HEAD, as the protocol asks. `Upload-Limit` is the IETF's (draft-ietf-httpbis-resumable-upload,
"Limits"): what tus has only `Tus-Max-Size` for.

Leaves out creation with upload, deferred length, concatenation and `X-HTTP-Method-Override`.
"""

import hashlib
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import NamedTuple

from gelombang.attempt import Code, Stage
from gelombang.steps import PhotoKind
from gelombang_server.problem import Problem

VERSION = "1.0.0"
CHUNK_TYPE = "application/offset+octet-stream"
EXTENSIONS = "creation,expiration,checksum,termination"
ALGORITHMS = ("sha1", "sha256", "md5")
"""The protocol asks for sha1; what they protect against is a line, not a person."""
METADATA_LIMIT_BYTES = 1_024
"""It is kept with the upload."""

_WHOLE_NUMBER = re.compile(r"[0-9]{1,15}")
_NAME = re.compile(r"[!-+\--~]+")
"""Printable ASCII without space and comma."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Creation(NamedTuple):
    """What a client wants to send."""

    kind: PhotoKind
    size_bytes: int
    sha256: str | None
    metadata: str
    """As it came."""


class Checksum(NamedTuple):
    """What the bytes of one request come to, as the client says."""

    algorithm: str
    digest: bytes


def require_version(headers: Mapping[str, str]) -> None:
    """Raises Problem(protocol_version_unknown)."""
    if headers.get("Tus-Resumable") != VERSION:
        raise Problem(Code.PROTOCOL_VERSION_UNKNOWN, f"Tus-Resumable: want {VERSION}", stage=Stage.HEADERS)


def read_creation(headers: Mapping[str, str]) -> Creation:
    """Raises Problem: malformed_request, field_missing, field_invalid."""
    if "Upload-Defer-Length" in headers:
        raise _malformed("Upload-Defer-Length is not understood; want Upload-Length")
    if headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers:
        raise _malformed("bytes with the creation are not understood; want an empty body")
    size_bytes = read_number(headers, "Upload-Length")
    if size_bytes == 0:
        raise Problem(Code.FIELD_INVALID, "Upload-Length: want 1 or more", stage=Stage.HEADERS)
    text = headers.get("Upload-Metadata", "")
    metadata = read_metadata(text)
    if "kind" not in metadata:
        raise Problem(Code.FIELD_MISSING, "Upload-Metadata, kind: want ktp or selfie", stage=Stage.HEADERS)
    try:
        kind = PhotoKind(metadata["kind"].decode("ascii", "replace"))
    except ValueError:
        raise Problem(Code.FIELD_INVALID, "Upload-Metadata, kind: want ktp or selfie", stage=Stage.HEADERS) from None
    sha256 = metadata["sha256"].decode("ascii", "replace") if "sha256" in metadata else None
    if sha256 is not None and _SHA256.fullmatch(sha256) is None:
        raise Problem(Code.FIELD_INVALID, "Upload-Metadata, sha256: want 64 hexadecimal digits in lower case", stage=Stage.HEADERS)
    return Creation(kind, size_bytes, sha256, text)


def read_metadata(text: str) -> dict[str, bytes]:
    """`name base64,name base64`, a name alone has an empty value. Raises Problem(malformed_request)."""
    if len(text) > METADATA_LIMIT_BYTES:
        raise _malformed(f"Upload-Metadata has {len(text)} characters; want {METADATA_LIMIT_BYTES} at most")
    found: dict[str, bytes] = {}
    for pair in text.split(",") if text else ():
        name, _, value = pair.strip(" ").partition(" ")
        if _NAME.fullmatch(name) is None or name in found:
            raise _malformed("Upload-Metadata: want names that are unique, each with a value in base64")
        try:
            found[name] = b64decode(value, validate=True)
        except ValueError:
            raise _malformed("Upload-Metadata: want names that are unique, each with a value in base64") from None
    return found


def read_number(headers: Mapping[str, str], name: str) -> int:
    """Raises Problem(malformed_request)."""
    text = headers.get(name, "")
    if _WHOLE_NUMBER.fullmatch(text) is None:
        raise _malformed(f"{name}: want a whole number of bytes")
    return int(text)


def read_checksum(headers: Mapping[str, str]) -> Checksum | None:
    """`algorithm base64`. Raises Problem(malformed_request)."""
    text = headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    try:
        digest = b64decode(value, validate=True)
    except ValueError:
        digest = b""
    if algorithm not in ALGORITHMS or len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise _malformed(f"Upload-Checksum: want one of {', '.join(ALGORITHMS)} and its digest in base64")
    return Checksum(algorithm, digest)


def upload_limit(size_limit_bytes: int, life_seconds: float) -> str:
    """The value of `Upload-Limit`."""
    return f"max-size={size_limit_bytes}, max-age={max(1, round(life_seconds))}"


def upload_expires(moment: datetime) -> str:
    """The value of `Upload-Expires` (an HTTP date), from a moment in UTC."""
    return format_datetime(moment, usegmt=True)


def _malformed(detail: str) -> Problem:
    return Problem(Code.MALFORMED_REQUEST, detail, stage=Stage.HEADERS)
