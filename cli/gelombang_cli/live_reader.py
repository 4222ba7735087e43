"""Reads the series that a run keeps while they are written, and tells every panel's values each `MOMENT_EVERY_SECONDS`."""

import threading
from pathlib import Path
from typing import Self

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import HostError, RecordError
from gelombang.live_panels import live_panels, panel_values
from gelombang.live_series import LiveSeries
from gelombang_cli.live_channel import Channel

MOMENT_EVERY_SECONDS = 2.0
LOOK_EVERY_SECONDS = 0.5


class LiveReader:
    """A thread that follows one file while the block lasts, and tells what came last before it ends."""

    def __init__(self, path: Path, channel: Channel) -> None:
        self._path = path
        self._channel = channel
        self._panels = live_panels()
        self._series = LiveSeries()
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
        table = self._series.table()
        lines = {(live.number, legend): v for live in self._panels for legend, v in panel_values(live, table, at_seconds).items()}
        self._channel.tell(at_seconds, lines)
