"""Small HTTPS sites and proxies for tests, on threads of their own, and the certificates that they show."""

import datetime
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from gelombang.clock import utc_now

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Authority:
    """A certificate authority of a test, with its certificate in a file."""

    ca: trustme.CA
    file: Path

    @classmethod
    def made(cls, folder: Path, name: str = "ca") -> "Authority":
        ca = trustme.CA()
        file = folder / f"{name}.pem"
        ca.cert_pem.write_to_path(str(file))
        return cls(ca, file)

    def certificate(self, *names: str, expired: bool = False) -> trustme.LeafCert:
        past = utc_now() - datetime.timedelta(days=1) if expired else None
        return self.ca.issue_cert(*names, not_after=past)


@dataclass
class Seen:
    """What a site saw."""

    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    resumed: list[bool] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    versions: list[str | None] = field(default_factory=list)
    clients: list[object] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)


class Site:
    """Answers OK to every request until its end; with a certificate, by TLS."""

    def __init__(self, context: ssl.SSLContext | None = None, answer: bytes = OK) -> None:
        self.seen = Seen()
        self._context = context
        self._answer = answer
        if context is not None:
            context.sni_callback = lambda _, name, __: self.seen.names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._closing = True
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        self._listener.close()

    def serve(self, connection: socket.socket, peer: str) -> None:
        if self._context is not None:
            secure = self._context.wrap_socket(connection, server_side=True)
            with self._lock:
                self._open.add(secure)
            self.seen.resumed.append(bool(secure.session_reused))
            self.seen.versions.append(secure.version())
            self.seen.clients.append(secure.getpeercert())
            connection = secure
        self.seen.peers.append(peer)
        with connection, connection.makefile("rb") as stream:
            while head := read_head(stream):
                length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
                self.seen.bodies.append(stream.read(length))
                self.seen.heads.append(head)
                connection.sendall(self._answer)

    def _accept(self) -> None:
        while True:
            connection, (peer, _) = self._listener.accept()
            if self._closing:
                connection.close()
                return
            with self._lock:
                self._open.add(connection)
            thread = threading.Thread(target=self._play, args=(connection, peer))
            self._threads.append(thread)
            thread.start()

    def _play(self, connection: socket.socket, peer: str) -> None:
        try:
            connection.settimeout(20)
            self.serve(connection, peer)
        except (OSError, ValueError):
            pass  # handshakes that fail are what some tests are about
        finally:
            connection.close()


class Proxy(Site):
    """Forwards http and tunnels https, when `credentials` (if any) are given; all names are on this machine."""

    def __init__(self, credentials: str = "", refusal: bytes = b"") -> None:
        self._credentials = credentials
        self._refusal = refusal
        super().__init__()

    def serve(self, connection: socket.socket, peer: str) -> None:
        with connection, connection.makefile("rb") as stream:
            while head := read_head(stream):
                self.seen.heads.append(head)
                lines = head.split(b"\r\n")
                method, target, _ = lines[0].split(b" ")
                if self._refusal:
                    connection.sendall(self._refusal)
                    continue
                if self._credentials and f"Proxy-Authorization: {self._credentials}".encode() not in lines:
                    connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                    continue
                if method == b"CONNECT":
                    port = int(target.rpartition(b":")[2])
                    with socket.create_connection(("127.0.0.1", port)) as there:
                        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                        _splice(connection, there)
                    return
                authority = target.removeprefix(b"http://").partition(b"/")[0]
                with socket.create_connection(("127.0.0.1", int(authority.rpartition(b":")[2]))) as there:
                    there.sendall(head.replace(b"http://" + authority, b"", 1))
                    connection.sendall(there.recv(65_536))


def _splice(one: socket.socket, other: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in selector.select(20):
                source = key.fileobj
                assert isinstance(source, socket.socket)
                data = source.recv(65_536)
                if not data:
                    return
                key.data.sendall(data)


def read_head(stream: object) -> bytes:
    """Up to the empty line; empty at the end."""
    head = b""
    while line := stream.readline():  # type: ignore[attr-defined]
        head += line
        if line == b"\r\n":
            return head
    return b""


def server_context(certificate: trustme.LeafCert, *, clients: Authority | None = None, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """What a site shows, and whose certificates it wants to see."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if clients is not None:
        context.load_verify_locations(str(clients.file))
        context.verify_mode = ssl.CERT_REQUIRED
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


@contextmanager
def running(site: Site) -> Iterator[Site]:
    try:
        yield site
    finally:
        site.close()
