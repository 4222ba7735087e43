"""What was seen of the network in a run: which protocol was spoken with which host, by which way, and how TLS went.

Each generator process leaves a `network-<k>.json`; the record holds them added up.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from gelombang.clock import MICROSECONDS
from gelombang.histogram import Histogram
from gelombang.runplan import read_model

NETWORK_FILES = "network-*.json"
HTTP_SPOKEN = "HTTP/1.1"
FAILURES_LIMIT = 20
"""Different failures that a record tells of, per host."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkHost(_Part):
    """One host as the record knows it. Times are wall times."""

    host: str
    port: int
    address: str
    """That of the proxy where there is one."""
    proxy: str | None = None
    protocol: str = HTTP_SPOKEN
    tls_version: str | None = None
    """None: without TLS."""
    offered_http2: bool | None = None
    """Whether the host would have spoken HTTP/2, asked by ALPN once before the run; None: not asked."""
    full_handshakes: int = 0
    resumed_handshakes: int = 0
    handshake_p50_seconds: float | None = None
    handshake_p99_seconds: float | None = None
    failures: dict[str, int] = Field(default_factory=dict)
    """Exchanges that TLS or the proxy ended, by the sentence that says why."""


class HostSeen(_Part):
    """One host as one process saw it; `handshakes_hex` is a `Histogram`."""

    host: str
    port: int
    address: str
    proxy: str | None
    protocol: str
    tls_version: str | None
    offered_http2: bool | None
    full_handshakes: int
    resumed_handshakes: int
    handshakes_hex: str
    failures: dict[str, int]


class NetworkSeen(_Part):
    """`network-<k>.json`."""

    client: str
    hosts: list[HostSeen]


def network_file(process: int) -> str:
    """The name of a process's file."""
    return f"network-{process}.json"


def read_network(folder: Path) -> tuple[str, list[NetworkHost]]:
    """The client, and all hosts over all processes in the order in which they were first met. Raises RecordError."""
    client = "lean"
    seen: dict[tuple[str, int, bool], list[HostSeen]] = {}
    for path in sorted(folder.glob(NETWORK_FILES)):
        found = read_model(path, NetworkSeen)
        client = found.client
        for host in found.hosts:
            seen.setdefault((host.host, host.port, host.tls_version is not None), []).append(host)
    return client, [_together(parts) for parts in seen.values()]


def _together(parts: list[HostSeen]) -> NetworkHost:
    first = parts[0]
    handshakes = Histogram()
    failures: dict[str, int] = {}
    for part in parts:
        handshakes.merge(Histogram.from_bytes(bytes.fromhex(part.handshakes_hex)))
        for sentence, count in part.failures.items():
            failures[sentence] = failures.get(sentence, 0) + count
    often = sorted(failures.items(), key=lambda entry: -entry[1])[:FAILURES_LIMIT]
    return NetworkHost(
        **first.model_dump(include={"host", "port", "address", "proxy", "protocol", "tls_version", "offered_http2"}),
        full_handshakes=sum(part.full_handshakes for part in parts),
        resumed_handshakes=sum(part.resumed_handshakes for part in parts),
        handshake_p50_seconds=_seconds(handshakes, 0.5),
        handshake_p99_seconds=_seconds(handshakes, 0.99),
        failures=dict(often),
    )


def _seconds(handshakes: Histogram, probability: float) -> float | None:
    found = handshakes.quantile_us(probability)
    return None if found is None else found / MICROSECONDS
