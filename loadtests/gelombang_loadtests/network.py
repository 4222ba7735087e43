"""The network as a run's processes see it: where each host is, what it is asked by TLS, and which proxy stands before it.

Promise: a name is looked up once per process, before the run where the scenario names it, and otherwise when somebody is first sent there;
no exchange looks anything up again. Everything that a `[network]` section says is turned into routes here; connections only carry them out.
"""

import base64
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import gevent
from gevent import socket as cooperative
from gevent import ssl as gevent_ssl

from gelombang.attempt import Outcome
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import InputError
from gelombang.network import ClientCertificate, Network, goes_direct, split_authority
from gelombang.seeds import Purpose, unit
from gelombang.target import is_loopback_host
from gelombang_loadtests.broken import BrokenError
from gelombang_loadtests.route import Route

ROUTES_LIMIT = 1_000
"""Hosts that people of one process are sent to."""
HTTP_1_1 = "http/1.1"
HTTP_2 = "h2"
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_Key = tuple[str, int, bool]


class RouteBook:
    """All routes of a process. Raises InputError for certificates that can't be read."""

    def __init__(self, network: Network | None = None, target_host: str = "", seed: int = 0, on_loopback: Sequence[str] = ()) -> None:
        """`on_loopback`: addresses of this machine that people connect from where a host is on it too, and nobody says others."""
        self.network = network or Network()
        self._on_loopback = on_loopback if self.network.client == "lean" else ()
        self._target_host = target_host
        self._seed = seed
        self._routes: dict[_Key, Route] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._proxy = _Proxy.of(self.network.proxy)
        for host in self.network.client_certificate:
            self.context_for(host)
        if self.network.ca_file is not None:
            self.context_for("")

    @property
    def routes(self) -> list[Route]:
        """Those that were asked for, in that order."""
        return list(self._routes.values())

    @property
    def source_addresses(self) -> int:
        """How many addresses people connect from, on the way that has fewest: each has ports of its own."""
        return max(min((len(route.sources) for route in self._routes.values()), default=1), 1)

    def route(self, host: str, port: int, tls: bool, deadline_us: int) -> Route:
        """The way there. Raises BrokenError when the name has no address, or none in time."""
        route = self._routes.get((host, port, tls))
        return route if route is not None else self._find(host, port, tls, deadline_us)

    def resumes(self, index: int) -> bool:
        """Whether a person's connections resume a TLS session."""
        ratio = self.network.resumed_ratio
        return ratio > 0 and unit(self._seed, index, Purpose.TLS_RESUMED) < ratio

    def context_for(self, host: str, protocols: tuple[str, ...] = (HTTP_1_1,)) -> ssl.SSLContext:
        """What TLS with a host begins from. Kept per client certificate; asking for other protocols makes a new one."""
        certificate = self.network.client_certificate.get(host)
        key = host if certificate is not None else ""
        if protocols == (HTTP_1_1,) and key in self._contexts:
            return self._contexts[key]
        context = _context(self.network, certificate, f"network.client_certificate.{host}")
        context.set_alpn_protocols(list(protocols))
        if protocols == (HTTP_1_1,):
            self._contexts[key] = context
        return context

    def _find(self, host: str, port: int, tls: bool, deadline_us: int) -> Route:
        if len(self._routes) >= ROUTES_LIMIT:
            raise BrokenError(Outcome.CONNECT_REFUSED, f"{host} is beyond the {ROUTES_LIMIT} hosts that one process goes to")
        proxy = None if self._proxy is None or goes_direct(self.network.no_proxy, host, port) else self._proxy
        if proxy is None:
            name, connect_port = split_authority(self.network.resolve.get(f"{host}:{port}", _authority(host, port)))
        else:
            name, connect_port = split_authority(self.network.resolve.get(f"{proxy.host}:{proxy.port}", _authority(proxy.host, proxy.port)))
        try:
            family, address = self._looked_up(name, connect_port, deadline_us)
        except BrokenError as broken:
            if proxy is not None:
                raise BrokenError(Outcome.PROXY_REFUSED, f"the proxy {proxy}: {broken.error}") from None
            raise
        route = Route(host, port, family, address, connect_port)
        is_here = family == socket.AF_INET and is_loopback_host(address)
        route.sources = self.network.source_addresses or (self._on_loopback if is_here else ())
        if proxy is not None:
            route.proxy = str(proxy)
            if tls:
                route.tunnel = proxy.tunnel(_authority(host, port))
            else:
                route.prefix = b"http://" + _authority(host, port).encode()
                route.forwarded = proxy.credentials
        if tls:
            route.tls = True
            route.context = self.context_for(host)
            named = self.network.server_name
            route.server_name = named if named is not None and host == self._target_host else host
            route.wants_sessions = self.network.resumed_ratio > 0
        # Somebody else may have looked it up meanwhile: there is one route, because connections are told apart by it.
        return self._routes.setdefault((host, port, tls), route)

    def _looked_up(self, name: str, port: int, deadline_us: int) -> tuple[int, str]:
        """Family and address: IPv4 first, unless people connect from IPv6 addresses."""
        wanted = socket.AF_INET6 if any(":" in source for source in self.network.source_addresses) else socket.AF_INET
        try:
            version = ipaddress.ip_address(name).version
            return (socket.AF_INET6 if version == 6 else socket.AF_INET), name
        except ValueError:
            pass
        try:
            with gevent.Timeout(max(deadline_us - monotonic_us(), 1) / MICROSECONDS, TimeoutError):
                found = cooperative.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise BrokenError(Outcome.TIMED_OUT, f"nobody said in time which address {name} has") from None
        except OSError as error:
            raise BrokenError(Outcome.CONNECT_REFUSED, f"{name} has no address ({error.strerror or error})") from None
        family, _, _, _, address = min(found, key=lambda entry: entry[0] != wanted)
        return family, str(address[0])


class _Proxy:
    """`credentials` is the header line that it wants, or nothing."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.host, self.port = parts.hostname, parts.port
        self.credentials = b""
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self.credentials = b"Proxy-Authorization: Basic " + base64.b64encode(pair) + b"\r\n"

    @classmethod
    def of(cls, url: str | None) -> "_Proxy | None":
        return None if url is None else cls(url)

    def __str__(self) -> str:
        return _authority(self.host, self.port)

    def tunnel(self, authority: str) -> bytes:
        """What it is asked for a way through."""
        return b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (authority.encode(), authority.encode(), self.credentials)


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _context(network: Network, certificate: ClientCertificate | None, where: str) -> ssl.SSLContext:
    # gevent's class also where nothing is patched: the setters of the standard library's call themselves for ever once gevent has put
    # its own class in its place.
    context: ssl.SSLContext = gevent_ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[network.minimum_tls]
    context.load_default_certs()
    if network.ca_file is not None:
        try:
            context.load_verify_locations(network.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise InputError(f"network.ca_file is {network.ca_file}, which can't be read ({_why(error)}); want PEM certificates") from None
    if certificate is not None:
        try:
            context.load_cert_chain(certificate.certificate, certificate.key, _no_passphrase)
        except (OSError, ssl.SSLError) as error:
            wanted = "a PEM certificate and its key without a passphrase"
            raise InputError(f"{where} names {certificate.certificate}, which can't be used ({_why(error)}); want {wanted}") from None
    return context


def _no_passphrase() -> str:
    """Asked only for a key that has one; OpenSSL itself would ask the terminal."""
    return ""


def _why(error: OSError) -> str:
    return (getattr(error, "reason", None) or error.strerror or str(error)).lower().replace("_", " ")
