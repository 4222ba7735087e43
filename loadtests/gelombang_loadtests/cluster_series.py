"""The series of a run over several machines: what a scrape of each worker would have found, kept by the master.

A worker sends its metrics with each pulse, so nobody needs a way to a worker's ports. The moment of a page is when the master got it, on
the master's clock. A worker of whom nothing came for a while is noted as missed, once a second, as a process that does not answer a scrape.
"""

import zlib
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from gelombang.clock import MICROSECONDS
from gelombang.errors import HostError
from gelombang.series_file import SERIES_FILE, SeriesWriter, Source
from gelombang.telemetry import PAGE_BYTES_LIMITS, Side

MISSED_AFTER_SECONDS = 2.0
"""Twice the time from one pulse to the next."""
MISS_EVERY_SECONDS = 1.0


def packed_page(collector: Collector) -> bytes:
    """The metrics as they stand, as a pulse carries them."""
    registry = CollectorRegistry()
    registry.register(collector)
    return zlib.compress(generate_latest(registry))


class ClusterSeries:
    """Writes `metrics.jsonl` of a run whose zero was at `zero_at_seconds`, Unix time, until `close`."""

    def __init__(self, folder: Path, processes: int, zero_at_seconds: float) -> None:
        self._path = folder / SERIES_FILE
        self._file = self._path.open("wb")
        sources = [Source(Side.GENERATOR, f"{Side.GENERATOR}-{process}") for process in range(processes)]
        self._writer = SeriesWriter(self._file, sources, round(zero_at_seconds, 3))
        self._told_us = dict.fromkeys(range(processes), 0)
        """When each was last heard of, or last noted as missed."""
        self._over: set[int] = set()

    def take(self, process: int, t_us: int, packed: bytes, last: bool) -> None:
        """A pulse's page. Raises HostError for what is none."""
        self._told_us[process] = t_us + int((MISSED_AFTER_SECONDS - MISS_EVERY_SECONDS) * MICROSECONDS)
        if last:
            self._over.add(process)
        if packed:
            self._writer.take(process, t_us, 0, unpacked_page(process, packed))

    def look(self, t_us: int) -> None:
        """Note who is silent."""
        for process, told_us in self._told_us.items():
            if process not in self._over and t_us - told_us >= MISS_EVERY_SECONDS * MICROSECONDS:
                self._writer.miss(process, t_us)
                self._told_us[process] = t_us

    def gone(self, process: int) -> None:
        """Nobody waits for that worker any more."""
        self._over.add(process)

    def close(self) -> None:
        self._file.close()


def unpacked_page(process: int, packed: bytes) -> bytes:
    """The text of a page. Raises HostError for what is none, or longer than any."""
    limit = PAGE_BYTES_LIMITS[Side.GENERATOR]
    unpacking = zlib.decompressobj()
    try:
        page = unpacking.decompress(packed, limit)
    except zlib.error as error:
        raise HostError(f"worker {process} sends metrics that can't be unpacked ({error}); want what this version sends") from error
    if unpacking.unconsumed_tail:
        raise HostError(f"worker {process} sends metrics of more than {limit:,} bytes; want a page of at most that")
    return page
