"""Keep-alive as a browser has it: a person keeps at most one idle connection per server, and not longer than the keep-alive.

One `ConnectionPool` per process bounds the open sockets and knows all idle connections in the order in which they became idle; each
person has a `PersonConnections` of a few dozen bytes. A connection that the server closes while idle is noticed by the event loop and
given back at once. Every take is checked by a poll, because the loop may not have run since the peer closed.
"""

import resource
from collections import OrderedDict
from typing import Protocol

from gelombang.clock import MICROSECONDS
from gelombang.errors import HostError
from gelombang_loadtests.connection import Connection
from gelombang_loadtests.keep_alive import KEEP_ALIVE_SECONDS
from gelombang_loadtests.network import RouteBook
from gelombang_loadtests.route import Route
from gelombang_loadtests.tls_connection import TlsConnection

IDLE_PER_PERSON_LIMIT = 4
"""Servers that one person keeps a connection to; the oldest makes room."""
CLOSINGS_LIMIT = 32
"""Idle connections that are closed in one go. Each takes 30 µs, so that all those of a second kept people waiting for 12 ms."""
CLOSE_IDLE_EVERY_US = 20_000
SPARE_DESCRIPTORS = 256
"""Descriptors of a process that are not a person's socket: files, ledgers, Locust's own."""


def sockets_limit_of_host() -> int:
    """How many sockets this process may open: its soft limit of descriptors, less the spare ones."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 1_000_000
    if soft <= 2 * SPARE_DESCRIPTORS:
        raise HostError(f"`ulimit -n` is {soft}; want {4 * SPARE_DESCRIPTORS} or more")
    return soft - SPARE_DESCRIPTORS


class Closable(Protocol):
    """Something that is given back."""

    def close(self) -> None: ...


class ConnectionPool:
    """All connections of this process."""

    def __init__(self, sockets_limit: int, keep_alive_seconds: float = KEEP_ALIVE_SECONDS, routes: RouteBook | None = None) -> None:
        assert sockets_limit > 0
        assert keep_alive_seconds >= 0
        self.sockets_limit = sockets_limit
        self.keep_alive_us = int(keep_alive_seconds * MICROSECONDS)
        self.routes = routes or RouteBook()
        self.open_sockets = 0
        self.opened_total = 0
        self._idle: OrderedDict[Connection, PersonConnections] = OrderedDict()

    @property
    def idle_connections(self) -> int:
        return len(self._idle)

    @property
    def source_addresses(self) -> int:
        """How many addresses they connect from."""
        return self.routes.source_addresses

    def person(self, index: int = 0) -> "PersonConnections":
        """The connections of a person: none yet. The index decides where they connect from, and whether they resume TLS sessions."""
        return PersonConnections(self, index)

    def close_idle(self, now_us: int) -> int:
        """Close what has been idle for the keep-alive, `CLOSINGS_LIMIT` at most; call it often. How many were closed."""
        closed = 0
        while self._idle and closed < CLOSINGS_LIMIT:
            connection = next(iter(self._idle))
            if now_us - connection.idle_since_us < self.keep_alive_us:
                break
            self._lose(connection)
            closed += 1
        return closed

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._lose(next(iter(self._idle)))

    def _open(self, route: Route, index: int) -> Connection:
        if self.open_sockets >= self.sockets_limit:
            if not self._idle:
                raise HostError(f"{self.open_sockets} sockets are open; want a higher sockets_limit (`ulimit -n`) or a smaller --sample")
            self._lose(next(iter(self._idle)))
        source = route.source_of(index)
        connection = Connection(route, source) if route.context is None else TlsConnection(route, source, self.routes.resumes(index))
        connection.on_lost = self._lose
        self.open_sockets += 1
        self.opened_total += 1
        return connection

    def _close(self, connection: Connection) -> None:
        connection.close()
        self.open_sockets -= 1

    def _lose(self, connection: Connection) -> None:
        person = self._idle.pop(connection)
        person._idle.remove(connection)
        self._close(connection)


class PersonConnections:
    """The connections of one person. A tab more is one connection more: only idle ones are kept here."""

    __slots__ = ("_idle", "_index", "_pool", "beside")

    def __init__(self, pool: ConnectionPool, index: int) -> None:
        self._pool = pool
        self._index = index
        self._idle: list[Connection] = []
        self.beside: Closable | None = None
        """What another client keeps for this person; closed with the rest."""

    @property
    def idle_connections(self) -> int:
        return len(self._idle)

    @property
    def routes(self) -> RouteBook:
        return self._pool.routes

    def take(self, host: str, port: int, tls: bool, now_us: int, deadline_us: int) -> Connection:
        """An idle connection that is fit for use (`reused`), or a fresh one that isn't connected.

        Raises HostError at the limit, BrokenError when the host's name has no address.
        """
        for connection in self._idle:
            route = connection.route
            if route.port == port and route.host == host and route.tls is tls:
                if now_us - connection.idle_since_us < self._pool.keep_alive_us and connection.is_quiet():
                    self._idle.remove(connection)
                    del self._pool._idle[connection]
                    return connection
                self._pool._lose(connection)
                return self._pool._open(route, self._index)
        return self._pool._open(self._pool.routes.route(host, port, tls, deadline_us), self._index)

    def take_fresh(self, route: Route) -> Connection:
        """A connection that nobody used before."""
        return self._pool._open(route, self._index)

    def give_back(self, connection: Connection, now_us: int) -> None:
        """A connection whose exchange ended: kept when it can be used again, closed otherwise."""
        pool = self._pool
        if not connection.answer.reusable or not pool.keep_alive_us:
            pool._close(connection)
            return
        for known in self._idle:
            if known.route is connection.route:
                pool._lose(known)  # a second tab's: the newer one stays
                break
        if len(self._idle) >= IDLE_PER_PERSON_LIMIT:
            pool._lose(self._idle[0])
        connection.idle_since_us = now_us
        connection.end()
        self._idle.append(connection)
        pool._idle[connection] = self

    def drop(self, connection: Connection) -> None:
        """A connection whose exchange broke."""
        self._pool._close(connection)

    def close(self) -> None:
        """Close what is idle: the person is away."""
        for connection in list(self._idle):
            self._pool._lose(connection)
        if self.beside is not None:
            self.beside.close()
            self.beside = None
