"""The tus protocol 1.0.0 (tus.io/protocols/resumable-upload: core, creation, checksum) as an upload page speaks it, without a socket.

`Upload` says which request is next and is told what came of it:

    create -> send -> ... -> send -> done      create, send, ask --break--> wait, then ask (or create, where nothing is created yet)
    ask -> send | done                         send, ask --gone (403, 404, 410)--> create, once

A break is a lost connection, 5xx, or an offset, lock or checksum that does not fit (409, 423, 460). What else the site refuses ends it.

Leaves out creation with upload, deferred length, concatenation and termination, and time: patience is the visit's.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple
from urllib.parse import urljoin

from gelombang.attempt import Code, Outcome
from gelombang.step_parts import TusUpload
from gelombang_loadtests.exchanged import Answer

VERSION = "1.0.0"
CHUNK_TYPE = "application/offset+octet-stream"
CHUNKS_LIMIT = 200
"""Of one upload: larger ones have larger chunks, because an attempt's row counts up to 255 exchanges."""

_GONE = frozenset((403, 404, 410))
_OUT_OF_STEP = frozenset((409, 423, 460))
_BREAKS = frozenset((Outcome.RESET, Outcome.CONNECT_REFUSED, Outcome.PROTOCOL, Outcome.FAILED))

Buffers = Sequence[bytes | memoryview]


class Wanted(NamedTuple):
    """The next request. `headers` are the protocol's own; `content` is the body."""

    method: str
    url: str
    headers: dict[str, str]
    content: tuple[bytes | memoryview, ...] = ()
    after_seconds: float = 0.0
    """To be waited before it is sent."""


class Verdict(NamedTuple):
    """How an upload ended: the last answer's outcome, and a sentence where the protocol says more than the status."""

    outcome: Outcome
    reason: str = ""


class _State(Enum):
    CREATE = "POST"
    ASK = "HEAD"
    SEND = "PATCH"


class Upload:
    """One attempt at one upload. `url` is where the site keeps what an earlier attempt began."""

    def __init__(self, upload: TusUpload, endpoint: str, parts: Buffers, metadata: Mapping[str, str], url: str | None = None) -> None:
        self._upload = upload
        self._endpoint = endpoint
        self._parts = [memoryview(part) for part in parts]
        self._metadata = metadata
        self.size_bytes = sum(len(part) for part in self._parts)
        self.offset_bytes = 0
        self.url = url
        """Where the site keeps it; None before it is created and when it is gone."""
        self._state = _State.CREATE if url is None else _State.ASK
        self._breaks = 0
        self._created_again = False
        self._after_seconds = 0.0
        self._chunk_bytes = max(upload.chunk_bytes or self.size_bytes, -(-self.size_bytes // CHUNKS_LIMIT), 1)

    def wanted(self) -> Wanted:
        """The request that is next."""
        headers = {"tus-resumable": VERSION}
        after_seconds, self._after_seconds = self._after_seconds, 0.0
        if self._state is _State.CREATE:
            headers["upload-length"] = str(self.size_bytes)
            if self._metadata:
                headers["upload-metadata"] = ",".join(_pair(name, value) for name, value in self._metadata.items())
            return Wanted("POST", self._endpoint, headers, after_seconds=after_seconds)
        assert self.url is not None
        if self._state is _State.ASK:
            return Wanted("HEAD", self.url, headers, after_seconds=after_seconds)
        chunk = piece_of(self._parts, self.offset_bytes, self._chunk_bytes)
        headers |= {"upload-offset": str(self.offset_bytes), "content-type": CHUNK_TYPE}
        if self._upload.checksum is not None:
            headers["upload-checksum"] = _checksum(self._upload.checksum, chunk)
        return Wanted("PATCH", self.url, headers, chunk, after_seconds)

    def take(self, answer: Answer, outcome: Outcome, asked_url: str) -> Verdict | None:
        """What came of it; None when another request is wanted. `outcome` is what the step's rules make of the answer."""
        status = answer.status if answer.outcome_error is None else 0
        if self._state is not _State.CREATE and status in _GONE:
            return self._gone(outcome)
        if self._state is not _State.CREATE and status in _OUT_OF_STEP:
            return self._broken(Outcome.FAILED, f"status {status}, at byte {self.offset_bytes:,} of {self.size_bytes:,}")
        if outcome in _BREAKS and answer.code is not Code.HOST_NOT_ALLOWED:
            return self._broken(outcome, "")
        if outcome is not Outcome.OK:
            return Verdict(outcome)
        return self._created(answer, asked_url) if self._state is _State.CREATE else self._stands(answer)

    def _created(self, answer: Answer, asked_url: str) -> Verdict | None:
        location = answer.headers.get(b"location")
        if location is None:
            return Verdict(Outcome.PROTOCOL, f"the upload was created (status {answer.status}) without a Location")
        self.url = urljoin(asked_url, location.decode("utf-8", "replace").strip())
        self.offset_bytes = 0
        return self._goes_on()

    def _stands(self, answer: Answer) -> Verdict | None:
        """Where the site says that the upload is."""
        offset = _number(answer.headers.get(b"upload-offset"))
        if offset is None or offset > self.size_bytes:
            said = answer.headers.get(b"upload-offset", b"none").decode("latin-1")
            return Verdict(
                Outcome.PROTOCOL, f"{self._state.value}: Upload-Offset {said} of {self.size_bytes} bytes (status {answer.status})"
            )
        if self._state is _State.ASK:
            length = _number(answer.headers.get(b"upload-length"))
            if length is not None and length != self.size_bytes:
                return self._gone(Outcome.PROTOCOL)
        elif offset <= self.offset_bytes:
            return self._broken(Outcome.FAILED, f"nothing of a chunk was kept, at byte {offset:,} of {self.size_bytes:,}")
        self.offset_bytes = offset
        return self._goes_on()

    def _goes_on(self) -> Verdict | None:
        self._state = _State.SEND
        return Verdict(Outcome.OK) if self.offset_bytes == self.size_bytes else None

    def _gone(self, outcome: Outcome) -> Verdict | None:
        self.url = None
        if self._created_again:
            return Verdict(outcome, "the upload is gone, a second time")
        self._created_again = True
        self._state = _State.CREATE
        return None

    def _broken(self, outcome: Outcome, reason: str) -> Verdict | None:
        if self._breaks >= self._upload.resumes_limit:
            return Verdict(outcome, f"{reason}, after {self._breaks} breaks" if reason else "")
        self._breaks += 1
        self._after_seconds = self._upload.resume_seconds
        self._state = _State.CREATE if self.url is None else _State.ASK
        return None


def piece_of(parts: Sequence[memoryview], begin: int, length: int) -> tuple[memoryview, ...]:
    """The bytes from `begin` on, at most so many, as views of the parts: nothing is copied."""
    found: list[memoryview] = []
    for part in parts:
        if begin < len(part) and length > 0:
            piece = part[begin : begin + length]
            found.append(piece)
            length -= len(piece)
        begin = max(begin - len(part), 0)
    return tuple(found)


def _pair(name: str, value: str) -> str:
    return f"{name} {b64encode(value.encode()).decode()}" if value else name


def _checksum(algorithm: str, chunk: Buffers) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for part in chunk:
        digest.update(part)
    return f"{algorithm} {b64encode(digest.digest()).decode()}"


def _number(header: bytes | None) -> int | None:
    text = (header or b"").strip()
    return int(text) if text.isdigit() and len(text) < 19 else None
