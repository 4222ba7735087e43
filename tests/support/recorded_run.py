"""A recorded run of the smoke scenario: its record and the series that it kept (`gelombang run smoke`, 26 November 2026, 2 cores)."""

import gzip
from pathlib import Path

from gelombang.panels.catalogue import PAGES, panels
from gelombang.panels.expression import Expression, How, reads
from gelombang.panels.parts import Panel
from gelombang.record import RECORD_FILE, RunRecord, read_record
from gelombang.series_file import SERIES_FILE, RunSeries, read_series

FOLDER = Path(__file__).parents[1] / "data" / "recorded-run"
TOLERANCE_RATIO = 0.1
"""Of a rate over the whole run. Both ends count the same people and bytes, but not at the same moment: the record counts what people saw,
a scrape what a process had counted up to its last whole second."""
SHARE_TOLERANCE = 0.03
OF_SHARES = frozenset({"Failed share of uploads", "Failing share over time"})


def recorded_run(folder: Path) -> tuple[RunRecord, RunSeries]:
    """Both, unpacked into an empty folder."""
    for name in (RECORD_FILE, SERIES_FILE):
        (folder / name).write_bytes(gzip.decompress((FOLDER / f"{name}.gz").read_bytes()))
    return read_record(folder), read_series(folder / SERIES_FILE)


def over_the_whole_run(record: RunRecord, panel: Panel, legend: str) -> float:
    """What the record says of one line, as one number: the mean of its windows."""
    assert panel.record is not None
    [line] = [line for line in panel.record(record) if line.legend == legend]
    found = [0.0 if value is None else value for value in line.values]
    return sum(found) / len(found)


def compared() -> list[tuple[Panel, Expression, str]]:
    """Panels with a record's side whose queries are rates, with the legend that both sides share."""
    found = []
    for page in PAGES:
        for panel in panels(page):
            for query in panel.queries if panel.record is not None else ():
                if all(read.how is How.RATE for read in reads(query.expression)) and "{{" not in query.legend:
                    found.append((panel, query.expression, query.legend))
    return found
