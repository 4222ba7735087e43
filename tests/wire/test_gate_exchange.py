"""What the gate asks with, against a server that sends bytes as it is told: framing, ends, limits."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from gelombang_gates import exchange
from gelombang_gates.exchange import Connection, NoAnswerError

Asked = list[bytes]


@contextmanager
def serving(*connections: Sequence[bytes]) -> Iterator[tuple[Connection, Asked]]:
    """Each connection answers one request after another with these bytes, and is closed after the last."""
    asked: Asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def run() -> None:
            for answers in connections:
                accepted, _ = server.accept()
                with accepted:
                    accepted.settimeout(20)
                    for answer in answers:
                        asked.append(accepted.recv(65_536))
                        accepted.sendall(answer)

        thread = threading.Thread(target=run)
        thread.start()
        connection = Connection("127.0.0.1", server.getsockname()[1])
        try:
            yield connection, asked
        finally:
            connection.close()
            thread.join(20)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, b"abc"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200, b"abc"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx", 201, b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", 200, b"to the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", 200, b"to the end"),
    ],
)
def test_an_answer_is_read_to_its_end_however_it_is_framed(answer: bytes, status: int, body: bytes) -> None:
    with serving([answer]) as (connection, _):
        assert connection.ask("GET", "/", {}, None) == (status, body)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        b"SSH-2.0-something\r\n\r\n",
    ],
)
def test_what_is_no_whole_answer_is_none(answer: bytes) -> None:
    with serving([answer]) as (connection, _), pytest.raises(NoAnswerError):
        connection.ask("GET", "/", {}, None)


def test_one_connection_serves_many_requests_and_sends_them_whole() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with serving([answer, answer]) as (connection, asked):
        connection.ask("GET", "/a?n=1", {"Accept": "text/plain"}, None)
        connection.ask("POST", "/b", {"Content-Type": "text/plain"}, b"told")
    first, second = asked
    assert first.startswith(b"GET /a?n=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nAccept: text/plain\r\n" in first
    assert second.endswith(b"\r\n\r\ntold")
    assert b"Content-Length: 4\r\n" in second


def test_a_head_request_has_an_answer_without_a_body() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
    with serving([answer, answer]) as (connection, _):
        assert connection.ask("HEAD", "/", {}, None) == (200, b"")
        assert connection.ask("HEAD", "/", {}, None) == (200, b"")


def test_a_connection_that_was_closed_while_nobody_asked_is_opened_again() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with serving([answer], [answer]) as (connection, _):
        connection.ask("GET", "/", {}, None)
        assert connection._socket is not None
        assert connection._socket.recv(1, socket.MSG_PEEK) == b""  # waits until the service has closed it
        connection.look()
        assert connection.ask("GET", "/", {}, None) == (200, b"")


def test_a_service_that_says_it_closes_is_asked_over_a_new_connection() -> None:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with serving([answer], [answer]) as (connection, _):
        connection.ask("GET", "/", {}, None)
        assert connection.ask("GET", "/", {}, None) == (200, b"")


def test_a_body_beyond_the_limit_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "ANSWER_BYTES_LIMIT", 2)
    with serving([b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"]) as (connection, _), pytest.raises(NoAnswerError):
        connection.ask("GET", "/", {}, None)


def test_a_port_where_nobody_listens_gives_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NoAnswerError):
        Connection("127.0.0.1", port).ask("GET", "/", {}, None)
