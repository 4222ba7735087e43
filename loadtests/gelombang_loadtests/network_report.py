"""What one generator process saw of the network, for the record: written when its run ends."""

from pathlib import Path

from gelombang.network_facts import HTTP_SPOKEN, HostSeen, NetworkSeen, network_file
from gelombang_loadtests.network import RouteBook
from gelombang_loadtests.route import Route


def write_network(folder: Path, process: int, routes: RouteBook) -> None:
    """Write `network-<process>.json` into the run's folder."""
    seen = NetworkSeen(client=routes.network.client, hosts=[_seen(route) for route in routes.routes])
    (folder / network_file(process)).write_text(seen.model_dump_json(indent=1) + "\n")


def _seen(route: Route) -> HostSeen:
    return HostSeen(
        host=route.host,
        port=route.port,
        address=route.address,
        proxy=route.proxy or None,
        protocol=HTTP_SPOKEN,
        tls_version=route.tls_version or None,
        offered_http2=route.offered_http2,
        full_handshakes=route.full_handshakes,
        resumed_handshakes=route.resumed_handshakes,
        handshakes_hex=route.handshakes.to_bytes().hex(),
        failures=route.sentences | ({"others": route.other_failures} if route.other_failures else {}),
    )
