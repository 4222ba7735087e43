"""What the generator's client makes of every kind of answer, on real sockets."""

import socket
import threading

import pytest

from gelombang.attempt import Outcome, Phase
from gelombang.clock import monotonic_us
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Answer, Request, prepare
from gelombang_loadtests.pool import ConnectionPool, PersonConnections
from gelombang_loadtests.uplink import UNPACED
from tests.wire.scripted_server import OK, Script, ScriptedServer, answering, read_exactly, read_head, reset, serving, until_closed

SECOND = 1_000_000


@pytest.fixture
def pool() -> ConnectionPool:
    return ConnectionPool(sockets_limit=10)


@pytest.fixture
def person(pool: ConnectionPool) -> PersonConnections:
    return pool.person()


def ask(
    person: PersonConnections, server: ScriptedServer, method: bytes = b"GET", body: bytes = b"", within_us: int = 10 * SECOND
) -> Answer:
    return exchange(person, Request(method, b"/x?y=1", "127.0.0.1", server.port, (), body), UNPACED, monotonic_us() + within_us)


def test_an_answer_with_a_length_is_read_whole(person: PersonConnections) -> None:
    text = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-One: a\r\nx-one: b\r\n\r\nhello"
    with serving(answering(text)) as server:
        answer = ask(person, server)
        person.close()
    assert (answer.outcome_error, answer.phase, answer.status, answer.body) == (None, Phase.RECEIVE, 201, b"hello")
    assert answer.headers == {b"content-length": b"5", b"x-one": b"a, b"}
    assert answer.bytes_received == len(text)
    assert answer.connections == 1


def test_a_request_is_on_the_wire_as_it_was_prepared(person: PersonConnections) -> None:
    seen = []

    def script(connection: socket.socket) -> None:
        seen.append(read_head(connection) + read_exactly(connection, 7))
        connection.sendall(OK)

    with serving(script) as server:
        head = prepare(b"POST", b"/api/v1/accounts", "127.0.0.1", server.port, ((b"Content-Type", b"application/json"),))
        request = Request(
            b"POST", b"/api/v1/accounts", "127.0.0.1", server.port, ((b"traceparent", b"00-ab-cd-01"),), b'{"a":1}', prepared=head
        )
        answer = exchange(person, request, UNPACED, monotonic_us() + 10 * SECOND)
        person.close()
        want = (
            b"POST /api/v1/accounts HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
            b'traceparent: 00-ab-cd-01\r\nContent-Length: 7\r\n\r\n{"a":1}' % server.port
        )
    assert seen == [want]
    assert answer.bytes_sent == len(want)


def test_a_line_break_in_a_header_value_is_never_sent(person: PersonConnections) -> None:
    request = Request(b"GET", b"/", "127.0.0.1", 1, ((b"Authorization", b"Bearer a\r\nX-Evil: 1"),))
    answer = exchange(person, request, UNPACED, monotonic_us() + SECOND)
    assert (answer.outcome_error, answer.phase, answer.connections) == (Outcome.PROTOCOL, Phase.NONE, 0)


