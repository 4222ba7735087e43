"""The generator watches itself: a run whose generator was late, starved or stalled must not be believed.

Every 50 ms a task sleeps and looks how late it woke: that delay is what every person of this process suffers too. Once a second the
worst delay, the CPU shares and the counts go as one JSON line into `generator-<k>.jsonl`. Verdicts are drawn later, from that file.
"""

import gc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import TextIOWrapper
from pathlib import Path

import orjson
import psutil

from gelombang.clock import MICROSECONDS, process_cpu_seconds
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


class SelfWatch:
    """Samples this process until `stop`; `run` is the body of a task of its own."""

    def __init__(
        self, path: Path, loop: Loop, counts: Callable[[], Counts], woke: Callable[[int], None], over: Callable[[Sample], None]
    ) -> None:
        """`woke` gets how late each look was, in µs, and `over` each second's sample."""
        self._file: TextIOWrapper = path.open("w")
        self._loop = loop
        self._counts = counts
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
        sample = Sample(
            t_us=now_us,
            loop_late_max_us=self._late_max_us,
            gc_pause_max_us=self._gc_pause_max_us,
            cpu_share=round(cpu_share, 4),
            machine_cpu_share=round(psutil.cpu_percent(interval=None) / 100, 4),
            **asdict(self._counts()),
        )
        self._late_max_us = self._gc_pause_max_us = 0
        self._over(sample)
        self._file.write(orjson.dumps(sample).decode() + "\n")
        self._file.flush()

    def _on_gc(self, phase: str, info: dict[str, int]) -> None:
        now = self._loop.now_us()
        if phase == "start":
            self._gc_began_us = now
        else:
            self._gc_pause_max_us = max(self._gc_pause_max_us, now - self._gc_began_us)
