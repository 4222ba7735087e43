"""Watches what a run costs this machine: a sample each second into `host.jsonl`, from outside the processes that it watches.

Kernel counters are read at both ends of the run: what the kernel dropped before a server saw it is the only witness of such attempts.
"""

import os
import platform
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import orjson
import psutil

from gelombang.clock import monotonic_us
from gelombang.kernel import listen_counters

HOST_FILE = "host.jsonl"
SAMPLE_EVERY_SECONDS = 1.0


class HostWatch:
    """A thread that samples CPU and memory of the given processes and of the machine. Use as a context manager."""

    def __init__(self, folder: Path, zero_us: int, server_pids: Sequence[int], generator_pids: Sequence[int]) -> None:
        self._path = folder / HOST_FILE
        self._zero_us = zero_us
        self._server = [psutil.Process(pid) for pid in server_pids]
        self._generator = [psutil.Process(pid) for pid in generator_pids]
        self._stop = threading.Event()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._watch, name="host-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def fault(self) -> str:
        """Why there are no samples any more, in one sentence; empty while there are."""
        return f"{self._path} can't be written ({self._failure.strerror}); want free disk" if self._failure is not None else ""

    def _watch(self) -> None:
        try:
            self._sample()
        except OSError as error:
            self._failure = error

    def _sample(self) -> None:
        psutil.cpu_percent()
        earlier_us, earlier_server, earlier_generator = monotonic_us(), _cpu(self._server), _cpu(self._generator)
        with self._path.open("wb", buffering=0) as file:
            while not self._stop.wait(SAMPLE_EVERY_SECONDS):
                now_us, server, generator = monotonic_us(), _cpu(self._server), _cpu(self._generator)
                seconds = (now_us - earlier_us) / 1e6
                sample = {
                    "t_us": now_us - self._zero_us,
                    "machine_cpu_share": psutil.cpu_percent() / 100,
                    "server_cpu_cores": max(0.0, server - earlier_server) / seconds,
                    "generator_cpu_cores": max(0.0, generator - earlier_generator) / seconds,
                    "server_rss_bytes": _resident(self._server),
                    "generator_rss_bytes": _resident(self._generator),
                    **listen_counters(),
                }
                file.write(orjson.dumps(sample, option=orjson.OPT_APPEND_NEWLINE))
                earlier_us, earlier_server, earlier_generator = now_us, server, generator


def machine_facts() -> dict[str, str | int]:
    """What stays the same during a run."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": platform.release(),
        "python": sys.version.split()[0],
    }


def _cpu(processes: Sequence[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
            total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total


def _resident(processes: Sequence[psutil.Process]) -> int:
    total = 0
    for process in processes:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
