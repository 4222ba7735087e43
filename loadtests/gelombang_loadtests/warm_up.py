"""Before a run: names are looked up, TLS and proxy are tried, and the site answers a few requests that nobody counts.

Whatever of a `[network]` section does not work is said here, in one sentence and with exit code 4, and not by thousands of people.
"""

from collections.abc import Iterator, Sequence, Set

from gelombang.attempt import Outcome
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import TargetUnreachableError
from gelombang.steps import PhotoStep, RequestStep, Step
from gelombang.templates import placeholders
from gelombang_loadtests.broken import BrokenError
from gelombang_loadtests.clients import client_of
from gelombang_loadtests.exchanged import Headers, Request
from gelombang_loadtests.network import HTTP_1_1, HTTP_2
from gelombang_loadtests.pool import ConnectionPool
from gelombang_loadtests.target import Target, split_url
from gelombang_loadtests.tls_connection import TlsConnection
from gelombang_loadtests.uplink import UNPACED

WARM_UP_REQUESTS = 50
WARM_UP_PATH = "/healthz"
WARM_UP_SECONDS_LIMIT = 5.0
"""For each request, handshake and name."""
SETTLE_SECONDS = 0.3
"""How long a handshake may still turn out to have failed: in TLS 1.3 the server judges our certificate last."""

_WANTED = {
    Outcome.TLS_FAILED: "a certificate that both ends accept",
    Outcome.PROXY_REFUSED: "a proxy that lets the run pass, or the host in network.no_proxy",
}


def reach(pool: ConnectionPool, base: Target, steps: Sequence[Step], allowed: Set[str] = frozenset()) -> None:
    """Look up the hosts that the journey names, and try TLS and the proxy once for each that has it.

    Raises TargetUnreachableError for one that can't be reached as the scenario says, HostError for this machine. Hosts that nobody allowed
    are left alone.
    """
    for place in _places(base, steps):
        if place.host != base.host and place.host not in allowed:
            continue
        try:
            _try(pool, place)
        except BrokenError as broken:
            if pool.routes.network.client == "lean":  # the library may speak with hosts that we can't speak with
                raise _unreachable(place, broken.outcome, broken.error) from None


def warm_up(pool: ConnectionPool, base: Target, steps: Sequence[Step], allowed: Set[str] = frozenset(), identity: Headers = ()) -> None:
    """`reach`, and a few requests from every source address. Raises as it does.

    Somebody's own service, to whom every request says its `identity`, is asked once only.
    """
    reach(pool, base, steps, allowed)
    client = client_of(pool.routes.network)
    target = base.at(WARM_UP_PATH)
    request = Request(b"GET", target.path.encode(), target.host, target.port, identity, tls=target.tls)
    for source in range(pool.source_addresses):
        connections = pool.person(source)
        for _ in range(WARM_UP_REQUESTS if source == 0 and not identity else 1):
            answer = client(connections, request, UNPACED, _deadline_us())
            if answer.outcome_error is not None:
                raise _unreachable(base, answer.outcome_error, answer.error)
        connections.close()


def _places(base: Target, steps: Sequence[Step]) -> Iterator[Target]:
    """The target, and the other hosts that the journey names in full."""
    known = {(base.host, base.port, base.tls)}
    yield base
    for step in steps:
        match step:
            case RequestStep():
                text = step.path
            case PhotoStep():
                text = step.url
            case _:
                continue
        if text.startswith(("http://", "https://")) and not placeholders(text.partition("://")[2].partition("/")[0]):
            try:
                place = split_url(text)
            except ValueError:
                continue
            if (place.host, place.port, place.tls) not in known:
                known.add((place.host, place.port, place.tls))
                yield place


def _try(pool: ConnectionPool, place: Target) -> None:
    """One handshake that offers HTTP/2 too, to see whether the host would have it. Raises BrokenError."""
    routes = pool.routes
    route = routes.route(place.host, place.port, place.tls, _deadline_us())
    if route.context is None:
        return
    connection = TlsConnection(route, route.source_of(0), False, routes.context_for(place.host, (HTTP_2, HTTP_1_1)))
    try:
        connection.begin(_deadline_us())
        connection.connect()
        route.offered_http2 = connection.protocol == HTTP_2
        connection.settle(int(SETTLE_SECONDS * MICROSECONDS))
    finally:
        connection.close()


def _deadline_us() -> int:
    return monotonic_us() + int(WARM_UP_SECONDS_LIMIT * MICROSECONDS)


def _unreachable(place: Target, outcome: Outcome, error: str) -> TargetUnreachableError:
    url = f"{'https' if place.tls else 'http'}://{place.host}:{place.port}"
    return TargetUnreachableError(f"{url} does not answer ({error}); want {_WANTED.get(outcome, 'a site that is up')}")
