"""Connections of people: kept, given back, replaced when stale, and bounded."""

import os
import resource
import socket
import threading
from collections.abc import Iterator

import gevent
import pytest

from gelombang.attempt import Outcome, Phase
from gelombang.clock import monotonic_us
from gelombang.errors import HostError
from gelombang_loadtests.connection import Connection
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.pool import ConnectionPool, PersonConnections
from gelombang_loadtests.uplink import UNPACED
from tests.wire.scripted_server import OK, Script, answering, read_exactly, read_head, reset, serving, until_closed

SECOND = 1_000_000


@pytest.fixture
def pool() -> ConnectionPool:
    return ConnectionPool(sockets_limit=3, keep_alive_seconds=60.0)


@pytest.fixture
def unnoticing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer's close that crosses our request on the way: the poll before use doesn't see it yet."""
    monkeypatch.setattr(Connection, "is_quiet", lambda _: True)


def ask(
    person: PersonConnections, port: int, method: bytes = b"GET", body: bytes | tuple[bytes, ...] = b"", within_us: int = 10 * SECOND
) -> Answer:
    return exchange(person, Request(method, b"/", "127.0.0.1", port, (), body), UNPACED, monotonic_us() + within_us)


def closing_after_one_answer(closed: threading.Event) -> Script:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(OK)
        connection.close()
        closed.set()

    return script


def staying(connection: socket.socket) -> None:
    """Answers once, and leaves it to the client to close."""
    read_head(connection)
    connection.sendall(OK)
    until_closed(connection)


def test_a_connection_that_the_server_closed_meanwhile_is_not_used(pool: ConnectionPool) -> None:
    closed = threading.Event()
    person = pool.person()
    with serving(closing_after_one_answer(closed), answering(OK)) as server:
        ask(person, server.port)
        closed.wait(10)
        answer = ask(person, server.port, b"POST")
        pool.close()
    assert (answer.outcome_error, answer.connections) == (None, 1)
    assert server.accepted == 2


def test_an_idle_connection_that_the_server_closes_is_given_back_at_once(pool: ConnectionPool) -> None:
    person = pool.person()
    with serving(answering(OK)) as server:
        ask(person, server.port)
        with gevent.Timeout(10):
            while pool.open_sockets:
                gevent.sleep(0.001)
    assert person.idle_connections == pool.idle_connections == 0


@pytest.mark.usefixtures("unnoticing")
@pytest.mark.parametrize("method", [b"GET", b"PUT", b"POST"])
def test_a_request_that_met_a_closed_connection_goes_out_once_more(pool: ConnectionPool, method: bytes) -> None:
    closed = threading.Event()
    person = pool.person()
    with serving(closing_after_one_answer(closed), answering(OK)) as server:
        ask(person, server.port)
        closed.wait(10)
        answer = ask(person, server.port, method)
        pool.close()
    assert (answer.outcome_error, answer.body, answer.connections) == (None, b"ok", 2)
    assert pool.open_sockets == 0


def dropping_the_second_request(connection: socket.socket) -> None:
    read_head(connection)
    connection.sendall(OK)
    read_head(connection)


def resetting_the_second_request(connection: socket.socket) -> None:
    dropping_the_second_request(connection)
    reset(connection)


@pytest.mark.parametrize("script", [dropping_the_second_request, resetting_the_second_request])
def test_a_read_request_goes_out_once_more_only_when_it_is_idempotent(pool: ConnectionPool, script: Script) -> None:
    person = pool.person()
    with serving(script, answering(OK), script) as server:
        ask(person, server.port)
        repeated = ask(person, server.port, b"GET")
        person.close()
        ask(person, server.port)
        given_up = ask(person, server.port, b"POST")
    assert (repeated.outcome_error, repeated.connections) == (None, 2)
    assert (given_up.outcome_error, given_up.phase, given_up.connections) == (Outcome.RESET, Phase.WAIT, 1)


def test_a_body_that_was_under_way_is_not_sent_once_more(pool: ConnectionPool) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(OK)
        read_head(connection)
        read_exactly(connection, 5_000_000)
        reset(connection)

    person = pool.person()
    with serving(script) as server:
        ask(person, server.port)
        answer = ask(person, server.port, b"PUT", (b"x" * 20_000_000,))
    assert (answer.outcome_error, answer.phase, answer.connections) == (Outcome.RESET, Phase.SEND, 1)


def test_the_second_try_is_the_last(pool: ConnectionPool) -> None:
    person = pool.person()
    with serving(dropping_the_second_request, lambda connection: None) as server:
        ask(person, server.port)
        answer = ask(person, server.port)
    assert (answer.outcome_error, answer.connections) == (Outcome.RESET, 2)


def silent_the_second_time(connection: socket.socket) -> None:
    dropping_the_second_request(connection)
    until_closed(connection)


@pytest.mark.parametrize("first_within_us", [10 * SECOND, 20_000])
def test_each_exchange_on_a_kept_connection_has_its_own_deadline(pool: ConnectionPool, first_within_us: int) -> None:
    person = pool.person()
    with serving(silent_the_second_time) as server:
        assert ask(person, server.port, within_us=first_within_us).body == b"ok"
        answer = ask(person, server.port, within_us=60_000)
    assert (answer.outcome_error, answer.phase) == (Outcome.TIMED_OUT, Phase.WAIT)
    assert answer.wait_us >= 59_000


def test_a_deadline_that_passes_while_idle_ends_nothing(pool: ConnectionPool) -> None:
    person = pool.person()
    with serving(silent_the_second_time) as server:
        ask(person, server.port, within_us=20_000)
        with gevent.Timeout(10):
            while person._idle[0]._alarm is not None:
                gevent.sleep(0.001)
        answer = ask(person, server.port, within_us=30_000)
    assert (answer.outcome_error, answer.phase, answer.connections) == (Outcome.TIMED_OUT, Phase.WAIT, 1)
    assert answer.wait_us >= 29_000


def test_idle_connections_are_closed_when_the_keep_alive_is_over(pool: ConnectionPool) -> None:
    first, second = pool.person(), pool.person()
    with serving(staying, staying) as server:
        ask(first, server.port)
        between_us = monotonic_us()
        ask(second, server.port)
        assert pool.close_idle(between_us + 59 * SECOND) == 0
        assert pool.close_idle(between_us + 60 * SECOND) == 1
        assert (first.idle_connections, second.idle_connections, pool.open_sockets) == (0, 1, 1)
        pool.close()


def test_so_many_are_closed_in_one_go_and_the_rest_in_the_next(pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gelombang_loadtests.pool.CLOSINGS_LIMIT", 2)
    with serving(staying, staying, staying) as server:
        for _ in range(3):
            ask(pool.person(), server.port)
        later_us = monotonic_us() + 60 * SECOND
        assert [pool.close_idle(later_us) for _ in range(3)] == [2, 1, 0]
    assert pool.open_sockets == 0


def test_an_expired_connection_is_not_used() -> None:
    pool = ConnectionPool(sockets_limit=3, keep_alive_seconds=0.0)
    person = pool.person()
    with serving(staying, staying) as server:
        assert ask(person, server.port).body == b"ok"
        assert pool.open_sockets == 0
        assert ask(person, server.port).body == b"ok"


def test_a_person_keeps_one_connection_for_each_server(pool: ConnectionPool) -> None:
    person = pool.person()
    with serving(staying, staying) as one, serving(staying) as other:
        ask(person, other.port)
        gevent.joinall([gevent.spawn(ask, person, one.port), gevent.spawn(ask, person, one.port)])
        assert person.idle_connections == pool.idle_connections == pool.open_sockets == 2
        person.close()
    assert pool.open_sockets == 0


def test_the_oldest_idle_connection_makes_room_at_the_limit(pool: ConnectionPool) -> None:
    people = [pool.person() for _ in range(4)]
    with serving(*[staying] * 4) as server:
        for person in people:
            ask(person, server.port)
        assert [person.idle_connections for person in people] == [0, 1, 1, 1]
        pool.close()


def test_the_limit_of_open_sockets_is_an_operator_error(pool: ConnectionPool) -> None:
    pool.sockets_limit = 1
    over = threading.Event()
    with serving(lambda _: over.wait(10)) as server:  # type: ignore[arg-type,return-value]
        waiting = gevent.spawn(ask, pool.person(), server.port)
        while not pool.open_sockets:
            gevent.sleep(0)
        with pytest.raises(HostError, match="1 sockets are open; want"):
            ask(pool.person(), server.port)
        waiting.kill()
        over.set()


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """All descriptors up to 1,100 are taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1_200:
        pytest.skip("this machine allows too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1_200), hard))
    taken = [os.open(os.devnull, os.O_RDONLY)]
    while taken[-1] < 1_100:
        taken.append(os.dup(taken[0]))
    yield
    for descriptor in taken:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_keep_alive_works_beyond_descriptor_1023(pool: ConnectionPool) -> None:
    person = pool.person()
    with serving(answering(OK, OK)) as server:
        assert ask(person, server.port).body == b"ok"
        assert person._idle[0]._socket is not None
        assert person._idle[0]._socket.fileno() > 1_023
        assert ask(person, server.port).connections == 1
        pool.close()
    assert server.accepted == 1
