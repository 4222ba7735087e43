"""Hosts of a topology as network namespaces on one bridge of this machine, which itself is the first address on it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.namespaces import ip
from tests.support.object_store import MOTO
from tests.support.postgres import has_postgres
from tests.support.topology import guard
from tests.support.topology.plan import Host, Topology

TOOLS = {"ip": "iproute2", "tc": "iproute2", "iptables": "iptables", "haproxy": "haproxy", "setpriv": "util-linux"}
PEOPLES_PORTS = "80,8101:8109"
"""Where people send to at the edge; what comes from other hosts is not lost."""
BURST = ("burst", "64kb", "latency", "200ms")


@dataclass(frozen=True, slots=True)
class Machine:
    """One host. `near` is this machine's end of its cable."""

    name: str
    space: str
    near: str
    address: str

    @property
    def enter(self) -> tuple[str, ...]:
        """Words before a command that is to run there."""
        return ("ip", "netns", "exec", self.space)

    def cut(self) -> None:
        """Pull the cable."""
        ip("link", "set", self.near, "down")

    def mend(self) -> None:
        """Put it in again."""
        ip("link", "set", self.near, "up")


def why_not() -> str:
    """Why a topology can't be made here; empty when it can."""
    if os.geteuid() != 0:
        return "network namespaces want root"
    missing = [f"{tool} (Debian's package {package})" for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if not has_postgres():
        missing.append("PostgreSQL (Debian's package postgresql)")
    if not MOTO.exists():
        missing.append("moto (make .venv-moto/.ready)")
    if missing:
        return f"not installed: {', '.join(missing)}"
    try:
        with machines(Topology(server_hosts=0, workers=0), 255):
            return ""
    except subprocess.CalledProcessError as error:
        return f"network namespaces can't be made here: {error.stderr.decode().strip()}"


@contextmanager
def machines(topology: Topology, number: int) -> Iterator[Mapping[str, Machine]]:
    """All hosts, by name; `number`, 1 to 255, tells two topologies of this machine apart. Nothing is left of them, however this ends."""
    bridge, made = f"glt{number}", []
    with _guarded(number):
        ip("link", "add", bridge, "type", "bridge")
        ip("addr", "add", f"10.99.{number}.1/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        for host in topology.hosts:
            machine = Machine(host.name, f"glt{number}-{host.name}", f"glt{number}v{host.number}", f"10.99.{number}.{host.number}")
            _plug_in(machine, host, bridge)
            made.append(machine)
        yield {machine.name: machine for machine in made}


@contextmanager
def _guarded(number: int) -> Iterator[None]:
    """Whoever takes all of it away, from before anything is made."""
    words = [sys.executable, guard.__file__, str(number)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as guarding:
        assert guarding.stdout is not None
        assert guarding.stdout.readline() == b"ready\n", "why not is above"
        yield
    assert guarding.returncode == 0, "what is left is above"


def _plug_in(machine: Machine, host: Host, bridge: str) -> None:
    ip("netns", "add", machine.space)
    ip("link", "add", machine.near, "type", "veth", "peer", "name", "eth0", "netns", machine.space)
    ip("link", "set", machine.near, "master", bridge)
    ip("link", "set", machine.near, "up")
    ip("-n", machine.space, "addr", "add", f"{machine.address}/24", "dev", "eth0")
    ip("-n", machine.space, "link", "set", "eth0", "up")
    ip("-n", machine.space, "link", "set", "lo", "up")
    rate = ("root", "tbf", "rate", f"{host.link.rate_bits_per_second}bit", *BURST)
    _run("tc", "qdisc", "add", "dev", machine.near, *rate)
    _run(*machine.enter, "tc", "qdisc", "add", "dev", "eth0", *rate)
    if host.link.loss_ratio:
        people = ("-i", "eth0", "-p", "tcp", "!", "--syn", "-m", "multiport", "--dports", PEOPLES_PORTS)
        chance = ("-m", "statistic", "--mode", "random", "--probability", f"{host.link.loss_ratio:g}")
        _run(*machine.enter, "iptables", "-A", "INPUT", *people, *chance, "-j", "DROP")


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=20)
