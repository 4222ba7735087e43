"""The series that a run kept, as the arrays that panels and the diagnosis read."""

import re

import numpy as np

from gelombang.clock import MICROSECONDS
from gelombang.openmetrics import JOBS
from gelombang.series import UP, Series, SeriesTable
from gelombang.series_file import RunSeries, samples

_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def run_table(run: RunSeries) -> SeriesTable:
    """Every series with its process's job and instance, and `up` for each process, as Prometheus would have them."""
    table = SeriesTable()
    for kept in run.series:
        points = list(samples(kept, run.scrapes_us[kept.source]))
        name, labels = labels_of(kept.name)
        own = labels | {"job": JOBS[kept.source.side], "instance": kept.source.instance}
        table.by_name.setdefault(name, []).append(_series(name, own, points))
    for source in run.sources:
        moments = [*((t_us, 1.0) for t_us in run.scrapes_us[source]), *((t_us, 0.0) for t_us in run.missed_us[source])]
        own = {"job": JOBS[source.side], "instance": source.instance}
        table.by_name.setdefault(UP, []).append(_series(UP, own, sorted(moments)))
    return table


def labels_of(series: str) -> tuple[str, dict[str, str]]:
    """A series as its process wrote it, `x_total{code="none"}`: its name and its own labels."""
    name, _, labels = series.partition("{")
    return name, dict(_LABEL.findall(labels))


def _series(name: str, labels: dict[str, str], points: list[tuple[int, float]]) -> Series:
    times = np.array([t_us / MICROSECONDS for t_us, _ in points], dtype=float)
    return Series(name, labels, times, np.array([value for _, value in points], dtype=float))
