"""How the generator's client sends: paced by the line, exact, and attentive to answers that come early."""

import hashlib
import socket
import threading
from collections.abc import Sequence

import gevent
import pytest

from gelombang.attempt import Outcome, Phase
from gelombang.clock import monotonic_us
from gelombang_loadtests.connection import Connection
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.multipart_body import multipart_photo
from gelombang_loadtests.pool import ConnectionPool, PersonConnections
from gelombang_loadtests.uplink import UNPACED, Line
from tests.wire.scripted_server import OK, answering, read_exactly, read_head, reset, serving, until_closed

SECOND = 1_000_000
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nRetry-After: 1\r\n\r\nbusy"


@pytest.fixture
def person() -> PersonConnections:
    return ConnectionPool(sockets_limit=10).person()


def send(person: PersonConnections, port: int, body: bytes | tuple[bytes | memoryview, ...], line: Line = UNPACED) -> Answer:
    return exchange(person, Request(b"POST", b"/photos/ktp", "127.0.0.1", port, (), body), line, monotonic_us() + 10 * SECOND)


def test_a_multipart_photo_arrives_byte_for_byte(person: PersonConnections) -> None:
    photo = tuple(hashlib.sha256(b"%d" % part).digest() * 997 for part in range(90))
    body = multipart_photo(photo, b"ktp.jpg")
    seen = []

    def script(connection: socket.socket) -> None:
        head = read_head(connection)
        length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        seen.append(read_exactly(connection, length))
        connection.sendall(OK)

    with serving(script) as server:
        answer = send(person, server.port, body.parts)
        person.close()
    assert answer.body == b"ok"
    assert seen[0].startswith(
        b"--gelombang-8f0c6a4be1d24f7f9a3d5b7c2e60d918\r\n"
        b'Content-Disposition: form-data; name="photo"; filename="ktp.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n"
    )
    assert seen[0].partition(b"\r\n\r\n")[2] == b"".join(photo) + b"\r\n--gelombang-8f0c6a4be1d24f7f9a3d5b7c2e60d918--\r\n"
    assert answer.bytes_sent > body.length_bytes == len(seen[0])


