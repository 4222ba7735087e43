"""One kept connection over which a service is asked, one request after another.

Promise: an answer is whole, or there was none; a connection that the service closed while nobody asked is opened again and is no fault of
its; every wait and every body has a bound. Idea: the parser is httptools' (llhttp), because the standard library's client costs as much CPU
as many a service does for the answer, and takes that from the pairs that a gate has time for. Left out: TLS, compression, pipelining.
"""

import select
import socket
from collections.abc import Mapping

from httptools import HttpParserError, HttpResponseParser

from gelombang_gates.service import ANSWER_WITHIN_SECONDS

ANSWER_BYTES_LIMIT = 16_000_000
_READ_BYTES = 65_536
_WITH_BODY = ("POST", "PUT", "PATCH")
_INFORMATIONAL_BELOW = 200


class NoAnswerError(Exception):
    """The service refused, broke off, sent something else than HTTP or more than the limit, or took too long."""


class Connection:
    """To one service; opened when it is needed."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def close(self) -> None:
        """Also after it was closed."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def look(self) -> None:
        """Close it where the service has closed it: what is asked next opens a new one."""
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self.close()

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, bytes]:
        """Status and body. Raises NoAnswerError."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, ANSWER_WITHIN_SECONDS)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(self._written(method, path, headers, body))
            answer = _read(self._socket, method)
        except (OSError, HttpParserError) as error:
            self.close()
            raise NoAnswerError(str(error)) from None
        except NoAnswerError:
            self.close()
            raise
        if not answer.keeps_open:
            self.close()
        return answer.status, b"".join(answer.body)

    def _written(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        own = {"Host": f"{self._address[0]}:{self._address[1]}", "Accept-Encoding": "identity"}
        if body is not None or method in _WITH_BODY:
            own["Content-Length"] = str(len(body or b""))
        given = {name.lower() for name in headers}
        lines = [f"{name}: {value}\r\n" for name, value in own.items() if name.lower() not in given]
        lines += [f"{name}: {value}\r\n" for name, value in headers.items()]
        return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1") + (body or b"")


class _Answer:
    """Filled by the parser."""

    def __init__(self, method: str) -> None:
        self._parser = HttpResponseParser(self)
        self._without_body = method == "HEAD"
        self._framed = False
        self._bytes = 0
        self.status = 0
        self.body: list[bytes] = []
        self.is_whole = False
        self.keeps_open = False

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def ended(self) -> None:
        """The service closed: the end of an answer that says no length, the lack of any other."""
        if not self.status or self._framed:
            raise NoAnswerError("the service closed the connection before its answer was whole")
        self.is_whole = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._framed = self._framed or name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= _INFORMATIONAL_BELOW:
            self.status = status
            self.is_whole = self._without_body
            self.keeps_open = self._without_body and self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > ANSWER_BYTES_LIMIT:
            raise NoAnswerError(f"an answer of more than {ANSWER_BYTES_LIMIT} bytes")
        self.body.append(data)

    def on_message_complete(self) -> None:
        if self.status:
            self.is_whole = True
            self.keeps_open = self._parser.should_keep_alive()


def _read(connection: socket.socket, method: str) -> _Answer:
    answer = _Answer(method)
    while not answer.is_whole:
        data = connection.recv(_READ_BYTES)
        if data:
            answer.feed(data)
        else:
            answer.ended()
    return answer
