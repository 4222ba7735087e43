"""A run as one long table for a spreadsheet or a data frame: one number per row, so that any tool can turn it as it likes.

Columns: run, profile, table, row, column, at_seconds (people's time at which a window begins; empty for totals), value. Counts are the
sample's own, durations seconds of the people's time, shares 0 to 1. A text that a spreadsheet would take for a formula is led by an
apostrophe, as OWASP's page on CSV injection says.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from gelombang.record import RunRecord, Windows
from gelombang_reports.detail import Detail
from gelombang_reports.places import place_name
from gelombang_reports.spread import PROBABILITIES

COLUMNS = ("run", "profile", "table", "row", "column", "at_seconds", "value")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = tuple[str, str, str, float | None, float | str | None]
"""table, row, column, at_seconds, value."""


def csv_table(records: Sequence[RunRecord], details: Sequence[Detail]) -> str:
    """The table of some runs, with its header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record, detail in zip(records, details, strict=True):
        for table, row, column, at, value in _rows(record, detail):
            written = "" if value is None else _safe(value) if isinstance(value, str) else repr(value)
            writer.writerow(
                [_safe(record.run_id), _safe(record.profile), table, _safe(row), _safe(column), "" if at is None else f"{at:g}", written]
            )
    return text.getvalue()


def _rows(record: RunRecord, detail: Detail) -> Iterator[Row]:
    yield "run", record.scenario, "validity", None, record.validity.value
    yield "run", record.scenario, "people_planned", None, record.people_planned
    yield "run", record.scenario, "unexplained", None, record.unexplained
    for fate, people in record.fates.items():
        yield "fates", fate, "people", None, people
    for judgement in record.objectives:
        passed = None if judgement.passed is None else int(judgement.passed)
        yield "objectives", judgement.name, "passed", None, passed
    yield from _steps(record, detail)
    for place in record.uploads.where if record.uploads else []:
        yield "uploads", place_name(place.stage, place.outcome, place.code), "attempts", None, place.attempts
    yield from _windows(record.windows)
    for sample in detail.machine:
        yield "machine", "server", "cpu_cores", sample.at_seconds, sample.server_cores
        yield "machine", "generator", "cpu_cores", sample.at_seconds, sample.generator_cores
        yield "machine", "whole", "cpu_cores", sample.at_seconds, sample.machine_cores
        yield "machine", "server", "resident_bytes", sample.at_seconds, sample.server_bytes
        yield "machine", "generator", "resident_bytes", sample.at_seconds, sample.generator_bytes
        yield "machine", "kernel", "drops", sample.at_seconds, sample.kernel_drops


def _steps(record: RunRecord, detail: Detail) -> Iterator[Row]:
    for step in record.steps:
        yield "steps", step.step, "people_reached", None, step.people_reached
        yield "steps", step.step, "people_passed", None, step.people_passed
        for outcome, attempts in step.outcomes.items():
            yield "steps", step.step, f"attempts_{outcome}", None, attempts
        found = {"p50": step.response.p50_seconds, "p90": step.response.p90_seconds, "p99": step.response.p99_seconds}
        yield "steps", step.step, "response_samples", None, step.response.samples
        spread = detail.spread.get(step.step)
        for name in PROBABILITIES:
            interval = spread.intervals[name] if spread else None
            yield "steps", step.step, f"response_{name}_seconds", None, found[name]
            yield "steps", step.step, f"response_{name}_low_seconds", None, interval.low if interval else None
            yield "steps", step.step, f"response_{name}_high_seconds", None, interval.high if interval else None


def _windows(windows: Windows) -> Iterator[Row]:
    flat = {
        "offered": windows.offered,
        "started": windows.started,
        "people_waiting": windows.people_waiting,
        "received_bytes": windows.received_bytes,
        "kept_bytes": windows.kept_bytes,
    }
    for name, counts in flat.items():
        yield from _series("all", name, counts, windows.window_seconds)
    for column, by_row in (("passed", windows.passed), ("ok", windows.ok), ("ended", windows.ended), ("uploads", windows.upload_where)):
        for row, counts in by_row.items():
            yield from _series(row, column, counts, windows.window_seconds)


def _series(row: str, column: str, counts: Sequence[int], seconds: float) -> Iterator[Row]:
    for i, count in enumerate(counts):
        yield "windows", row, column, i * seconds, count


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
