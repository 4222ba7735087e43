"""A run's series while they grow: lines of `metrics.jsonl` go in, a table of the last few seconds comes out.

It holds the first sample of every series and the last `SAMPLES_KEPT`, so its memory does not grow with the run; whatever needs more than
that (a finished run's page) reads the whole file instead. A process whose line says that it did not answer keeps its last values.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from gelombang.clock import MICROSECONDS
from gelombang.errors import RecordError
from gelombang.openmetrics import JOBS
from gelombang.series import Series, SeriesTable
from gelombang.series_file import SeriesHead, SeriesLine

SAMPLES_KEPT = 12

_COUNTED = ("_total", "_bucket", "_count", "_sum")
"""How the names of everything end that only grows."""
_LABEL = re.compile(r'([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"')


@dataclass(slots=True)
class _Process:
    """What one process has said; `samples` are all values that were known then."""

    names: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    first: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Of each series: when it was first seen, and with which value."""
    samples: deque[tuple[float, NDArray[np.float64]]] = field(default_factory=lambda: deque(maxlen=SAMPLES_KEPT))


class LiveSeries:
    """Takes the file's lines in their order."""

    def __init__(self) -> None:
        self._processes: list[_Process] | None = None
        self._instances: list[tuple[str, str]] = []
        self.ends_seconds = 0.0
        """Wall time of the newest scrape, from the run's zero."""

    def take(self, text: str) -> None:
        """The next line. Raises RecordError when it is not one of the file's."""
        try:
            if self._processes is None:
                head = SeriesHead.model_validate_json(text)
                self._instances = [(JOBS[source.side], source.instance) for source in head.sources]
                self._processes = [_Process() for _ in head.sources]
                return
            line = SeriesLine.model_validate_json(text)
            self._scraped(self._processes[line.source], self._instances[line.source], line)
        except (ValidationError, IndexError):
            raise RecordError(f"{text[:80]!r} is no line of a run's series; want what the scraper writes") from None

    def table(self) -> SeriesTable:
        """Every series: its first sample and the last few."""
        found: list[Series] = []
        for process in self._processes or []:
            found.extend(_series_of(process))
        return SeriesTable.of(found)

    def _scraped(self, process: _Process, instance: tuple[str, str], line: SeriesLine) -> None:
        if line.missed:
            return
        t = line.t_us / MICROSECONDS
        for name in line.new:
            process.names.append(_parsed(name, instance))
            process.values.append(float("nan"))
        for place, value in zip(line.places, line.values, strict=True):
            process.values[place] = value
            if place not in process.first:
                process.first[place] = _first_sample(process, process.names[place][0], t, value)
        process.samples.append((t, np.array(process.values)))
        self.ends_seconds = max(self.ends_seconds, t)


def _series_of(process: _Process) -> Iterator[Series]:
    times = np.array([t for t, _ in process.samples])
    lengths = [len(values) for _, values in process.samples]
    kept = np.full((len(lengths) + 1, len(process.names)), np.nan)
    for row, (_, values) in enumerate(process.samples, start=1):
        kept[row, : len(values)] = values
    begins = np.searchsorted(lengths, np.arange(len(process.names)), side="right").tolist()
    with_first: dict[float, NDArray[np.float64]] = {}
    for place, (name, labels) in enumerate(process.names):
        first_time, first = process.first[place]
        begin = begins[place]
        if begin == 0 and first_time < times[0]:
            kept[0, place] = first
            if first_time not in with_first:
                with_first[first_time] = np.concatenate([[first_time], times])
            yield Series(name, labels, with_first[first_time], kept[:, place])
        elif begin > 0 and first_time == times[begin - 1]:
            kept[begin, place] = first
            yield Series(name, labels, times[begin - 1 :], kept[begin:, place])
        else:
            yield Series(name, labels, times[begin:], kept[begin + 1 :, place])


def _first_sample(process: _Process, name: str, t: float, value: float) -> tuple[float, float]:
    """A counter that was not there at the scrape before was 0 then: its process registers it when it first counts."""
    if process.samples and name.endswith(_COUNTED):
        return process.samples[-1][0], 0.0
    return t, value


def _parsed(text: str, instance: tuple[str, str]) -> tuple[str, dict[str, str]]:
    """`x_total{code="none"}` as name and labels, with those that Prometheus would add."""
    name, _, rest = text.partition("{")
    labels = dict(_LABEL.findall(rest))
    return name, labels | {"job": instance[0], "instance": instance[1]}
