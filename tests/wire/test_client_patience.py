"""The person's patience, and what is left when it or the greenlet ends, on real sockets."""

import socket
import threading

import gevent
import pytest

from gelombang.attempt import Outcome, Phase
from gelombang.clock import monotonic_us
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.pool import ConnectionPool, PersonConnections
from gelombang_loadtests.uplink import UNPACED
from tests.wire.scripted_server import OK, ScriptedServer, read_head, serving, until_closed

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


def test_patience_ends_in_the_phase_it_ran_out_in(pool: ConnectionPool, person: PersonConnections) -> None:
    def half(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        until_closed(connection)

    with serving(until_closed, half) as server:
        waiting = ask(person, server, within_us=30_000)
        receiving = ask(person, server, within_us=100_000)
    assert (waiting.outcome_error, waiting.phase) == (Outcome.TIMED_OUT, Phase.WAIT)
    assert waiting.connect_us + waiting.send_us + waiting.wait_us >= 29_000
    assert (receiving.outcome_error, receiving.phase) == (Outcome.TIMED_OUT, Phase.RECEIVE)
    assert pool.open_sockets == 0


def test_patience_ends_while_sending_to_a_server_that_does_not_read(person: PersonConnections) -> None:
    over = threading.Event()
    with serving(lambda _: over.wait(10)) as server:  # type: ignore[arg-type,return-value]
        answer = ask(person, server, b"POST", b"x" * 30_000_000, within_us=100_000)
        over.set()
    assert (answer.outcome_error, answer.phase) == (Outcome.TIMED_OUT, Phase.SEND)
    assert 0 < answer.bytes_sent < 30_000_000
    assert answer.send_us >= 50_000


def test_patience_ends_while_connecting_to_a_full_backlog(person: PersonConnections) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = [socket.socket() for _ in range(3)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
    request = Request(b"GET", b"/", "127.0.0.1", listener.getsockname()[1])
    answer = exchange(person, request, UNPACED, monotonic_us() + 50_000)
    for opened in (listener, *fillers):
        opened.close()
    assert (answer.outcome_error, answer.phase) == (Outcome.TIMED_OUT, Phase.CONNECT)
    assert answer.connect_us >= 49_000


def test_a_deadline_that_is_over_sends_nothing(person: PersonConnections) -> None:
    answer = exchange(person, Request(b"GET", b"/", "127.0.0.1", 1), UNPACED, monotonic_us() - 1)
    assert (answer.outcome_error, answer.phase, answer.connections) == (Outcome.TIMED_OUT, Phase.NONE, 0)


def test_a_killed_greenlet_leaves_no_socket(pool: ConnectionPool, person: PersonConnections) -> None:
    with serving(until_closed) as server:
        asked = gevent.spawn(ask, person, server)
        while not pool.open_sockets:
            gevent.sleep(0)
        asked.kill()
    assert pool.open_sockets == 0


def test_patience_that_is_drawn_late_puts_the_deadline_off_once(person: PersonConnections) -> None:
    def slow(connection: socket.socket) -> None:
        read_head(connection)
        gone_by.wait(10)
        connection.sendall(OK)
        until_closed(connection)

    gone_by = threading.Event()
    drawn: list[int] = []

    def later() -> int:
        drawn.append(monotonic_us())
        gone_by.set()
        return drawn[0] + 10 * SECOND

    with serving(slow, until_closed) as server:
        request = Request(b"GET", b"/", "127.0.0.1", server.port)
        patient = exchange(person, request, UNPACED, monotonic_us() + 30_000, later)
        person.close()
        began_us = monotonic_us()
        impatient = exchange(person, request, UNPACED, began_us + 10_000, lambda: began_us + 40_000)
    assert (patient.outcome_error, patient.status) == (None, 200)
    assert len(drawn) == 1
    assert (impatient.outcome_error, impatient.phase) == (Outcome.TIMED_OUT, Phase.WAIT)
    assert monotonic_us() - began_us >= 39_000
