"""Which client carries a run's exchanges: our own, or Locust's. Both give the same `Answer`."""

from collections.abc import Callable

from gelombang.network import Network
from gelombang.person import Person
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Answer, Request
from gelombang_loadtests.pool import PersonConnections
from gelombang_loadtests.uplink import Line

Carry = Callable[[PersonConnections, Request, Line | Person, int], Answer]
"""(connections, request, line, deadline in monotonic µs) → what came of it."""


def client_of(network: Network) -> Carry:
    """The client that a scenario asks for."""
    if network.client == "lean":
        return exchange
    # Not above: whoever imports Locust has its process patched.
    from gelombang_loadtests.library_exchange import library_exchange

    return library_exchange
