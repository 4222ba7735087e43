"""The time axis that all charts of a page share, and the merging of windows into its columns.

Counts become rates at full size (people per second of the people's time, had everybody come), so that charts of different samples can
be laid side by side. Long runs are merged to at most `COLUMNS_LIMIT` columns: counts are added; of p99 values, which can't be added, the
largest is kept.

Runs of different lengths have windows of different widths. A column is as wide as a whole number of each run's windows, so that every
window lies in one column, where it was.
"""

from collections.abc import Callable, Iterable, Sequence
from math import ceil, lcm

from gelombang.record import RunRecord
from gelombang_reports.charts import Chart, ChartMark, Line, digits, time_ticks, value_ticks
from gelombang_reports.figures import clock_text
from gelombang_reports.people import full_size

COLUMNS_LIMIT = 180


class Axis:
    """The time axis that all charts of a page share, and the merging of windows into columns."""

    def __init__(self, records: Sequence[RunRecord], marks: Sequence[tuple[ChartMark, ...]] = ()) -> None:
        widest = max(records, key=_span_seconds)
        self._shared_seconds = lcm(*(round(record.windows.window_seconds * 1_000) for record in records)) / 1_000
        """The narrowest stretch that the windows of each run fill without a rest."""
        self.stretches = ceil(_span_seconds(widest) / self._shared_seconds)
        self.merged = max(1, ceil(self.stretches / COLUMNS_LIMIT))
        self.columns = ceil(self.stretches / self.merged)
        self.column_seconds = self._shared_seconds * self.merged
        self.x = self.columns_of(self.merged)
        self.x_max = max(self.columns * self.column_seconds, 1e-9)
        self.ticks = time_ticks(widest.opens_at, self.x_max)
        self.begin, self.end = clock_text(widest.opens_at, 0.0), clock_text(widest.opens_at, self.x_max)
        self._marks = [tuple(mark for mark in own if 0 < mark.at < self.x_max) for own in marks]

    def marks(self, record: int | None = None) -> tuple[ChartMark, ...]:
        """What one run's charts must show, or those of all runs together."""
        chosen = self._marks if record is None else self._marks[record : record + 1]
        return tuple(dict.fromkeys(mark for own in chosen for mark in own))

    def columns_of(self, merged: int) -> tuple[float, ...]:
        """The middles of columns of so many stretches each."""
        return tuple(round((i + 0.5) * self._shared_seconds * merged, 3) for i in range(ceil(self.stretches / merged)))

    def windows_in(self, record: RunRecord, merged: int) -> int:
        """How many of the run's windows lie in a column of so many stretches."""
        return round(self._shared_seconds * merged / record.windows.window_seconds)

    def merge(self, record: RunRecord, values: Sequence[float | None], how: Callable[[list[float]], float]) -> tuple[float | None, ...]:
        """One value per column from one per window of the run; None where no window of the column has one."""
        each = self.windows_in(record, self.merged)
        result: list[float | None] = []
        for i in range(self.columns):
            there = [v for v in values[i * each : (i + 1) * each] if v is not None]
            result.append(how(there) if there else None)
        return tuple(result)

    def rates(self, record: RunRecord, counts: Sequence[float]) -> tuple[float | None, ...]:
        """Counts per window to full-size rates per second. Where a run ends within a column, the rate is that of its windows there."""
        seconds = self.merge(record, [record.windows.window_seconds] * len(counts), sum)
        merged = zip(self.merge(record, counts, sum), seconds, strict=True)
        return tuple(None if v is None or not there else digits(full_size(record, v) / there) for v, there in merged)

    def chart(self, title: str, unit: str, lines: Sequence[Line], top: float, raw: Sequence[Line] = (), record: int | None = None) -> Chart:
        y_max, y_ticks = value_ticks(top)
        shown = tuple(line.values for line in (raw or lines))
        return Chart(title, unit, self.x, self.x_max, self.ticks, 0.0, y_max, y_ticks, tuple(lines), shown, marks=self.marks(record))


def _span_seconds(record: RunRecord) -> float:
    return len(record.windows.offered) * record.windows.window_seconds


def largest(lines: Iterable[Line]) -> float:
    """The largest value of some lines; 0 of none."""
    return max((v for line in lines for v in line.values if v is not None), default=0.0)
