"""Looks at a target from outside before a run: the addresses of its hosts, and the certificate that it shows."""

import socket
import ssl
from collections.abc import Sequence
from contextlib import closing
from urllib.parse import urlsplit

from gelombang.clock import utc_now
from gelombang.network import Network
from gelombang.preflight import CertificateSeen, HostSeen

CONNECT_WITHIN_SECONDS = 5.0
ADDRESSES_LIMIT = 16
_DAY_SECONDS = 86_400
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def hosts_seen(hosts: Sequence[str], target_url: str, network: Network | None) -> list[HostSeen]:
    """Where each host is, by `[network] resolve` or by its name."""
    parts = urlsplit(target_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return [_host_seen(host, port, network) for host in hosts]


def certificate_seen(target_url: str, network: Network | None) -> CertificateSeen | None:
    """What an https target shows; None for http, and behind a proxy, where only the generator knows the way."""
    parts = urlsplit(target_url)
    if parts.scheme != "https" or (network is not None and network.proxy is not None):
        return None
    network = network or Network()
    host, port = parts.hostname or "", parts.port or 443
    try:
        context = _context(network, host)
        plain = socket.create_connection(_address(network, host, port), CONNECT_WITHIN_SECONDS)
        with closing(plain), context.wrap_socket(plain, server_hostname=network.server_name or host) as secure:
            return _seen(secure)
    except ssl.SSLCertVerificationError as error:
        return CertificateSeen(problem=f"not accepted: {error.verify_message}")
    except OSError as error:
        return CertificateSeen(problem=f"no secure connection: {error.strerror or error}")


def _host_seen(host: str, port: int, network: Network | None) -> HostSeen:
    told = [there for name, there in network.resolve.items() if name.rpartition(":")[0] == host] if network else []
    if told:
        return HostSeen(host=host, addresses=sorted(told))
    try:
        found = sorted({str(place[0]) for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except OSError as error:
        return HostSeen(host=host, addresses=[], problem=error.strerror or str(error))
    return HostSeen(host=host, addresses=found[:ADDRESSES_LIMIT])


def _address(network: Network, host: str, port: int) -> tuple[str, int]:
    told = network.resolve.get(f"{host}:{port}")
    if told is None:
        return host, port
    address, _, number = told.rpartition(":")
    return address.strip("[]"), int(number)


def _context(network: Network, host: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = _VERSIONS[network.minimum_tls]
    if network.ca_file is not None:
        context.load_verify_locations(network.ca_file)
    own = network.client_certificate.get(host)
    if own is not None:
        context.load_cert_chain(own.certificate, own.key, password=lambda: "")
    return context


def _seen(secure: ssl.SSLSocket) -> CertificateSeen:
    shown = secure.getpeercert() or {}
    until = str(shown.get("notAfter", ""))
    left = ssl.cert_time_to_seconds(until) - utc_now().timestamp() if until else None
    return CertificateSeen(
        subject=_name(shown.get("subject")),
        issuer=_name(shown.get("issuer")),
        valid_from=str(shown.get("notBefore", "")),
        valid_until=until,
        days_left=None if left is None else int(left // _DAY_SECONDS),
        protocol=secure.version() or "",
    )


def _name(parts: object) -> str:
    """`CN=staging.example, O=Team` from what the standard library gives."""
    short = {"commonName": "CN", "organizationName": "O", "countryName": "C", "organizationalUnitName": "OU"}
    pairs = [pair for group in parts for pair in group] if isinstance(parts, tuple) else []
    return ", ".join(f"{short.get(name, name)}={value}" for name, value in pairs)
