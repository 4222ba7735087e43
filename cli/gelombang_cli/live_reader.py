"""Reads the series that a run keeps while they are written; tells what is wrong, and each `MOMENT_EVERY_SECONDS` every panel's values."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.diagnosis.diagnose import Diagnosis
from gelombang.diagnosis.following import Following
from gelombang.diagnosis.inputs import series_names
from gelombang.diagnosis.words import sentence
from gelombang.errors import HostError, RecordError
from gelombang.live_panels import live_panels, panel_values, rule_values
from gelombang.live_series import LiveSeries
from gelombang_cli.live_channel import Channel

MOMENT_EVERY_SECONDS = 2.0
LOOK_EVERY_SECONDS = 0.5


class LiveReader:
    """A thread that follows one file while the block lasts, and tells what came last before it ends.

    `speed` is that of the run's clock; `moment` says a second of the run as people's clocks showed it.
    """

    def __init__(self, path: Path, channel: Channel, speed: float, moment: Callable[[float], str]) -> None:
        self._path = path
        self._channel = channel
        self._moment = moment
        self._panels = live_panels()
        self._following = Following(speed)
        self._found: Diagnosis | None = None
        self._series = LiveSeries(series_names(), self._following.samples_kept)
        self._offset = 0
        self._pending = b""
        self._told_seconds = 0.0
        self._stop = threading.Event()
        self._failure: OSError | RecordError | None = None
        self._thread = threading.Thread(target=self._follow, name="live-reader", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if isinstance(self._failure, OSError):
            raise HostError(
                f"{self._path} can't be read ({self._failure.strerror}); want the series that the run writes"
            ) from self._failure
        if self._failure is not None:
            raise self._failure

    def _follow(self) -> None:
        due_us = 0
        try:
            while True:
                over = self._stop.is_set()
                self._read()
                if over or monotonic_us() >= due_us:
                    due_us = monotonic_us() + int(MOMENT_EVERY_SECONDS * MICROSECONDS)
                    self._tell()
                if over:
                    return
                self._stop.wait(LOOK_EVERY_SECONDS)
        except (OSError, RecordError) as error:
            self._failure = error

    def _read(self) -> None:
        """Whole lines that have come since the last time; the scraper makes the file a little after the run began."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._series.take(line.decode())

    def _tell(self) -> None:
        at_seconds = self._series.ends_seconds
        if at_seconds <= self._told_seconds:
            return
        self._told_seconds = at_seconds
        self._look(at_seconds)
        table, rules = self._series.table(), rule_values(self._found)
        lines = {(live.number, legend): v for live in self._panels for legend, v in panel_values(live, table, at_seconds, rules).items()}
        self._channel.tell(at_seconds, lines)

    def _look(self, at_seconds: float) -> None:
        """What is wrong, when a step of the diagnosis has ended."""
        if not self._following.is_due(at_seconds):
            return
        self._found = self._following.look(self._series.long_table(), at_seconds)
        if self._found is not None:
            self._channel.say(f"{self._moment(self._found.at_seconds)}: {sentence(self._found, self._moment)}")
