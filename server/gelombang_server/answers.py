"""An answer: a status, a body and a few headers, written to the connection in one piece.

What an answer always carries is laid out once for each status and type of body; what differs (date, length, a header or two) is put
between. aiohttp's own response builds, merges and serialises a dictionary of headers each time, which cost more than most handlers do.
Left out: bodies that come in pieces, compression, cookies.
"""

from functools import cache
from http import HTTPStatus

import orjson
from aiohttp import hdrs, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion10, HttpVersion11

from gelombang_server.headers import SECURITY_HEADERS

JSON_TYPE = "application/json"
_WITHOUT_BODY = frozenset({204, 304})
"""No body and no length (RFC 9110, section 8.6)."""


class Answer:
    """One answer; it is sent once, by the connection that its request came over."""

    __slots__ = ("_request", "body", "content_type", "headers", "keep_alive", "status")

    def __init__(self, status: int = 200, body: bytes = b"", content_type: str = "", headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers
        """Beyond those of every answer; values as they go over the wire."""
        self.keep_alive: bool | None = None
        """None: as the request wants it."""
        self._request: web.BaseRequest | None = None

    def add_header(self, name: str, value: str) -> None:
        """One header more."""
        if self.headers is None:
            self.headers = {name: value}
        else:
            self.headers[name] = value

    def send(self, request: web.BaseRequest) -> None:
        """Hand it to the kernel. Raises ConnectionResetError when the client has left."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client left before its answer")
        transport.write(self._bytes(request))

    async def prepare(self, request: web.BaseRequest) -> None:
        """What a connection of aiohttp's own asks for, before `write_eof`."""
        self._request = request

    async def write_eof(self) -> None:
        """As `send`, to who asked in `prepare`."""
        assert self._request is not None
        self.send(self._request)

    def _bytes(self, request: web.BaseRequest) -> bytes:
        version, body = request.version, self.body
        if self.keep_alive is None:
            self.keep_alive = request.keep_alive
        line = _line(version[0], version[1], self.status)
        more = f"Date: {rfc822_formatted_time()}\r\n"
        if request.method == hdrs.METH_HEAD:
            length, body = len(body), b""
            if length:
                more += f"Content-Length: {length}\r\n"
        elif self.status not in _WITHOUT_BODY:
            more += f"Content-Length: {len(body)}\r\n"
        if self.headers is not None:
            more += fields(self.headers)
        if not self.keep_alive and version == HttpVersion11:
            more += "Connection: close\r\n"
        elif self.keep_alive and version == HttpVersion10:
            more += "Connection: keep-alive\r\n"
        return b"%b%b%b\r\n%b" % (line, self._always(), more.encode(), body)

    def _always(self) -> bytes:
        return _always(self.content_type)


def json_answer(document: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, orjson.dumps(document), JSON_TYPE)


@cache
def _line(major: int, minor: int, status: int) -> bytes:
    """The status line; both are of closed sets."""
    known = {each.value: each.phrase for each in HTTPStatus}
    return f"HTTP/{major}.{minor} {status} {known.get(status, '')}\r\n".encode()


@cache
def _always(content_type: str) -> bytes:
    """The headers of every answer with this type of body; types are a closed set."""
    headers = {"Content-Type": content_type} | SECURITY_HEADERS if content_type else SECURITY_HEADERS
    return fields(dict(headers)).encode()


def fields(headers: dict[str, str]) -> str:
    """Header lines. What a client sent may come back in one (a tus upload's metadata), and must not become two."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or "\0" in lines:
        raise ValueError(f"a header of {list(headers)} has a line break in its value")
    return lines