def test_chunks_in_any_pieces_make_one_body(person: PersonConnections) -> None:
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: t\r\n\r\n"

    def script(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_head(connection)
        for byte in text:
            connection.sendall(bytes((byte,)))
        read_head(connection)
        connection.sendall(OK)

    with serving(script) as server:
        answer = ask(person, server)
        again = ask(person, server)
        person.close()
    assert (answer.outcome_error, answer.body) == (None, b"hello!")
    assert again.body == b"ok"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_without_body_ends_with_its_headers(person: PersonConnections, status: bytes) -> None:
    with serving(answering(b"HTTP/1.1 " + status + b"\r\nX: y\r\n\r\n", OK)) as server:
        first, second = ask(person, server), ask(person, server)
        person.close()
    assert first.outcome_error is None
    assert first.body == b""
    assert second.body == b"ok"
    assert server.accepted == 1


def test_the_length_in_an_answer_to_head_is_not_waited_for(person: PersonConnections) -> None:
    with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")) as server:
        answer = ask(person, server, b"HEAD")
    assert (answer.outcome_error, answer.status, answer.body) == (None, 200, b"")


def test_a_body_without_length_ends_with_the_connection(person: PersonConnections) -> None:
    with serving(answering(b"HTTP/1.1 200 OK\r\n\r\nall of it")) as server:
        answer = ask(person, server)
    assert (answer.outcome_error, answer.body) == (None, b"all of it")
    assert person.idle_connections == 0


def test_interim_answers_are_passed_over(person: PersonConnections) -> None:
    with serving(answering(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK)) as server:
        answer = ask(person, server)
        person.close()
    assert (answer.status, answer.body, answer.headers) == (200, b"ok", {b"content-length": b"2"})


def test_the_time_after_an_interim_answer_is_waiting(person: PersonConnections) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        until_closed(connection)

    with serving(script) as server:
        answer = ask(person, server, within_us=50_000)
    assert (answer.outcome_error, answer.phase) == (Outcome.TIMED_OUT, Phase.WAIT)


def test_a_connection_is_kept_and_used_again(person: PersonConnections) -> None:
    with serving(answering(OK, OK, OK)) as server:
        answers = [ask(person, server) for _ in range(3)]
        person.close()
    assert [answer.body for answer in answers] == [b"ok"] * 3
    assert [answer.connect_us > 0 for answer in answers] == [True, False, False]
    assert server.accepted == 1


def test_a_connection_that_the_server_will_close_is_not_used_again(person: PersonConnections) -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    with serving(answering(closing), answering(OK)) as server:
        assert ask(person, server).body == b"ok"
        assert person.idle_connections == 0
        assert ask(person, server).body == b"ok"
        person.close()
    assert server.accepted == 2


@pytest.mark.parametrize("surplus", [b"\x00garbage", OK, b"HTTP/1.1 20"])
def test_a_connection_with_more_than_the_answer_is_not_used_again(person: PersonConnections, surplus: bytes) -> None:
    with serving(answering(OK + surplus)) as server:
        answer = ask(person, server)
    assert (answer.outcome_error, answer.body, answer.headers) == (None, b"ok", {b"content-length": b"2"})
    assert person.idle_connections == 0


@pytest.mark.parametrize(
    "text",
    [
        b"SSH-2.0-server\r\n",
        b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"y" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
    ],
)
def test_what_is_not_an_answer_is_a_protocol_error_while_receiving(person: PersonConnections, text: bytes) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        try:
            connection.sendall(text)
        except ConnectionError:
            return
        until_closed(connection)

    with serving(script) as server:
        answer = ask(person, server)
    assert (answer.outcome_error, answer.phase) == (Outcome.PROTOCOL, Phase.RECEIVE)
    assert answer.error
    assert answer.status == 0


def test_a_body_over_the_limit_is_not_read_to_its_end(person: PersonConnections) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.sendall(b"10000\r\n" + b"z" * 65_536 + b"\r\n")
        except ConnectionError:
            return

    with serving(script) as server:
        answer = ask(person, server)
    assert (answer.outcome_error, answer.phase) == (Outcome.PROTOCOL, Phase.RECEIVE)
    assert 16_777_216 < answer.bytes_received < 17_000_000


def close_it(_: socket.socket) -> None:
    pass


@pytest.mark.parametrize("end", [close_it, reset])
def test_half_an_answer_is_a_reset_while_receiving(person: PersonConnections, end: Script) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        end(connection)

    with serving(script) as server:
        answer = ask(person, server)
    assert (answer.outcome_error, answer.phase) == (Outcome.RESET, Phase.RECEIVE)
    assert answer.bytes_received == 43


@pytest.mark.parametrize("end", [close_it, reset])
def test_no_answer_at_all_is_a_reset_while_waiting(person: PersonConnections, end: Script) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        end(connection)

    with serving(script) as server:
        answer = ask(person, server)
    assert (answer.outcome_error, answer.phase, answer.connections) == (Outcome.RESET, Phase.WAIT, 1)


def test_nobody_listening_is_a_refused_connect(pool: ConnectionPool, person: PersonConnections) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = exchange(person, Request(b"GET", b"/", "127.0.0.1", port), UNPACED, monotonic_us() + SECOND)
    assert (answer.outcome_error, answer.phase) == (Outcome.CONNECT_REFUSED, Phase.CONNECT)
    assert pool.open_sockets == 0


def test_an_ipv6_server_is_reached() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    seen = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            seen.append(read_head(connection))
            connection.sendall(OK)

    thread = threading.Thread(target=serve)
    thread.start()
    person = ConnectionPool(sockets_limit=1).person()
    port = listener.getsockname()[1]
    answer = exchange(person, Request(b"GET", b"/", "::1", port), UNPACED, monotonic_us() + 10 * SECOND)
    person.close()
    thread.join(10)
    listener.close()
    assert answer.body == b"ok"
    assert b"Host: [::1]:%d\r\n" % port in seen[0]


def test_huge_headers_are_read_whole_up_to_the_limit(person: PersonConnections) -> None:
    value = b"v" * 60_000
    with serving(answering(b"HTTP/1.1 200 OK\r\nX-Huge: " + value + b"\r\nContent-Length: 2\r\n\r\nok")) as server:
        answer = ask(person, server)
        person.close()
    assert (answer.outcome_error, answer.body, answer.headers[b"x-huge"]) == (None, b"ok", value)
