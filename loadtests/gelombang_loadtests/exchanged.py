"""What is exchanged: a request as it is handed over, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gelombang.attempt import Code, Outcome, Phase

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True)
class Request:
    """`target` is path and query; `host` a name or address. Host and Content-Length are added; parts of a body aren't joined.

    Not frozen, because one is made for each exchange, and making a frozen one, or a tuple with names, costs twice as much. `prepared` is
    what `prepare` made for this method, target, host, port and the headers that never change; `headers` then adds to it.

    `whole` is all that is sent, where somebody has made it already, a small body and what `identity` says about the sender included. With
    `draws_patience`, the patience that comes with the request is only the least that it can be, and this says what it is.
    """

    method: bytes
    target: bytes
    host: str
    port: int
    headers: Headers = ()
    body: bytes | Sequence[bytes | memoryview] = b""
    prepared: bytes = b""
    tls: bool = False
    whole: bytes = b""
    identity: Headers = ()
    draws_patience: Callable[[], float] | None = None


@dataclass
class Answer:
    """What came of a request. `outcome_error` is None when a whole answer was read, whatever its status says.

    `phase` is where the exchange ended (RECEIVE for a whole answer). Times are 0 for phases that weren't reached; on a stale connection
    the lost try counts as connect; `receive_us` is 0 when one read brought the whole answer. Bytes are those that the kernel took or gave,
    heads included, without those of TLS; a proxy and the TLS handshake belong to connecting. `connections` is 2 after a stale one.
    """

    outcome_error: Outcome | None = None
    phase: Phase = Phase.CONNECT
    status: int = 0
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    bytes_sent: int = 0
    bytes_received: int = 0
    connect_us: int = 0
    send_us: int = 0
    wait_us: int = 0
    receive_us: int = 0
    error: str = ""
    connections: int = 0
    code: Code = Code.NONE
    """Why it was never sent, where that has a name."""


def prepare(method: bytes, target: bytes, host: str, port: int, headers: Headers = (), tls: bool = False) -> bytes:
    """The part of a request's head that never changes, made once: request line, Host, constant headers."""
    name = f"[{host}]" if ":" in host else host
    if port != (443 if tls else 80):
        name += f":{port}"
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b" % (method, target, name.encode(), b"".join(b"%b: %b\r\n" % header for header in headers))