def counted_sends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of each call that sends, as they leave."""
    sent: list[int] = []
    send_parts = Connection.send_parts

    def counted(connection: Connection, parts: Sequence[bytes | memoryview]) -> int:
        sent.append(count := send_parts(connection, parts))
        return count

    monkeypatch.setattr(Connection, "send_parts", counted)
    return sent


@pytest.mark.parametrize(("line", "together"), [(UNPACED, True), (Line(1e12, 0.0), True), (Line(4_000_000.0, 0.0), False)])
def test_head_and_photo_leave_together_where_the_line_takes_them_in_a_moment(
    person: PersonConnections, monkeypatch: pytest.MonkeyPatch, line: Line, together: bool
) -> None:
    sent = counted_sends(monkeypatch)

    def script(connection: socket.socket) -> None:
        read_head(connection)
        read_exactly(connection, 8_000)
        connection.sendall(OK)

    with serving(script) as server:
        answer = send(person, server.port, b"x" * 8_000, line)
        person.close()
    assert (answer.status, answer.bytes_sent) == (200, sum(sent))
    assert (len(sent) == 1) is together


def test_no_byte_leaves_before_the_line_lets_it(person: PersonConnections, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = counted_sends(monkeypatch)
    uplink = 1_000_000.0
    received: list[tuple[int, int]] = []

    def script(connection: socket.socket) -> None:
        read_head(connection)
        count = 0
        while count < 100_000:
            count += len(connection.recv(65_536))
            received.append((monotonic_us(), count))
        connection.sendall(OK)

    with serving(script) as server:
        began_us = monotonic_us()
        answer = send(person, server.port, b"x" * 100_000, Line(uplink, 0.0))
        person.close()
    assert answer.send_us >= 100_000
    assert max(sent) <= 32_768, "32 KiB at a time"
    early = [(at_us, count) for at_us, count in received if count > (at_us - began_us) * uplink / SECOND]
    assert not early


def test_a_slow_line_sends_small_pieces(person: PersonConnections) -> None:
    sizes: list[int] = []

    def script(connection: socket.socket) -> None:
        read_head(connection)
        while sum(sizes) < 5_000:
            sizes.append(len(connection.recv(65_536)))
        connection.sendall(OK)

    with serving(script) as server:
        answer = send(person, server.port, b"x" * 5_000, Line(50_000.0, 0.0))
        person.close()
    assert answer.send_us >= 100_000
    assert sizes[0] <= 2_500, "50 ms of this line"


def test_a_round_trip_is_waited_for_when_it_is_long_enough_to_time(person: PersonConnections) -> None:
    with serving(answering(OK, OK)) as server:
        request = Request(b"GET", b"/", "127.0.0.1", server.port)
        far = exchange(person, request, Line(1e9, 0.05), monotonic_us() + 10 * SECOND)
        too_far = exchange(person, request, Line(1e9, 5.0), monotonic_us() + SECOND // 20)
    assert far.body == b"ok"
    assert far.wait_us >= 50_000
    assert far.receive_us < 50_000
    assert (too_far.outcome_error, too_far.phase) == (Outcome.TIMED_OUT, Phase.WAIT)


@pytest.mark.parametrize("line", [Line(2_000_000.0, 0.0), UNPACED])
def test_an_early_refusal_is_read_and_ends_the_sending(person: PersonConnections, line: Line) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        read_exactly(connection, 10_000)
        connection.sendall(BUSY)
        heard.wait(10)

    heard = threading.Event()
    with serving(script) as server:
        answer = send(person, server.port, b"x" * 20_000_000, line)
        heard.set()
    assert (answer.outcome_error, answer.status, answer.body) == (None, 503, b"busy")
    assert 10_000 < answer.bytes_sent < 20_000_000
    assert person.idle_connections == 0


@pytest.mark.parametrize("line", [Line(2_000_000.0, 0.0), UNPACED])
def test_an_early_refusal_is_believed_although_the_server_then_resets(person: PersonConnections, line: Line) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        read_exactly(connection, 10_000)
        connection.sendall(BUSY)
        connection.close()  # with unread bytes: the kernel sends RST

    with serving(script) as server:
        answer = send(person, server.port, b"x" * 20_000_000, line)
    assert (answer.outcome_error, answer.status, answer.body) == (None, 503, b"busy")


def test_a_refusal_that_comes_in_two_halves_is_read_whole(person: PersonConnections) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(BUSY[:60])
        read_exactly(connection, 40_000)
        connection.sendall(BUSY[60:])
        until_closed(connection)

    with serving(script) as server:
        answer = send(person, server.port, b"x" * 500_000, Line(2_000_000.0, 0.0))
    assert (answer.status, answer.body) == (503, b"busy")
    assert answer.bytes_sent < 500_000


def test_a_success_that_begins_early_does_not_end_the_sending(person: PersonConnections) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(OK[:-2])
        read_exactly(connection, 100_000)
        connection.sendall(OK[-2:])

    with serving(script) as server:
        answer = send(person, server.port, b"x" * 100_000, Line(2_000_000.0, 0.0))
        person.close()
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.bytes_sent > 100_000


def test_go_on_is_no_early_answer(person: PersonConnections) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        read_exactly(connection, 100_000)
        connection.sendall(OK)

    with serving(script) as server:
        answer = send(person, server.port, b"x" * 100_000, Line(2_000_000.0, 0.0))
        person.close()
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.bytes_sent > 100_000


@pytest.mark.parametrize("end", [lambda connection: None, reset])
def test_a_server_that_leaves_during_the_body_is_a_reset_while_sending(person: PersonConnections, end: object) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        read_exactly(connection, 10_000)
        end(connection)  # type: ignore[operator]

    with serving(script) as server:
        answer = send(person, server.port, b"x" * 20_000_000, Line(2_000_000.0, 0.0))
    assert (answer.outcome_error, answer.phase, answer.status) == (Outcome.RESET, Phase.SEND, 0)
    assert answer.connections == 1


def test_many_people_send_at_once() -> None:
    pool = ConnectionPool(sockets_limit=50)

    def script(connection: socket.socket) -> None:
        read_head(connection)
        digest = hashlib.sha256(read_exactly(connection, 200_000)).hexdigest().encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + digest)

    with serving(*[script] * 20) as server:
        bodies = [hashlib.sha256(b"%d" % k).digest() * 6_250 for k in range(20)]
        sends = [gevent.spawn(send, pool.person(), server.port, body, Line(10_000_000.0, 0.0)) for body in bodies]
        answers = [sent.get() for sent in sends]
        pool.close()
    assert [answer.body.decode() for answer in answers] == [hashlib.sha256(body).hexdigest() for body in bodies]
    assert pool.open_sockets == 0
