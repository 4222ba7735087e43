"""Carries requests on each person's own line and connections, by the client that the scenario names."""

from collections.abc import Callable
from functools import partial

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.person import Person
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.clients import client_of
from gelombang_loadtests.engine_ports import RunEnd
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.pool import ConnectionPool


class Carrier:
    """Carries requests on each person's own line and connections; no patience outlasts the run."""

    def __init__(self, pool: ConnectionPool, zero_us: int, end: RunEnd) -> None:
        self._pool = pool
        self._client = client_of(pool.routes.network)
        self._zero_us = zero_us
        self._end = end

    def __call__(self, applicant: Applicant, person: Person, request: Request, patience_seconds: float) -> Answer:
        connections = applicant.connections
        if connections is None:
            connections = applicant.connections = self._pool.person(applicant.index)
        began_us, end_us = monotonic_us(), self._zero_us + self._end.us
        deadline_us = began_us + int(patience_seconds * MICROSECONDS)
        if deadline_us >= end_us:
            return self._client(connections, request, person, end_us)
        draws = request.draws_patience
        if draws is None:
            return self._client(connections, request, person, deadline_us)
        return self._client(connections, request, person, deadline_us, partial(self._deadline_us, began_us, draws))

    def _deadline_us(self, began_us: int, draws: Callable[[], float]) -> int:
        return min(began_us + int(draws() * MICROSECONDS), self._zero_us + self._end.us)
