"""Complaints in public beside the server's own signal: which of the two showed first that the uploads fail, and by how much.

The signal is the first window in which more than half of the upload attempts failed; windows with few attempts can't give it. Who was told
when to come back has not failed, here as in the complaints (`gelombang.public_complaints`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gelombang.attempt import ServerOutcome
from gelombang.record import RunRecord
from gelombang.record_complaints import PublicComplaints
from gelombang.upload_places import Place
from gelombang_reports.axis import Axis, largest
from gelombang_reports.charts import Chart, Ink, Line, digits
from gelombang_reports.figures import Figures, clock_text
from gelombang_reports.people import full_size
from gelombang_reports.texts import Texts

SIGNAL_RATIO = 0.5
SIGNAL_ATTEMPTS = 10
"""Upload attempts that a window needs to give the signal."""
_TOLD = ServerOutcome.REFUSED.name.lower()
_WHOLE_PERCENT = 100.0
_MINUTE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Complaining:
    """What the page says about one run or more; the rows of the table are steps, with one count for each record."""

    sentences: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int | None, ...]], ...]
    charts: tuple[Chart, ...]
    failed: tuple[Chart, ...]


def complaining(axis: Axis, records: Sequence[RunRecord], texts: Texts, figures: Figures) -> Complaining | None:
    """None where no record says anything about complaints."""
    told = [_sentence(record, record.complaints, texts, figures) for record in records if record.complaints is not None]
    if not told:
        return None
    return Complaining(tuple(told), _rows(records), *_charts(axis, records, texts))


def noticed_window(record: RunRecord, complaints: PublicComplaints) -> int | None:
    """The first window with more complaints a minute, at full size, than the scenario's `noticed_per_minute`."""
    minutes = record.windows.window_seconds / _MINUTE_SECONDS
    rates = (full_size(record, count) / minutes for count in complaints.per_window)
    return next((window for window, rate in enumerate(rates) if rate > complaints.noticed_per_minute), None)


def signal_window(record: RunRecord) -> int | None:
    """The first window in which the uploads failed, by the server's own numbers."""
    pairs = enumerate(zip(failed_uploads(record), record.windows.upload_attempts, strict=True))
    return next((w for w, (failed, attempts) in pairs if attempts >= SIGNAL_ATTEMPTS and failed > SIGNAL_RATIO * attempts), None)


def failed_uploads(record: RunRecord) -> list[int]:
    """By window; photos that were too large are not among them, nor is who was told when to come back."""
    outcomes: dict[str, set[str]] = {}
    for ended in record.uploads.where if record.uploads else ():
        outcomes.setdefault(Place(ended.stage, ended.outcome, ended.code, ended.meaning).key, set()).add(ended.outcome)
    where = record.windows.upload_where
    told = [where[key] for key, found in outcomes.items() if found == {_TOLD} and key in where]
    return [failed - sum(counts) for failed, *counts in zip(record.windows.upload_failed, *told, strict=True)]


def _sentence(record: RunRecord, complaints: PublicComplaints, texts: Texts, figures: Figures) -> str:
    noticed, signal = noticed_window(record, complaints), signal_window(record)
    width = record.windows.window_seconds

    def clock(window: int | None) -> str:
        return "" if window is None else clock_text(record.opens_at, window * width, with_seconds=width < _MINUTE_SECONDS)

    if noticed is None:
        when = texts.complaints_never if signal is not None else texts.complaints_nothing
    elif signal is None:
        when = texts.complaints_alone
    else:
        when = texts.complaints_after if noticed > signal else texts.complaints_before if noticed < signal else texts.complaints_together
    first = texts.complaints_people.format(
        profile=record.profile,
        people=figures.count(complaints.people),
        full=figures.count(full_size(record, complaints.people)),
        later=figures.count(complaints.later),
    )
    span = figures.seconds(abs((noticed or 0) - (signal or 0)) * width)
    limit = figures.decimal(complaints.noticed_per_minute)
    return f"{first} {when.format(limit=limit, clock=clock(noticed), signal=clock(signal), span=span)}"


def _rows(records: Sequence[RunRecord]) -> tuple[tuple[str, tuple[int | None, ...]], ...]:
    titles = {step.step: step.title for record in records for step in record.steps}
    parts = [record.complaints for record in records]
    there = [name for name in titles if any(part is not None and name in part.windows for part in parts)]
    return tuple((titles[name], tuple(None if part is None else sum(part.windows.get(name, [])) for part in parts)) for name in there)


def _charts(axis: Axis, records: Sequence[RunRecord], texts: Texts) -> tuple[tuple[Chart, ...], tuple[Chart, ...]]:
    complained, failed = [], []
    for record in records:
        complained.append(Line(texts.complaints_line, "c-lost", _per_minute(axis, record), Ink.AREA))
        failed.append(Line(texts.complaints_failed_line, "c-ink", _failed_percent(axis, record)))
    top = largest(complained)
    return (
        tuple(axis.chart(r.profile, texts.unit_complaints, [complained[i]], top, record=i) for i, r in enumerate(records)),
        tuple(axis.chart(r.profile, texts.unit_failed, [failed[i]], _WHOLE_PERCENT, record=i) for i, r in enumerate(records)),
    )


def _per_minute(axis: Axis, record: RunRecord) -> tuple[float | None, ...]:
    if record.complaints is None:
        return axis.rates(record, [])
    counts = record.complaints.per_window or [0] * len(record.windows.offered)
    return tuple(None if rate is None else digits(rate * _MINUTE_SECONDS) for rate in axis.rates(record, counts))


def _failed_percent(axis: Axis, record: RunRecord) -> tuple[float | None, ...]:
    windows = record.windows
    pairs = zip(axis.merge(record, failed_uploads(record), sum), axis.merge(record, windows.upload_attempts, sum), strict=True)
    return tuple(digits(_WHOLE_PERCENT * (failed or 0.0) / attempts) if attempts else None for failed, attempts in pairs)
