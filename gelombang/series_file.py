"""The metrics of a run, kept with it: `metrics.jsonl`, a line for each scrape of each process, with what changed since the one before.

A run of three minutes has half a million samples, nine of ten of them the same as a second earlier; a line holds only the others, and the
names of series that are new. So the file is a few megabytes for an hour, a writer needs to remember no more than the last value of each
series, and a run that is killed loses at most its last line. The first line says what is scraped, and when the run's zero was.

`read_series` gives it back as series over time; `gelombang.openmetrics` writes those for Prometheus.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gelombang.clock import MICROSECONDS
from gelombang.errors import RecordError
from gelombang.telemetry import SERIES_LIMITS, Side

SERIES_FILE = "metrics.jsonl"
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Source:
    """A process that was scraped; `instance` is its name in every series: server-0, generator-1."""

    side: Side
    instance: str


@dataclass(slots=True)
class Series:
    """One series over time: the moments at which its value changed, and how far it was seen."""

    name: str
    """With its labels, as its process wrote it: `x_total{code="none"}`."""
    source: Source
    changed_us: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RunSeries:
    """All series of a run. Moments are microseconds since the run's zero."""

    zero_at_seconds: float
    """The zero on the wall clock: Unix time."""
    sources: tuple[Source, ...]
    scrapes_us: Mapping[Source, Sequence[int]]
    """When each source was scraped and answered."""
    missed_us: Mapping[Source, Sequence[int]]
    """When it did not answer in time."""
    took_us: Mapping[Source, Sequence[int]]
    """How long each answered scrape took."""
    series: tuple[Series, ...]


class SeriesWriter:
    """Writes the file while a run lasts; `page` is what a process answered, in Prometheus's text format."""

    def __init__(self, file: BinaryIO, sources: Sequence[Source], zero_at_seconds: float) -> None:
        self._file = file
        self._limits = [SERIES_LIMITS[source.side] for source in sources]
        self._known: list[dict[bytes, int]] = [{} for _ in sources]
        self._last: list[list[bytes]] = [[] for _ in sources]
        head = {"schema_version": SCHEMA_VERSION, "zero_at_seconds": zero_at_seconds, "sources": [asdict(source) for source in sources]}
        self._write(head)

    def take(self, source: int, t_us: int, took_us: int, page: bytes) -> None:
        """A scrape that was answered. Raises RecordError when the process has more series than any may have."""
        known, last = self._known[source], self._last[source]
        new: list[str] = []
        places: list[int] = []
        values: list[float] = []
        for line in page.splitlines():
            if not line or line.startswith(b"#"):
                continue
            name, _, value = line.rpartition(b" ")
            place = known.get(name)
            if place is None:
                if len(last) >= self._limits[source]:
                    raise RecordError(f"a process has more than {self._limits[source]} series; want labels from closed sets")
                place = known[name] = len(last)
                last.append(b"")
                new.append(name.decode())
            if last[place] != value:
                last[place] = value
                places.append(place)
                values.append(float(value))
        self._write({"source": source, "t_us": t_us, "took_us": took_us, "new": new, "places": places, "values": values})

    def miss(self, source: int, t_us: int) -> None:
        """A scrape that was not answered in time."""
        self._write({"source": source, "t_us": t_us, "missed": True})

    def _write(self, line: object) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        self._file.flush()


def read_series(path: Path) -> RunSeries:
    """The whole file. Raises RecordError with the line that is wrong; a last line that was cut off is passed over."""
    lines = _lines(path)
    if not lines:
        raise RecordError(f"{path} is empty; want the series of a run")
    try:
        head = SeriesHead.model_validate_json(lines[0])
    except ValidationError:
        raise RecordError(f"{path}:1 is {lines[0][:80]!r}; want the head of a run's series, schema_version {SCHEMA_VERSION}") from None
    sources = tuple(Source(each.side, each.instance) for each in head.sources)
    scrapes: dict[Source, list[int]] = {source: [] for source in sources}
    missed: dict[Source, list[int]] = {source: [] for source in sources}
    took: dict[Source, list[int]] = {source: [] for source in sources}
    of_source: list[list[Series]] = [[] for _ in sources]
    for number, text in enumerate(lines[1:], start=2):
        try:
            line = SeriesLine.model_validate_json(text)
            source, series = sources[line.source], of_source[line.source]
            if line.missed:
                missed[source].append(line.t_us)
                continue
            scrapes[source].append(line.t_us)
            took[source].append(line.took_us)
            series.extend(Series(name, source) for name in line.new)
            for place, value in zip(line.places, line.values, strict=True):
                series[place].changed_us.append(line.t_us)
                series[place].values.append(value)
        except (ValueError, IndexError):
            raise RecordError(f"{path}:{number} is no scrape of the processes in its first line; want the file as it was written") from None
    whole = tuple(series for own in of_source for series in own)
    return RunSeries(head.zero_at_seconds, sources, scrapes, missed, took, whole)


def samples(series: Series, scrapes_us: Sequence[int], every_us: int = 0) -> Iterator[tuple[int, float]]:
    """(moment, value) at each scrape from the series' first one on; with `every_us`, only at scrapes at least so far apart."""
    place, next_us = -1, None
    for t_us in scrapes_us:
        if next_us is not None and t_us < next_us:
            continue
        # Half a scrape early is the scrape that was meant.
        next_us = t_us + every_us - MICROSECONDS // 2 if every_us else None
        while place + 1 < len(series.changed_us) and series.changed_us[place + 1] <= t_us:
            place += 1
        if place >= 0:
            yield t_us, series.values[place]


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise RecordError(f"{path} can't be read ({error.strerror}); want the series that a run kept") from None
    # Only the last line may be cut off: its writer was ended while writing.
    return lines[:-1]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Source(_Part):
    side: Side
    instance: str


class SeriesHead(_Part):
    schema_version: Literal[1]
    zero_at_seconds: float
    sources: list[_Source]


class SeriesLine(_Part):
    source: int = Field(ge=0)
    t_us: int
    took_us: int = 0
    missed: bool = False
    new: list[str] = Field(default_factory=list)
    places: list[int] = Field(default_factory=list)
    values: list[float] = Field(default_factory=list)
