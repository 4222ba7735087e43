"""The generator watches itself: a run whose generator was late, starved or stalled must not be believed.

Every 50 ms a task sleeps and looks how late it woke: that delay is what every person of this process suffers too. Once a second the
worst delay, the CPU shares, the counts, and what the kernel says of run queue, sockets, drops and retransmits go as one JSON line into
`generator-<k>.jsonl`. Verdicts are drawn later, from that file.
"""

import gc
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson
import psutil

from gelombang.clock import MICROSECONDS, process_cpu_seconds
from gelombang.errors import HostError
from gelombang.kernel import ephemeral_ports, read_network
from gelombang_loadtests.loop import Loop

LOOK_EVERY_US = 50_000
WRITE_EVERY_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Counts:
    """What has happened so far in this process."""

    offered: int
    started: int
    in_flight: int
    waiting: int
    attempts: int
    sent_bytes: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One second of the generator; counts are totals since the run began."""

    t_us: int
    loop_late_max_us: int
    gc_pause_max_us: int
    cpu_share: float
    """Of one core."""
    machine_cpu_share: float
    """Of all cores, everybody's."""
    offered: int
    started: int
    in_flight: int
    waiting: int
    attempts: int
    sent_bytes: int
    sockets: int | None
    """Open ones of this process."""
    sockets_limit: int | None
    ports: int | None
    """How many ports connections may come from, on all addresses that people come from."""
    run_queue_per_core: float | None
    segments_sent: int | None
    segments_retransmitted: int | None
    kernel_drops: int | None
    time_wait: int | None


class Sockets(Protocol):
    """Who holds this process's sockets."""

    open_sockets: int
    sockets_limit: int

    @property
    def source_addresses(self) -> int:
        """How many addresses they connect from: each has all ports of the kernel's range."""
        ...


class SelfWatch:
    """Samples this process until `stop`; `run` is the body of a task of its own."""

    def __init__(
        self,
        path: Path,
        loop: Loop,
        counts: Callable[[], Counts],
        woke: Callable[[int], None],
        over: Callable[[Sample], None],
        sockets: Sockets | None = None,
    ) -> None:
        """`woke` gets how late each look was, in µs, and `over` each second's sample. Without `sockets`, nobody knows how many are open."""
        self._path = path
        self._file = path.open("wb", buffering=0)
        self._loop = loop
        self._counts = counts
        self._sockets = sockets
        self._ports = ephemeral_ports()
        self._cores = len(os.sched_getaffinity(0))
        self._stopping = False
        self._late_max_us = 0
        self._gc_pause_max_us = 0
        self._gc_began_us = 0
        self._woke = woke
        self._over = over

    def run(self) -> None:
        """Look until stopped."""
        psutil.cpu_percent(interval=None)
        gc.callbacks.append(self._on_gc)
        began_us = due_us = self._loop.now_us()
        cpu_seconds = process_cpu_seconds()
        while not self._stopping:
            due_us += LOOK_EVERY_US
            self._loop.sleep_until(due_us)
            now = self._loop.now_us()
            late_us = max(now - due_us, 0)
            self._woke(late_us)
            self._late_max_us = max(self._late_max_us, late_us)
            due_us = max(due_us, now - LOOK_EVERY_US)
            if now - began_us >= WRITE_EVERY_US:
                spent_seconds = process_cpu_seconds() - cpu_seconds
                self._write(now, spent_seconds / ((now - began_us) / MICROSECONDS))
                began_us, cpu_seconds = now, cpu_seconds + spent_seconds

    def stop(self) -> None:
        """No sample after this; the file is whole."""
        self._stopping = True
        if self._on_gc in gc.callbacks:
            gc.callbacks.remove(self._on_gc)
        self._file.close()

    def _write(self, now_us: int, cpu_share: float) -> None:
        if self._stopping:
            return
        network, now = read_network(), self._counts()
        sample = Sample(
            t_us=now_us,
            loop_late_max_us=self._late_max_us,
            gc_pause_max_us=self._gc_pause_max_us,
            cpu_share=round(cpu_share, 4),
            machine_cpu_share=round(psutil.cpu_percent(interval=None) / 100, 4),
            offered=now.offered,
            started=now.started,
            in_flight=now.in_flight,
            waiting=now.waiting,
            attempts=now.attempts,
            sent_bytes=now.sent_bytes,
            sockets=None if self._sockets is None else self._sockets.open_sockets,
            sockets_limit=None if self._sockets is None else self._sockets.sockets_limit,
            ports=None if self._ports is None else self._ports * (1 if self._sockets is None else self._sockets.source_addresses),
            run_queue_per_core=None if network.run_queue is None else round(network.run_queue / self._cores, 2),
            segments_sent=network.segments_sent,
            segments_retransmitted=network.segments_retransmitted,
            kernel_drops=network.kernel_drops,
            time_wait=network.time_wait,
        )
        self._late_max_us = self._gc_pause_max_us = 0
        self._over(sample)
        try:
            self._file.write(orjson.dumps(sample, option=orjson.OPT_APPEND_NEWLINE))
        except OSError as error:
            raise HostError(f"{self._path} can't be written ({error.strerror}); want free disk") from error

    def _on_gc(self, phase: str, info: dict[str, int]) -> None:
        now = self._loop.now_us()
        if phase == "start":
            self._gc_began_us = now
        else:
            self._gc_pause_max_us = max(self._gc_pause_max_us, now - self._gc_began_us)
