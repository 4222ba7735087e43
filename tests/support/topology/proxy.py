"""The edge: HAProxy before the server hosts, and what its log says about who was sent where.

No request is tied to a host: each goes to whichever is ready. Two things alone know their host: a ticket's photo goes to where the ticket
was given, by a port of its own for each host, and the phones are at the host that sends the mail, the only one whose harness answers for
the site. Connections are not used twice: a request that finds its host cut off is sent on to the other after half a second, and not lost in
a dead connection, and what breaks is in the log, which it is not when it was a connection's second request. A host that fails its checks
loses the sessions that it has.
"""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from gelombang.attempt_id import AttemptId, parse_traceparent

SITE_PORT, HARNESS_PORT, HOST_PORT = 80, 8_090, 8_100
"""A host's own uploads are at HOST_PORT and its place, from 1 on."""
BEHIND = 10_000
"""HAProxy listens on the loopback, at the relay's port and this."""
NOBODY = "<NOSRV>"

_HEAD = """
global
    log stdout format raw local0
    maxconn 4000
    stats socket {control} mode 600 level admin
defaults
    mode http
    log global
    log-format "%[capture.req.hdr(0)] %tr %Ta %ST %b %s %rc"
    option abortonclose
    option httpclose
    option redispatch 1
    http-reuse never
    retries 3
    timeout connect 500ms
    timeout client 60s
    timeout server 60s
    timeout check 1s
    default-server inter 700ms fall 3 rise 2 on-marked-down shutdown-sessions
"""
_FRONT = """
frontend {name}
    bind {bind}
    http-request capture req.hdr(traceparent) len 64
    {rules}
"""
_BACK = """
backend {name}
    balance roundrobin
    option httpchk
    http-check send meth GET uri {path} ver HTTP/1.1 hdr Host site{more}
    http-check expect status 200
    {servers}
"""
UPLOADS = "path_beg /api/v1/me/tickets /api/v1/me/photos /api/v1/me/tus"


@dataclass(frozen=True, slots=True)
class Behind:
    """A server host as the proxy knows it: HOST:PORT of each of its listeners."""

    name: str
    api: str
    uploads: str
    harness: str


class Sent(NamedTuple):
    """One line of the log. `host` is None where the proxy had nobody to send it to."""

    attempt: AttemptId
    began_us: int
    """Since 1970."""
    ended_us: int
    status: int
    host: str | None
    sent_on: bool
    """Another host was tried first, and could not be reached."""


def configuration(hosts: list[Behind], address: str, token: str, control: Path) -> str:
    """HAProxy's file; people come by the relay, phones straight."""
    texts = [_HEAD.format(control=control)]
    rules = f"use_backend uploads if {{ {UPLOADS} }}\n    default_backend api"
    texts.append(_FRONT.format(name="site", bind=f"127.0.0.1:{SITE_PORT + BEHIND}", rules=rules))
    texts.append(_FRONT.format(name="phones", bind=f"{address}:{HARNESS_PORT}", rules="default_backend harness"))
    for place, host in enumerate(hosts, 1):
        bind = f"127.0.0.1:{HOST_PORT + place + BEHIND}"
        texts.append(_FRONT.format(name=f"at-{host.name}", bind=bind, rules=f"default_backend {host.name}"))
        texts.append(_back(host.name, "/readyz", {host.name: host.uploads}))
    texts.append(_back("api", "/readyz", {host.name: host.api for host in hosts}))
    texts.append(_back("uploads", "/readyz", {host.name: host.uploads for host in hosts}))
    texts.append(_back("harness", "/site", {host.name: host.harness for host in hosts}, f' hdr Authorization "Bearer {token}"'))
    return "".join(texts)


def _back(name: str, path: str, servers: Mapping[str, str], more: str = "") -> str:
    lines = "\n    ".join(f"server {host} {where} check" for host, where in servers.items())
    return _BACK.format(name=name, path=path, more=more, servers=lines)


def states(control: Path) -> dict[tuple[str, str], bool]:
    """Whether the proxy sends people there, by backend and host."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(control))
        connection.sendall(b"show stat -1 4 -1\n")
        text = b""
        while piece := connection.recv(65_536):
            text += piece
    rows = [line.split(",") for line in text.decode().splitlines() if line and not line.startswith("#")]
    return {(row[0], row[1]): row[17].startswith("UP") for row in rows}


def read_log(path: Path, run: int, hosts: list[str]) -> Iterator[Sent]:
    """The requests of this run's attempts. A photo that its host's own port had nobody for was on its way there all the same."""
    for line in path.read_text().splitlines():
        words = line.split()
        if len(words) != 7 or (attempt := parse_traceparent(words[0])) is None or attempt.run != run:
            continue
        began = datetime.strptime(words[1], "%d/%b/%Y:%H:%M:%S.%f").replace(tzinfo=UTC)
        began_us = round(began.timestamp() * 1e6)
        took_us = max(0, int(words[2])) * 1_000
        host = words[4] if words[4] in hosts else None if words[5] == NOBODY else words[5]
        yield Sent(attempt, began_us, began_us + took_us, int(words[3]), host, words[6] != "0")
