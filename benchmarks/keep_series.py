"""Keeps what the alerts read of a run in one small file, for `docs/lead-time.md`:

`python benchmarks/keep_series.py RUN --title short-wave --began 60 --how 'gelombang run ...' --into tests/data/lead`

`--began` is the second of wall time from the run's zero at which what the alerts are to tell of began.
"""

import argparse
import os
from pathlib import Path

from gelombang.clock import MICROSECONDS
from gelombang.drill_file import SeriesName, StoredProcess, StoredRun, stored_process, write_drill
from gelombang.openmetrics import JOBS
from gelombang.record import read_record
from gelombang.run_table import labels_of
from gelombang.series_file import SERIES_FILE, RunSeries, Source, read_series, samples
from gelombang_dashboards.replayed_alerts import series_read


def kept(series: RunSeries, source: Source, until_us: int) -> StoredProcess:
    """One process of the run; what came after `until_us` is left out."""
    wanted = series_read()
    moments = [t_us for t_us in series.scrapes_us[source] if t_us <= until_us]
    found: list[dict[SeriesName, float]] = [{} for _ in moments]
    place = {t_us: number for number, t_us in enumerate(moments)}
    for each in series.series:
        name, labels = labels_of(each.name)
        if each.source == source and name in wanted:
            for t_us, value in samples(each, moments):
                found[place[t_us]][name, tuple(sorted(labels.items()))] = value
    missed = [t_us / MICROSECONDS for t_us in series.missed_us[source] if t_us <= until_us]
    return stored_process((JOBS[source.side], source.instance), missed, [t_us / MICROSECONDS for t_us in moments], found, wanted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--title", required=True)
    parser.add_argument("--began", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--how", required=True, metavar="COMMAND", help="the command that made the run")
    parser.add_argument("--into", type=Path, required=True)
    parsed = parser.parse_args()
    record, series = read_record(parsed.run), read_series(parsed.run / SERIES_FILE)
    arrivals_us = round(record.for_seconds / record.scale.speed * MICROSECONDS)
    provenance = {
        "recorded_by": parsed.how,
        "recorded_at": record.started_at,
        "commit": record.commit or "unknown",
        "validity": str(record.validity),
        "machine": f"{os.cpu_count()} cores",
    }
    processes = [kept(series, source, arrivals_us) for source in series.sources]
    stored = StoredRun(
        title=parsed.title, provenance=provenance, speed=record.scale.speed, fault_seconds=parsed.began, expected=[], processes=processes
    )
    parsed.into.mkdir(parents=True, exist_ok=True)
    write_drill(parsed.into / f"{parsed.title}.json.gz", stored)


if __name__ == "__main__":
    main()
