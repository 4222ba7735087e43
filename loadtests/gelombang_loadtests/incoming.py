"""The answer that is coming in on a connection: httptools' parser (llhttp, in C), fed with what was read.

Promises: a whole answer is recognised in every framing of HTTP/1.1 (RFC 9112, section 6.3): a length, chunks, none (204, 304, HEAD), or the
end of the connection; interim answers (1xx) are passed over; sizes are bounded. Whatever else arrives is a `BrokenError` with its outcome.
A parser serves all answers of its connection.

Sites give many people the same head, byte for byte. A head whose length (or lack of a body) the parser found to end an answer is kept, and
an answer with the same head, and exactly as many bytes behind it, is what the parser would say again: it isn't asked. The law of that is in
`tests/laws/test_incoming_laws.py`.
"""

from typing import Any, NamedTuple

import httptools

from gelombang.attempt import Outcome
from gelombang_loadtests.answer_headers import NO_HEADERS, AnswerHeaders
from gelombang_loadtests.broken import BrokenError

ANSWER_HEADERS_LIMIT_BYTES = 65_536
"""Status line and headers, interim answers included."""
ANSWER_BODY_LIMIT_BYTES = 16_777_216
KNOWN_HEADS_LIMIT = 1_024
"""Heads that are kept; the oldest makes room."""
KNOWN_HEAD_LIMIT_BYTES = 2_048


class _KnownHead(NamedTuple):
    """What the parser says of an answer with a head that was seen before; such an answer leaves its connection reusable."""

    status: int
    headers: AnswerHeaders
    body_bytes: int


_known_heads: dict[bytes, _KnownHead] = {}
"""By all bytes of the head, the empty line included."""


class IncomingAnswer:
    """One answer after the other. `status`, `headers` (lower-case names) and `body` hold once it is `complete`."""

    __slots__ = (
        "_chunks",
        "_head",
        "_interim",
        "_parser",
        "_status",
        "_without_body",
        "body",
        "bytes_received",
        "complete",
        "headers",
        "headers_complete",
        "reusable",
        "started",
        "status",
    )

    def __init__(self) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self.status = 0
        self.headers = NO_HEADERS
        self.body = b""
        self.begin()

    def begin(self, without_body: bool = False) -> None:
        """Expect the next answer; `without_body` when the request was HEAD."""
        self._without_body = without_body
        self.bytes_received = 0
        self.started = False
        """Its first bytes are there, and it isn't an interim answer that is over."""
        self.headers_complete = False
        self.complete = False
        self.reusable = False
        """Whether the connection may carry another exchange."""

    def close(self) -> None:
        """No answer follows. Parser and answer know each other: this cuts the ring, so that no collector is needed."""
        self._parser = None

    def feed(self, data: memoryview) -> None:
        """Parse what was read. Raises BrokenError when it isn't HTTP or is over a limit."""
        if self.bytes_received:
            self._parse(data)
            return
        read = bytes(data)
        head_bytes = read.find(b"\r\n\r\n") + 4
        known = None if self._without_body else _known_heads.get(read[:head_bytes])
        if known is None or len(read) != head_bytes + known.body_bytes:
            self._head = b""
            """What was read until the headers were whole, heads of interim answers included."""
            self._interim = self._status = 0
            self._chunks: list[bytes] = []
            self._parse(data)
            self._learn(read, head_bytes)
            return
        self.status, self.headers, _ = known
        self.body = read[head_bytes:]
        self.bytes_received = len(read)
        self.started = self.headers_complete = self.complete = self.reusable = True

    def meet_end_of_stream(self) -> None:
        """The server closed: a body without length ends so. Raises BrokenError when the answer isn't whole."""
        if self.headers_complete:
            headers = AnswerHeaders(self._head, self._interim)
            if b"content-length" not in headers and b"chunked" not in headers.get(b"transfer-encoding", b"").lower():
                self._finish(reusable=False)
                return
        raise BrokenError(Outcome.RESET, "the server closed the connection before its answer was whole")

    def is_final_error(self) -> bool:
        """Whether the answer, whole or not, makes the rest of an unfinished request pointless."""
        return self.complete or (self.headers_complete and self._status >= 300)

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        if self.complete:
            self.reusable = False  # a second answer, to a request that nobody sent
        self.started = True

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        self._status = self._parser.get_status_code()
        if self._status < 200:
            self._interim += 1
            return
        self.headers_complete = True
        if self._without_body:
            self._finish(reusable=False)  # the parser would wait for the body that the length promises

    def on_body(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        if self.complete:
            return
        if self.headers_complete:
            self._finish(reusable=self._parser.should_keep_alive())
        else:
            self.started = False  # an interim answer (RFC 9110, section 15.2): the real one follows

    # Inside.

    def _parse(self, data: memoryview) -> None:
        self.bytes_received += len(data)
        if not self.headers_complete:
            self._head += data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.complete:
                raise BrokenError(Outcome.PROTOCOL, f"the answer is no HTTP: {error}") from None
            self.reusable = False
        except httptools.HttpParserUpgrade:
            raise BrokenError(Outcome.PROTOCOL, "the answer switches to a protocol that nobody asked for") from None
        if not self.complete:
            self._keep_limits()

    def _learn(self, read: bytes, head_bytes: int) -> None:
        """Keep the head of an answer that came in one piece, if the bytes behind it are its body as they stand."""
        if not self.reusable or self._without_body or not 4 <= head_bytes <= KNOWN_HEAD_LIMIT_BYTES or self.body != read[head_bytes:]:
            return
        if len(_known_heads) >= KNOWN_HEADS_LIMIT:
            del _known_heads[next(iter(_known_heads))]
        head = read[:head_bytes]
        _known_heads[head] = _KnownHead(self.status, AnswerHeaders(head, 0), len(self.body))

    def _finish(self, reusable: bool) -> None:
        self.status = self._status
        self.headers = AnswerHeaders(self._head, self._interim)
        self.body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self.complete = True
        self.reusable = reusable

    def _keep_limits(self) -> None:
        if not self.headers_complete and len(self._head) > ANSWER_HEADERS_LIMIT_BYTES:
            raise BrokenError(Outcome.PROTOCOL, f"the answer's headers are over {ANSWER_HEADERS_LIMIT_BYTES} bytes")
        if self.bytes_received > ANSWER_BODY_LIMIT_BYTES + ANSWER_HEADERS_LIMIT_BYTES:
            raise BrokenError(Outcome.PROTOCOL, f"the answer's body is over {ANSWER_BODY_LIMIT_BYTES} bytes")
