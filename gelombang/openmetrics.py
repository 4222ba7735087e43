"""The kept series of a run as OpenMetrics text, with their own moments: `promtool tsdb create-blocks-from openmetrics` takes it.

A family's samples stand together, each series in the order of time, as the format wants ("OpenMetrics", version 1.0.0, "Overall
Structure"). `up` and `scrape_duration_seconds` are added as Prometheus would have written them, so that a query can't tell a back-filled
run from a scraped one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gelombang.clock import MICROSECONDS
from gelombang.series_file import RunSeries, Series, Source, samples
from gelombang.telemetry import CATALOGUE, Kind, Side

JOBS: Mapping[Side, str] = {Side.SERVER: "gelombang-server", Side.GENERATOR: "gelombang-generator"}
"""The jobs under which Prometheus scrapes either side."""
_EDGE = re.compile(r'le="[^"]*",?')
_OF_HISTOGRAM = ("_bucket", "_count", "_sum")


def openmetrics_lines(run: RunSeries, every_seconds: float = 0.0) -> Iterator[str]:
    """The lines of the text, newlines apart; with `every_seconds`, as a Prometheus with that interval would have scraped it."""
    every_us = int(every_seconds * MICROSECONDS)
    of_family: dict[str, list[Series]] = {}
    for series in run.series:
        of_family.setdefault(family_of(series.name), []).append(series)
    known = {metric.name: metric for metric in CATALOGUE}
    for family, found in of_family.items():
        metric = known.get(family)
        kind = metric.kind.value if metric is not None else "unknown"
        name = family.removesuffix("_total") if kind == Kind.COUNTER else family
        yield f"# TYPE {name} {kind}"
        if metric is not None:
            yield f"# HELP {name} {_escaped(metric.help)}"
        for parts in _points(found):
            yield from _samples(run, parts, run.scrapes_us[parts[0].source], every_us)
    yield from _of_scraping(run, every_us)
    yield "# EOF"


def family_of(name: str) -> str:
    """The catalogue's name for a series: without labels, and for a histogram without its part."""
    bare = name.partition("{")[0]
    for part in _OF_HISTOGRAM:
        if bare.endswith(part) and (family := bare.removesuffix(part)) in _HISTOGRAMS:
            return family
    return bare


_HISTOGRAMS = frozenset(metric.name for metric in CATALOGUE if metric.kind is Kind.HISTOGRAM)


def _of_scraping(run: RunSeries, every_us: int) -> Iterator[str]:
    yield "# TYPE up gauge"
    for source in run.sources:
        moments = dict.fromkeys(run.scrapes_us[source], 1) | dict.fromkeys(run.missed_us[source], 0)
        series = Series("up", source, sorted(moments), [float(moments[t_us]) for t_us in sorted(moments)])
        yield from _samples(run, [series], sorted(moments), every_us)
    yield "# TYPE scrape_duration_seconds gauge"
    for source in run.sources:
        moments_us = run.scrapes_us[source]
        seconds = [took_us / MICROSECONDS for took_us in run.took_us[source]]
        series = Series("scrape_duration_seconds", source, list(moments_us), seconds)
        yield from _samples(run, [series], moments_us, every_us)


def _labelled(name: str, source: Source) -> str:
    bare, _, labels = name.partition("{")
    own = f"{labels.removesuffix('}')}," if labels else ""
    return f'{bare}{{{own}job="{JOBS[source.side]}",instance="{source.instance}"}}'


def _points(found: Iterable[Series]) -> list[list[Series]]:
    """The series that are one point together: a histogram's buckets, count and sum with the same labels."""
    points: dict[tuple[Source, str], list[Series]] = {}
    for series in found:
        labels = _EDGE.sub("", series.name.partition("{")[2]).strip(",}")
        points.setdefault((series.source, labels), []).append(series)
    return list(points.values())


def _samples(run: RunSeries, parts: Sequence[Series], scrapes_us: Sequence[int], every_us: int) -> Iterator[str]:
    """Point after point; one a millisecond, which is what Prometheus knows, because it refuses a series with two values in one."""
    names = [_labelled(series.name, series.source) for series in parts]
    before = ""
    for point in zip(*(samples(series, scrapes_us, every_us) for series in parts), strict=True):
        moment = f"{run.zero_at_seconds + point[0][0] / MICROSECONDS:.3f}"
        if moment != before:
            for name, (_, value) in zip(names, point, strict=True):
                yield f"{name} {value!r} {moment}"
        before = moment


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
