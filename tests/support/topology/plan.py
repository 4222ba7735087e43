"""The topology: which hosts there are, where, and what their links carry.

                     bridge 10.99.N.0/24, each host on a link of its own
    edge .2      a relay that delays, then HAProxy: the site, and each server host's uploads by themselves
    server-1 .11 server-2 .12      `gelombang serve`, which share
    database .21                   PostgreSQL, and
    objects .22                    an S3-compatible store
    master .30   worker-1 .31 worker-2 .32      the generator over three machines

A link's rate is a token bucket at both of its ends; loss is by the packet filter, and spares what opens a connection, because a lost SYN
costs a whole second of wall time, whatever a run's speed; delay is the relay's, because not every kernel has netem.
"""

from dataclasses import dataclass

EDGE, DATABASE, OBJECTS, MASTER = "edge", "database", "objects", "master"


@dataclass(frozen=True, slots=True)
class Link:
    """What one host's cable carries. 0 loses nothing."""

    rate_bits_per_second: int
    loss_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class Host:
    """One machine; `number` is the last part of its address."""

    name: str
    number: int
    link: Link


@dataclass(frozen=True, slots=True)
class Topology:
    """All hosts, and how far people are from the edge."""

    server_hosts: int = 2
    workers: int = 2
    server_bits_per_second: int = 20_000_000
    """What limits one server host: photos come in over it, and go out again to the store."""
    inner_bits_per_second: int = 200_000_000
    people_loss_ratio: float = 0.002
    """Of what people send to the edge, beyond the opening of a connection."""
    people_delay_seconds: float = 0.01
    """One way, between people and the edge."""

    @property
    def servers(self) -> list[Host]:
        link = Link(self.server_bits_per_second)
        return [Host(f"server-{k}", 10 + k, link) for k in range(1, self.server_hosts + 1)]

    @property
    def generators(self) -> list[Host]:
        link = Link(self.inner_bits_per_second)
        return [Host(f"worker-{k}", 30 + k, link) for k in range(1, self.workers + 1)]

    @property
    def hosts(self) -> list[Host]:
        inner = Link(self.inner_bits_per_second)
        edge = Host(EDGE, 2, Link(self.inner_bits_per_second, self.people_loss_ratio))
        middle = [Host(DATABASE, 21, inner), Host(OBJECTS, 22, inner), Host(MASTER, 30, inner)]
        return [edge, *self.servers, *middle, *self.generators]
