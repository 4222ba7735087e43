"""What the kernel counts of this machine and of a process, read from /proc: the one place that knows its formats.

Server, generator and command ask here, each for its own machine. What a kernel does not have (pressure stall information needs
CONFIG_PSI, a container may hide netstat) is absent from the answer, never 0. Formats: proc(5), "Documentation/accounting/psi.rst" and
"Documentation/filesystems/proc.rst" of the Linux kernel.
"""

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gelombang.clock import MICROSECONDS

PROC = Path("/proc")
_PRESSURES = ("cpu", "io", "memory")


@dataclass(frozen=True, slots=True)
class MachineCounters:
    """One look. Seconds and counts run since boot; by name what the kernel has by name."""

    cores: int
    cpu_seconds: dict[str, float]
    """By mode: user (nice and guests in it), system (interrupts in it), iowait, steal, idle."""
    memory: dict[str, int]
    """Bytes, by the names of /proc/meminfo in lower case: memtotal, memavailable, dirty, writeback."""
    stalled_seconds: dict[str, float] = field(default_factory=dict)
    """Time in which some task waited for cpu, io or memory."""
    listen: dict[str, int] = field(default_factory=dict)
    """listen_overflows and listen_drops of this network namespace."""
    retransmits: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessCounters:
    """One look at the process that asks."""

    resident_bytes: int
    descriptors: int
    descriptors_limit: int


@dataclass(frozen=True, slots=True)
class NetworkCounters:
    """One look at the network of this namespace, neighbours included; totals are since boot. None for what this kernel does not say."""

    run_queue: int | None = None
    """Tasks that run or could run now, the asking one included."""
    segments_sent: int | None = None
    segments_retransmitted: int | None = None
    kernel_drops: int | None = None
    """Packets that the kernel had and threw away: a full queue of a processor's or of a socket's."""
    time_wait: int | None = None
    """Connections that are closed and keep their port for a minute."""


def read_machine(proc: Path = PROC) -> MachineCounters:
    """Look at the machine now: about 0.2 ms."""
    stat = (proc / "stat").read_text().splitlines()
    wanted = ("MemTotal:", "MemAvailable:", "Dirty:", "Writeback:")
    rows = (line.split() for line in (proc / "meminfo").read_text().splitlines())
    return MachineCounters(
        cores=sum(line.startswith("cpu") for line in stat) - 1,
        cpu_seconds=_cpu_seconds(stat[0]),
        memory={row[0][:-1].lower(): 1024 * int(row[1]) for row in rows if row[0] in wanted},
        stalled_seconds=dict(_stalled_seconds(proc / "pressure")),
        listen=listen_counters(proc),
        retransmits=_net_table(proc / "net" / "snmp", "Tcp:").get("RetransSegs"),
    )


def read_process(proc: Path = PROC) -> ProcessCounters:
    """Look at this process now."""
    pages = int((proc / "self" / "statm").read_text().split()[1])
    return ProcessCounters(
        resident_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
        descriptors=_entries(proc / "self" / "fd"),
        descriptors_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )


def _entries(folder: Path) -> int:
    """Of a folder of descriptors. Since Linux 6.2 its size is their number; before it is 0, and to list a thousand takes 3 ms."""
    return folder.stat().st_size or sum(1 for _ in folder.iterdir()) - 1  # less the one that lists


def read_network(proc: Path = PROC) -> NetworkCounters:
    """Look at the network and the run queue now: about 0.6 ms, whatever is open."""
    tcp = _net_table(proc / "net" / "snmp", "Tcp:")
    processors = _text(proc / "net" / "softnet_stat").splitlines()
    dropped = sum(int(line.split()[1], 16) for line in processors)
    sockets = _text(proc / "net" / "sockstat").split()
    load = _text(proc / "loadavg").split()
    return NetworkCounters(
        run_queue=int(load[3].partition("/")[0]) if len(load) > 3 else None,
        segments_sent=tcp.get("OutSegs"),
        segments_retransmitted=tcp.get("RetransSegs"),
        kernel_drops=dropped + _net_table(proc / "net" / "netstat", "TcpExt:").get("TCPBacklogDrop", 0) if processors else None,
        time_wait=int(sockets[sockets.index("tw") + 1]) if "tw" in sockets else None,
    )


def ephemeral_ports(proc: Path = PROC) -> int | None:
    """How many ports connections may come from."""
    found = _text(proc / "sys" / "net" / "ipv4" / "ip_local_port_range").split()
    return int(found[1]) - int(found[0]) + 1 if len(found) == 2 else None


def listen_counters(proc: Path = PROC) -> dict[str, int]:
    """The kernel's TcpExt ListenOverflows and ListenDrops of this network namespace, since boot; empty where /proc has none."""
    table = _net_table(proc / "net" / "netstat", "TcpExt:")
    names = {"listen_overflows": "ListenOverflows", "listen_drops": "ListenDrops"}
    return {ours: table[theirs] for ours, theirs in names.items() if theirs in table}


def _cpu_seconds(line: str) -> dict[str, float]:
    ticks = [int(word) for word in line.split()[1:9]]
    user, nice, system, idle, iowait, irq, softirq, steal = ticks + [0] * (8 - len(ticks))
    # Guests are in user and nice already.
    modes = {"user": user + nice, "system": system + irq + softirq, "iowait": iowait, "steal": steal, "idle": idle}
    per_second = os.sysconf("SC_CLK_TCK")
    return {mode: value / per_second for mode, value in modes.items()}


def _stalled_seconds(folder: Path) -> Iterator[tuple[str, float]]:
    for name in _PRESSURES:
        try:
            some = (folder / name).read_text().splitlines()[0]
        except OSError:
            continue
        yield name, int(some.rpartition("total=")[2]) / MICROSECONDS


def _net_table(path: Path, prefix: str) -> dict[str, int]:
    """A table of two lines, names and values, both beginning with `prefix`."""
    lines = [line.split()[1:] for line in _text(path).splitlines() if line.startswith(prefix)]
    if len(lines) != 2:
        return {}
    return dict(zip(lines[0], map(int, lines[1]), strict=True))


def _text(path: Path) -> str:
    """Empty for a file that this kernel does not have."""
    try:
        return path.read_text()
    except OSError:
        return ""
