"""Recorded series and rules laid on another clock, beside each other, or without one end: what a Prometheus would have scraped then.

On a clock that is N times slower there are N seconds between two scrapes, and rules have windows N times as long, as they have for a run at
a speed N times lower.
"""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from gelombang.series_file import RunSeries, Series, Source
from gelombang.telemetry import Side
from gelombang_cli.past_run import shipped_rules

MOMENTS = ("scrapes_us", "missed_us", "took_us")
DURATION = re.compile(r"(?<=[\[: ])(\d+)(s|m|h)(?=[\]:)\s\"'])")
SECONDS_OF = {"s": 1, "m": 60, "h": 3_600}


def of_site(site: str, run: RunSeries) -> RunSeries:
    """The same with processes that bear the site's name."""
    named = {source: Source(source.side, f"{site}-{source.instance}") for source in run.sources}
    return dataclasses.replace(
        run,
        sources=tuple(named.values()),
        series=tuple(Series(each.name, named[each.source], each.changed_us, each.values) for each in run.series),
        **{moments: {named[source]: found for source, found in getattr(run, moments).items()} for moments in MOMENTS},
    )


def beside(runs: list[RunSeries]) -> RunSeries:
    """All of them at once, from the zero of the last."""
    together = {moments: {source: found for run in runs for source, found in getattr(run, moments).items()} for moments in MOMENTS}
    sources = tuple(source for run in runs for source in run.sources)
    series = tuple(each for run in runs for each in run.series)
    return dataclasses.replace(runs[-1], sources=sources, series=series, **together)


def slower(run: RunSeries, times: int) -> RunSeries:
    """The same run on a clock that is so many times slower, ending at the same moment."""

    def moved(moments_us: Iterator[int] | list[int]) -> list[int]:
        return [times * t_us for t_us in moments_us]

    series = tuple(Series(each.name, each.source, moved(each.changed_us), each.values) for each in run.series)
    scrapes = {source: moved(list(moments)) for source, moments in run.scrapes_us.items()}
    missed = {source: moved(list(moments)) for source, moments in run.missed_us.items()}
    # Ends before now: Prometheus takes no samples of the future.
    zero_at = run.zero_at_seconds - (times - 1) * max(max(moments) for moments in run.scrapes_us.values()) / 1e6
    return dataclasses.replace(run, series=series, scrapes_us=scrapes, missed_us=missed, zero_at_seconds=round(zero_at, 3))


def without_generator(run: RunSeries) -> RunSeries:
    servers = tuple(source for source in run.sources if source.side is Side.SERVER)
    return dataclasses.replace(run, sources=servers, series=tuple(each for each in run.series if each.source in servers))


def slower_rules(folder: Path, times: int) -> list[Path]:
    """The shipped rules with windows and offsets so many times as long."""
    made = []
    for path in shipped_rules():
        text = DURATION.sub(lambda found: f"{int(found[1]) * SECONDS_OF[found[2]] * times}s", path.read_text(encoding="utf-8"))
        (folder / path.name).write_text(text, encoding="utf-8")
        made.append(folder / path.name)
    return made
