"""Which client carries a run's exchanges: our own, or Locust's. Both give the same `Answer`."""

from collections.abc import Callable
from typing import Protocol

from gelombang.network import Network
from gelombang.person import Person
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.pool import PersonConnections
from gelombang_loadtests.uplink import Line


class Carry(Protocol):
    """Carries one request on a person's connections before a deadline (monotonic µs); with `later`, that is only the earliest it can be."""

    def __call__(
        self, pool: PersonConnections, request: Request, line: Line | Person, deadline_us: int, later: Callable[[], int] | None = None, /
    ) -> Answer: ...


def client_of(network: Network) -> Carry:
    """The client that a scenario asks for."""
    if network.client == "lean":
        return exchange
    # Not above: whoever imports Locust has its process patched.
    from gelombang_loadtests.library_exchange import library_exchange

    return library_exchange
