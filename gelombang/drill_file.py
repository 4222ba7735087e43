"""The series of one drill in one small file: compressed JSON, from which tests, `docs/drill.md` and `docs/lead-time.md` are made.

Each process has its own sample times. Only what the diagnosis reads is kept, or what the alerts read, and series that never left zero are
left out, because their absence tells the same.
"""

import gzip
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from gelombang.diagnosis.inputs import series_names
from gelombang.errors import RecordError
from gelombang.series import UP, Series, SeriesTable

_DIGITS = 6

SeriesName = tuple[str, tuple[tuple[str, str], ...]]
"""A series' name and its labels, in the order of their names."""


class StoredSeries(BaseModel):
    """One series of a process."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    labels: dict[str, str]
    values: list[float]


class StoredProcess(BaseModel):
    """One process that was scraped; `times` are wall seconds from the run's zero."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    job: str
    instance: str
    times: list[float]
    """When it was scraped and answered in time."""
    missed: list[float]
    """When it did not answer in time."""
    series: list[StoredSeries]

    def up(self) -> Series:
        """Whether it answered, as Prometheus writes it itself."""
        moments = sorted([*((time, 1.0) for time in self.times), *((time, 0.0) for time in self.missed)])
        times, values = zip(*moments, strict=True) if moments else ((), ())
        return Series(UP, {"job": self.job, "instance": self.instance}, np.array(times, dtype=float), np.array(values, dtype=float))


class StoredRun(BaseModel):
    """What was recorded, and where it comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str
    provenance: dict[str, str]
    speed: float
    fault_seconds: float | None
    """When the fault began, from the run's zero; None without one."""
    expected: list[str]
    """The causes that were set off."""
    processes: list[StoredProcess]

    def table(self) -> SeriesTable:
        """All series, each with its process's job and instance."""
        kept = (
            Series(
                one.name, {**one.labels, "job": process.job, "instance": process.instance}, np.array(process.times), np.array(one.values)
            )
            for process in self.processes
            for one in process.series
        )
        return SeriesTable.of([*kept, *(process.up() for process in self.processes)])


def stored_process(
    name: tuple[str, str],
    missed: Sequence[float],
    times: Sequence[float],
    samples: Sequence[Mapping[SeriesName, float]],
    wanted: Collection[str] | None = None,
) -> StoredProcess:
    """The scrapes of one process (job, instance) that were answered, one mapping a scrape; of them what is wanted (the diagnosis's series).

    A series that is missing from a scrape stood at zero before."""
    wanted = series_names() if wanted is None else wanted
    keys = sorted({key for sample in samples for key in sample if key[0] in wanted})
    series = []
    for key in keys:
        values = [round(sample.get(key, 0.0), _DIGITS) for sample in samples]
        if any(values):
            series.append(StoredSeries(name=key[0], labels=dict(key[1]), values=values))
    rounded = [round(time, 3) for time in times]
    return StoredProcess(job=name[0], instance=name[1], times=rounded, missed=[round(time, 3) for time in missed], series=series)


def write_drill(path: Path, run: StoredRun) -> None:
    """Write the file, byte for byte the same for the same run."""
    text = run.model_dump_json().encode()
    path.write_bytes(gzip.compress(text, 9, mtime=0))


def read_drill(path: Path) -> StoredRun:
    """Read what `write_drill` wrote. Raises RecordError with the file and what is wrong."""
    try:
        return StoredRun.model_validate(json.loads(gzip.decompress(path.read_bytes())))
    except FileNotFoundError:
        raise RecordError(f"{path} is missing; want recorded series") from None
    except (OSError, EOFError, ValueError, ValidationError) as error:
        raise RecordError(f"{path} holds no recorded series: {str(error).splitlines()[0]}; want what was written as such") from None
