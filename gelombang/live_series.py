"""A run's series while they grow: lines of `metrics.jsonl` go in, a table of the last few seconds comes out, and a longer one of a few.

It holds the first sample of every series and the last `SAMPLES_KEPT`, and more of those that are named at its making; so its memory does
not grow with the run, and whatever needs it whole (a finished run's page) reads the file instead. A process whose line says that it did not
answer keeps its last values.
"""

import re
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from gelombang.clock import MICROSECONDS
from gelombang.errors import RecordError
from gelombang.openmetrics import JOBS
from gelombang.series import UP, Series, SeriesTable
from gelombang.series_file import SeriesHead, SeriesLine

SAMPLES_KEPT = 12

Sample = tuple[float, NDArray[np.float64]]
"""A moment, and a value for each series that was known then."""
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
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=SAMPLES_KEPT))
    long_places: list[int] = field(default_factory=list)
    """Of the series that are kept longer."""
    long: deque[Sample] = field(default_factory=deque)
    answered: deque[tuple[float, float]] = field(default_factory=deque)
    """1 for a scrape that was answered, 0 for one that was not."""

    @classmethod
    def keeping(cls, long_samples: int) -> "_Process":
        return cls(long=deque(maxlen=long_samples), answered=deque(maxlen=long_samples))


class LiveSeries:
    """Takes the file's lines in their order. Of series of these names the last `long_samples` are kept."""

    def __init__(self, long_names: Collection[str] = (), long_samples: int = 0) -> None:
        self._long_names = long_names
        self._long_samples = long_samples
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
                self._processes = [_Process.keeping(self._long_samples) for _ in head.sources]
                return
            line = SeriesLine.model_validate_json(text)
            self._scraped(self._processes[line.source], self._instances[line.source], line)
        except (ValidationError, IndexError):
            raise RecordError(f"{text[:80]!r} is no line of a run's series; want what the scraper writes") from None

    def table(self) -> SeriesTable:
        """Every series: its first sample and the last few."""
        found: list[Series] = []
        for process in self._processes or []:
            found.extend(_series_of(process, range(len(process.names)), process.samples))
        return SeriesTable.of(found)

    def long_table(self) -> SeriesTable:
        """The series that are kept longer, each with its first sample, and whether each process answered."""
        found: list[Series] = []
        for process, (job, instance) in zip(self._processes or [], self._instances, strict=True):
            found.extend(_series_of(process, process.long_places, process.long))
            moments = np.array(process.answered, dtype=float).reshape(-1, 2)
            found.append(Series(UP, {"job": job, "instance": instance}, moments[:, 0], moments[:, 1]))
        return SeriesTable.of(found)

    def _scraped(self, process: _Process, instance: tuple[str, str], line: SeriesLine) -> None:
        t = line.t_us / MICROSECONDS
        process.answered.append((t, 0.0 if line.missed else 1.0))
        if line.missed:
            return
        for name in line.new:
            process.names.append(_parsed(name, instance))
            process.values.append(float("nan"))
            if process.names[-1][0] in self._long_names:
                process.long_places.append(len(process.names) - 1)
        for place, value in zip(line.places, line.values, strict=True):
            process.values[place] = value
            if place not in process.first:
                process.first[place] = _first_sample(process, process.names[place][0], t, value)
        process.samples.append((t, np.array(process.values)))
        process.long.append((t, np.array([process.values[place] for place in process.long_places])))
        self.ends_seconds = max(self.ends_seconds, t)


def _series_of(process: _Process, places: Sequence[int], samples: Sequence[Sample]) -> Iterator[Series]:
    """The series at these places, from samples that hold a value for each of them, as far as they were known."""
    times = np.array([t for t, _ in samples])
    lengths = [len(values) for _, values in samples]
    kept = np.full((len(lengths) + 1, len(places)), np.nan)
    for row, (_, values) in enumerate(samples, start=1):
        kept[row, : len(values)] = values
    begins = np.searchsorted(lengths, np.arange(len(places)), side="right").tolist()
    with_first: dict[float, NDArray[np.float64]] = {}
    for column, place in enumerate(places):
        name, labels = process.names[place]
        first_time, first = process.first[place]
        begin = begins[column]
        if begin == 0 and first_time < times[0]:
            kept[0, column] = first
            if first_time not in with_first:
                with_first[first_time] = np.concatenate([[first_time], times])
            yield Series(name, labels, with_first[first_time], kept[:, column])
        elif begin > 0 and first_time == times[begin - 1]:
            kept[begin, column] = first
            yield Series(name, labels, times[begin - 1 :], kept[begin:, column])
        else:
            yield Series(name, labels, times[begin:], kept[begin + 1 :, column])


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
