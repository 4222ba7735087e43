"""What an answer looks like on the wire."""

from typing import Any, cast

import pytest
from aiohttp import HttpVersion10, HttpVersion11, web

from gelombang_server.answers import Answer, json_answer


class Line:
    """A connection that keeps what is written."""

    def __init__(self, *, closing: bool = False) -> None:
        self.sent = b""
        self._closing = closing

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: bytes) -> None:
        self.sent += data


class Asked:
    """A request, as far as an answer looks at it."""

    def __init__(self, method: str = "GET", version: Any = HttpVersion11, keep_alive: bool = True, line: Line | None = None) -> None:
        self.method, self.version, self.keep_alive = method, version, keep_alive
        self.transport = line or Line()


def sent(answer: Answer, asked: Asked) -> tuple[str, list[str], bytes]:
    answer.send(cast("web.BaseRequest", asked))
    head, _, body = asked.transport.sent.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    return line, [field for field in fields if not field.startswith("Date: ")], body


SECURE = [
    "Cache-Control: no-store",
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy: no-referrer",
    "Server: gelombang",
    "X-Content-Type-Options: nosniff",
]


def test_an_answer_has_its_type_what_all_have_its_length_and_its_own_headers() -> None:
    answer = json_answer({"state": "ok"}, 201)
    answer.add_header("Retry-After", "5")
    line, fields, body = sent(answer, Asked())
    assert line == "HTTP/1.1 201 Created"
    assert fields == ["Content-Type: application/json", *SECURE, "Content-Length: 14", "Retry-After: 5"]
    assert body == b'{"state":"ok"}'


def test_an_answer_to_head_tells_the_length_and_keeps_the_body() -> None:
    assert sent(Answer(200, b"12345", "text/plain"), Asked("HEAD"))[1:] == (["Content-Type: text/plain", *SECURE, "Content-Length: 5"], b"")
    assert sent(Answer(200), Asked("HEAD"))[1:] == (SECURE, b"")


def test_an_answer_without_content_has_no_length_and_an_empty_one_has_none_of_bytes() -> None:
    assert sent(Answer(204), Asked())[1:] == (SECURE, b"")
    assert sent(Answer(201), Asked())[1:] == ([*SECURE, "Content-Length: 0"], b"")


def test_who_does_not_want_to_be_kept_is_told_so_and_an_old_client_that_does_too() -> None:
    line, fields, _ = sent(Answer(204), Asked(version=HttpVersion10))
    assert (line, fields[-1]) == ("HTTP/1.0 204 No Content", "Connection: keep-alive")
    assert sent(Answer(204), Asked(keep_alive=False))[1][-1] == "Connection: close"
    assert sent(Answer(204), Asked(version=HttpVersion10, keep_alive=False))[1] == SECURE


def test_a_status_that_http_has_no_words_for_stands_alone() -> None:
    assert sent(Answer(460), Asked())[0] == "HTTP/1.1 460 "


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b"])
def test_a_value_with_a_line_break_is_never_sent(value: str) -> None:
    asked = Asked()
    with pytest.raises(ValueError, match="line break"):
        Answer(headers={"Upload-Metadata": value}).send(cast("web.BaseRequest", asked))
    assert asked.transport.sent == b""


def test_who_has_left_is_sent_nothing() -> None:
    asked = Asked(line=Line(closing=True))
    with pytest.raises(ConnectionResetError):
        json_answer({}).send(cast("web.BaseRequest", asked))
    assert asked.transport.sent == b""
