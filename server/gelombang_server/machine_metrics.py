"""What the kernel says, for the metrics of a server process: the machine, this process, and the queues of its listening sockets.

Everything is read at scrape. The machine is reported by process 0 alone, and each listening socket by one process, so that sums over
processes are right.
"""

import os
import socket
import struct
from pathlib import Path

from gelombang import telemetry
from gelombang.clock import process_cpu_seconds
from gelombang.kernel import MachineCounters, read_machine, read_process
from gelombang.telemetry_labels import CPU_MODES
from gelombang_server.metrics import Metrics
from gelombang_server.rising import Rising

_ACCEPT_QUEUE = struct.Struct("=24x2I")
"""tcpi_unacked and tcpi_sacked of struct tcp_info, which in state LISTEN hold the accept queue and its limit (net/ipv4/tcp.c,
tcp_get_info)."""


def watch_process(metrics: Metrics) -> None:
    """This process's CPU, memory and descriptors, at each scrape."""
    cpu_seconds = Rising(metrics.counter(telemetry.SERVER_CPU_SECONDS))

    def look() -> None:
        cpu_seconds.at(process_cpu_seconds())
        found = read_process()
        metrics.gauge(telemetry.SERVER_RESIDENT_BYTES).set(found.resident_bytes)
        metrics.gauge(telemetry.SERVER_DESCRIPTORS).set(found.descriptors)
        metrics.gauge(telemetry.SERVER_DESCRIPTORS_LIMIT).set(found.descriptors_limit)

    metrics.at_scrape(look)


def watch_machine(metrics: Metrics) -> None:
    """The machine, at each scrape; for process 0."""
    names = telemetry.SERVER_MACHINE
    rising = {metric.name: Rising(metrics.counter(metric)) for metric in (names.retransmits, names.listen_overflows, names.listen_drops)}
    cpu = {mode: Rising(metrics.counter(names.cpu_seconds).labels(mode)) for mode in CPU_MODES}
    stalled: dict[str, Rising] = {}

    def look() -> None:
        found: MachineCounters = read_machine()
        metrics.gauge(names.cores).set(found.cores)
        for mode, seconds in found.cpu_seconds.items():
            cpu[mode].at(seconds)
        for resource, seconds in found.stalled_seconds.items():
            if resource not in stalled:
                stalled[resource] = Rising(metrics.counter(names.stalled_seconds).labels(resource))
            stalled[resource].at(seconds)
        for metric, name in (
            (names.memory_bytes, "memtotal"),
            (names.memory_available_bytes, "memavailable"),
            (names.dirty_bytes, "dirty"),
            (names.writeback_bytes, "writeback"),
        ):
            metrics.gauge(metric).set(found.memory[name])
        for metric, value in (
            (names.retransmits, found.retransmits),
            (names.listen_overflows, found.listen.get("listen_overflows")),
            (names.listen_drops, found.listen.get("listen_drops")),
        ):
            if value is not None:
                rising[metric.name].at(value)

    metrics.at_scrape(look)


def watch_listener(metrics: Metrics, name: str, listener: socket.socket) -> None:
    """The accept queue of a listening socket and its limit, at each scrape; for one process of those that share the socket."""
    depth = metrics.gauge(telemetry.ACCEPT_QUEUE).labels(name)
    limit = metrics.gauge(telemetry.ACCEPT_QUEUE_LIMIT).labels(name)

    def look() -> None:
        if listener.fileno() < 0:
            return  # Closed: the process drains, and nobody connects any more.
        waiting, most = _ACCEPT_QUEUE.unpack(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACCEPT_QUEUE.size))
        depth.set(waiting)
        limit.set(most)

    metrics.at_scrape(look)


def watch_disk(metrics: Metrics, folder: Path) -> None:
    """The free bytes of the disk that holds the folder, at each scrape."""
    free = metrics.gauge(telemetry.DISK_FREE_BYTES)

    def look() -> None:
        found = os.statvfs(folder)
        free.set(found.f_bavail * found.f_frsize)

    metrics.at_scrape(look)
