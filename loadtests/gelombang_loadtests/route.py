"""The way to one host: address, TLS, proxy; and what was seen on it.

A route is made once per host, port and scheme (`network`), and all connections of the process to there share it.
"""

import ssl
from collections.abc import Sequence

from gelombang.histogram import Histogram

SENTENCES_LIMIT = 20
"""Different failures that one route remembers by their words."""


class Route:
    """`tunnel` is what the proxy is asked before TLS begins, `prefix` what stands before the path in requests that it forwards."""

    __slots__ = (
        "address",
        "connect_port",
        "context",
        "family",
        "forwarded",
        "full_handshakes",
        "handshakes",
        "host",
        "offered_http2",
        "other_failures",
        "port",
        "prefix",
        "proxy",
        "resumed_handshakes",
        "sentences",
        "server_name",
        "session",
        "session_us",
        "sources",
        "tls",
        "tls_version",
        "tunnel",
        "wants_sessions",
    )

    def __init__(self, host: str, port: int, family: int, address: str, connect_port: int) -> None:
        self.host = host
        self.port = port
        self.family = family
        self.address = address
        self.connect_port = connect_port
        self.context: ssl.SSLContext | None = None
        self.sources: Sequence[str] = ()
        """Addresses that people connect from, in turn; empty: the kernel chooses."""
        self.tls = False
        self.server_name = ""
        self.proxy = ""
        """`host:port` of the proxy, for people to read."""
        self.tunnel = b""
        self.prefix = b""
        self.forwarded = b""
        """The header lines that a forwarding proxy wants beside it."""
        self.wants_sessions = False
        self.session: ssl.SSLSession | None = None
        """The newest that somebody got here, for those who resume one."""
        self.session_us = 0
        self.tls_version = ""
        self.offered_http2: bool | None = None
        """What ALPN said when it was asked; None: nobody asked."""
        self.full_handshakes = 0
        self.resumed_handshakes = 0
        self.handshakes = Histogram()
        """Wall µs from TLS's first byte to its last, both kinds."""
        self.sentences: dict[str, int] = {}
        self.other_failures = 0

    def source_of(self, index: int) -> str:
        """The address that a person connects from; empty: the kernel chooses."""
        return self.sources[index % len(self.sources)] if self.sources else ""

    def remember(self, sentence: str) -> None:
        """Count a failure by its words; those beyond the limit without them."""
        if sentence in self.sentences or len(self.sentences) < SENTENCES_LIMIT:
            self.sentences[sentence] = self.sentences.get(sentence, 0) + 1
        else:
            self.other_failures += 1
