"""From the windows of the records to charts over the people's time."""

from collections.abc import Sequence
from dataclasses import dataclass

from gelombang.record import RunRecord
from gelombang_reports.axis import Axis, largest
from gelombang_reports.charts import Chart, Ink, Line, digits, log_ticks, stacked
from gelombang_reports.people import full_size, photo_steps
from gelombang_reports.places import ACKNOWLEDGED, colours, key_name, stacking_order
from gelombang_reports.response import SAMPLES_WANTED
from gelombang_reports.texts import Texts

PROFILE_COLOURS = ("p1", "p2", "p3", "p4")


@dataclass(frozen=True, slots=True)
class Timelines:
    """All charts of a page; the per-profile ones have one chart per record."""

    uploads: tuple[Chart, ...]
    """Upload attempts by the place they ended in, stacked."""
    bytes: tuple[Chart, ...]
    offered: tuple[Chart, ...]
    past_photos: Chart | None
    waiting: Chart | None
    response: tuple[Chart, ...]
    """p99 by step, all profiles in each."""


def timelines(axis: Axis, records: Sequence[RunRecord], texts: Texts) -> Timelines:
    """The charts of one page."""
    if not axis.columns:
        return Timelines((), (), (), None, None, ())
    with_uploads = any(record.uploads.attempts for record in records if record.uploads)
    return Timelines(
        uploads=_uploads(axis, records, texts) if with_uploads else (),
        bytes=_bytes(axis, records, texts) if with_uploads else (),
        offered=_offered(axis, records, texts),
        past_photos=_past_photos(axis, records, texts) if with_uploads else None,
        waiting=_waiting(axis, records, texts),
        response=_response(axis, records, texts),
    )


def _uploads(axis: Axis, records: Sequence[RunRecord], texts: Texts) -> tuple[Chart, ...]:
    colour_of, order = colours(records), stacking_order(records)
    per_record: list[list[Line]] = []
    for record in records:
        where = record.windows.upload_where
        lines = [
            Line(texts.acknowledged if key == ACKNOWLEDGED else key_name(key), colour_of[key], axis.rates(record, where[key]))
            for key in order
            if sum(where.get(key, []))
        ]
        per_record.append(lines)
    painted = [stacked(lines) for lines in per_record]
    top = largest(line for lines in painted for line in lines[:1])
    return tuple(
        axis.chart(record.profile, texts.unit_attempts, areas, top, list(reversed(lines)), index)
        for index, (record, lines, areas) in enumerate(zip(records, per_record, painted, strict=True))
    )


def _bytes(axis: Axis, records: Sequence[RunRecord], texts: Texts) -> tuple[Chart, ...]:
    per_record: list[list[Line]] = []
    for record in records:
        mega = record.scale.bytes_ratio * 1e6
        received = axis.rates(record, [v / mega for v in record.windows.received_bytes])
        kept = axis.rates(record, [v / mega for v in record.windows.kept_bytes])
        per_record.append([Line(texts.received, "c-lost", received, Ink.AREA), Line(texts.kept, "c-ack", kept, Ink.AREA)])
    top = largest(line for lines in per_record for line in lines)
    return tuple(
        axis.chart(r.profile, texts.unit_megabytes, lines, top, record=i)
        for i, (r, lines) in enumerate(zip(records, per_record, strict=True))
    )


def _offered(axis: Axis, records: Sequence[RunRecord], texts: Texts) -> tuple[Chart, ...]:
    per_record: list[list[Line]] = []
    for index, record in enumerate(records):
        windows = record.windows
        lines = [
            Line(texts.started, "c-started", axis.rates(record, windows.started), Ink.AREA),
            Line(texts.offered, "c-ink", axis.rates(record, windows.offered), Ink.DOTTED),
        ]
        ends = {step.step: step.title for step in [s for s in record.steps if s.milestone][-1:]}
        colour = dict.fromkeys(ends, "c-end") | {photo.step: PROFILE_COLOURS[index] for photo in photo_steps(record)[-1:]}
        for name, title in {s.step: s.title for s in record.steps if s.step in colour}.items():
            if name in windows.passed:
                lines.append(Line(title, colour[name], axis.rates(record, windows.passed[name])))
        per_record.append(lines)
    top = largest(line for lines in per_record for line in lines)
    return tuple(
        axis.chart(r.profile, texts.unit_people, lines, top, record=i) for i, (r, lines) in enumerate(zip(records, per_record, strict=True))
    )


def _past_photos(axis: Axis, records: Sequence[RunRecord], texts: Texts) -> Chart | None:
    lines: list[Line] = []
    for index, record in enumerate(records):
        for step in photo_steps(record)[-1:]:
            counts = record.windows.passed.get(step.step, [])
            lines.append(Line(record.profile, PROFILE_COLOURS[index], axis.rates(record, counts)))
    return axis.chart(texts.past_photos_chart, texts.unit_people, lines, largest(lines)) if lines else None


def _waiting(axis: Axis, records: Sequence[RunRecord], texts: Texts) -> Chart:
    lines: list[Line] = []
    for index, record in enumerate(records):
        merged = axis.merge(record, record.windows.people_waiting, lambda values: values[-1])
        lines.append(
            Line(record.profile, PROFILE_COLOURS[index], tuple(None if v is None else round(full_size(record, v)) for v in merged))
        )
    return axis.chart(texts.waiting_chart, texts.unit_people_waiting, lines, largest(lines))


def _response(axis: Axis, records: Sequence[RunRecord], texts: Texts) -> tuple[Chart, ...]:
    titles: dict[str, str] = {}
    for record in records:
        for step in record.steps:
            if step.form != "message" and (step.milestone or step.form == "photo") and step.attempts:
                titles.setdefault(step.step, step.title)
    per_step = {step: [line for i, r in enumerate(records) for line in _response_lines(axis, r, i, step)] for step in titles}
    values = [v for lines in per_step.values() for line in lines for v in line.values if v is not None and v > 0]
    if not values:
        return ()
    low, high, ticks = log_ticks(min(values), max(values))
    charts: list[Chart] = []
    for name, lines in per_step.items():
        shown = tuple(line.values for line in lines)
        chart = Chart(
            titles[name],
            texts.unit_seconds,
            axis.x,
            axis.x_max,
            axis.ticks,
            low,
            high,
            ticks,
            tuple(lines),
            shown,
            True,
            True,
            axis.marks(),
        )
        charts.append(chart)
    return tuple(charts)


def _response_lines(axis: Axis, record: RunRecord, index: int, step: str) -> list[Line]:
    """The p99 of one step: a faint line all along, and a full one where the samples carry it."""
    p99 = axis.merge(record, [v if v is None or v > 0 else None for v in record.windows.response_p99_seconds.get(step, [])], max)
    samples = axis.merge(record, record.windows.ended.get(step, []), sum)
    padded = [*samples, *([None] * (len(p99) - len(samples)))]
    rounded = tuple(None if v is None else digits(v) for v in p99)
    enough = tuple(v if (n or 0) >= SAMPLES_WANTED["p99"] else None for v, n in zip(rounded, padded, strict=True))
    lines = [Line(record.profile, PROFILE_COLOURS[index], rounded, Ink.FAINT), Line(record.profile, PROFILE_COLOURS[index], enough)]
    return [line for line in lines if any(v is not None for v in line.values)]
