"""Where the generator's people connect from."""

from gelombang.clock import monotonic_us
from gelombang.network import Network
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Request
from gelombang_loadtests.network import RouteBook
from gelombang_loadtests.pool import ConnectionPool
from gelombang_loadtests.uplink import UNPACED
from tests.wire.tls_site import Site, running

SECOND = 1_000_000


def test_a_crowd_reaches_this_machine_from_several_of_its_addresses_and_every_one_has_ports_of_its_own() -> None:
    with running(Site()) as site:
        pool = ConnectionPool(sockets_limit=20, routes=RouteBook(on_loopback=["127.0.0.1", "127.0.0.2"]))
        for index in range(4):
            answer = exchange(pool.person(index), Request(b"GET", b"/", "127.0.0.1", site.port), UNPACED, monotonic_us() + 10 * SECOND)
            assert answer.status == 200
        pool.close()
    assert sorted(site.seen.peers) == ["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2"]
    assert pool.source_addresses == 2


def test_the_library_and_other_machines_have_one_address() -> None:
    sources = ["127.0.0.1", "127.0.0.2"]
    library = RouteBook(Network(client="library"), on_loopback=sources)
    assert library.route("127.0.0.1", 8_080, False, monotonic_us() + SECOND).source_of(1) == ""
    lean = RouteBook(on_loopback=sources)
    assert lean.route("127.0.0.1", 8_080, False, monotonic_us() + SECOND).source_of(1) == "127.0.0.2"
    assert lean.source_addresses == 2
    assert lean.route("192.0.2.1", 80, False, monotonic_us() + SECOND).source_of(1) == ""
    assert lean.source_addresses == 1, "the way with fewest counts"


def test_people_connect_from_the_source_addresses_in_turn() -> None:
    with running(Site()) as site:
        pool = ConnectionPool(sockets_limit=20, routes=RouteBook(Network(source_addresses=["127.0.0.2", "127.0.0.3"])))
        for index in range(4):
            answer = exchange(pool.person(index), Request(b"GET", b"/", "127.0.0.1", site.port), UNPACED, monotonic_us() + 10 * SECOND)
            assert answer.status == 200
        pool.close()
    assert sorted(site.seen.peers) == ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3"]
