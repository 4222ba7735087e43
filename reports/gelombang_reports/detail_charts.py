"""Charts of what the record alone does not hold: both ends' times of the same attempts on one axis, and what the machine did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from gelombang.clock import MICROSECONDS
from gelombang.record import RunRecord
from gelombang_reports.axis import Axis, largest
from gelombang_reports.both_ends import BothEndsTimes
from gelombang_reports.charts import Chart, Ink, Line, digits, log_ticks
from gelombang_reports.detail import Detail, MachineSample
from gelombang_reports.figures import Figures
from gelombang_reports.response import SAMPLES_WANTED
from gelombang_reports.spread import PROBABILITIES
from gelombang_reports.texts import Texts
from gelombang_reports.timeline import PROFILE_COLOURS

ENDS_SHOWN = 6
"""Steps whose two ends are drawn, for each run."""
ENDS_COLUMNS_WANTED = 4
QUANTILE_COLUMNS_LIMIT = 31
MACHINE_COLUMNS_LIMIT = 90

_Value = Callable[[MachineSample], float | None]


@dataclass(frozen=True, slots=True)
class MachineCharts:
    """One chart per record in each group; a group is empty where nobody looked."""

    cpu: tuple[Chart, ...]
    memory: tuple[Chart, ...]
    drops: tuple[Chart, ...]
    """Only when the kernel dropped anything."""


def ends_charts(axis: Axis, records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts) -> list[tuple[Chart, ...]]:
    """For each record the steps that have enough to show, uploads first: the gap between both lines is what the server never saw."""
    chosen = [_steps_shown(record, detail) for record, detail in zip(records, details, strict=True)]
    values = [v for own in chosen for _, ends in own for v in (*ends.client_seconds, *ends.server_seconds) if v]
    if not values:
        return [() for _ in records]
    low, high, ticks = log_ticks(min(values), max(values))
    charts: list[tuple[Chart, ...]] = []
    for index, own in enumerate(chosen):
        drawn: list[Chart] = []
        for title, ends in own:
            x = tuple((i + 0.5) * ends.column_seconds for i in range(len(ends.client_seconds)))
            lines = (
                Line(texts.client_end, "c-client", tuple(v or None for v in ends.client_seconds)),
                Line(texts.server_end, "c-server", tuple(v or None for v in ends.server_seconds)),
            )
            shown = tuple(line.values for line in lines)
            name = f"{title} {ends.quantile}"
            drawn.append(
                Chart(
                    name,
                    texts.unit_seconds,
                    x,
                    axis.x_max,
                    axis.ticks,
                    low,
                    high,
                    ticks,
                    lines,
                    shown,
                    True,
                    True,
                    axis.marks(index),
                    (0, 1),
                )
            )
        charts.append(tuple(drawn))
    return charts


def response_charts(axis: Axis, records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts) -> tuple[Chart, ...]:
    """p50 and p90 of response over time by step, each only in columns whose samples carry it; empty without segments."""
    titles = {
        step.step: step.title
        for record in records
        for step in record.steps
        if step.form != "message" and (step.milestone or step.form == "photo") and step.attempts
    }
    per_step: dict[str, list[Line]] = {}
    for name in titles:
        lines: list[Line] = []
        for index, (record, detail) in enumerate(zip(records, details, strict=True)):
            for quantile, ink in (("p50", Ink.FAINT), ("p90", Ink.LINE)):
                found = column_quantiles(axis, record, detail, name, quantile)
                lines.append(Line(f"{record.profile} {quantile}", PROFILE_COLOURS[index], found, ink))
        per_step[name] = [line for line in lines if any(line.values)]
    values = [v for lines in per_step.values() for line in lines for v in line.values if v]
    if not values:
        return ()
    low, high, ticks = log_ticks(min(values), max(values))
    x = axis.columns_of(merged_for_quantiles(axis))
    return tuple(
        Chart(
            titles[name],
            texts.unit_seconds,
            x,
            axis.x_max,
            axis.ticks,
            low,
            high,
            ticks,
            tuple(lines),
            tuple(line.values for line in lines),
            True,
            True,
            axis.marks(),
        )
        for name, lines in per_step.items()
        if lines
    )


def merged_for_quantiles(axis: Axis) -> int:
    """How many of the axis's stretches make one column of a quantile: fewer columns than those of counts, so that samples carry it."""
    return ceil(axis.stretches / QUANTILE_COLUMNS_LIMIT)


def column_quantiles(axis: Axis, record: RunRecord, detail: Detail, step: str, quantile: str) -> tuple[float | None, ...]:
    """One quantile of response, people's time, per column; None where its samples do not carry it."""
    merged = merged_for_quantiles(axis)
    columns, each = ceil(axis.stretches / merged), axis.windows_in(record, merged)
    segments = detail.segments
    if segments is None or step not in segments.steps:
        return (None,) * columns
    found: list[float | None] = []
    for column in range(columns):
        first, past = column * each, (column + 1) * each
        enough = segments.window_samples([step], first, past) >= SAMPLES_WANTED[quantile]
        us = segments.window_quantile_us([step], first, past, PROBABILITIES[quantile]) if enough else None
        found.append(None if us is None else digits(us * record.scale.speed / MICROSECONDS))
    return tuple(found)


def machine_charts(axis: Axis, records: Sequence[RunRecord], details: Sequence[Detail], texts: Texts) -> MachineCharts:
    """CPU, memory and kernel drops; all runs share each group's axis."""
    cpu: tuple[tuple[str, str, _Value], ...] = (
        (texts.whole_machine, "c-started", lambda sample: sample.machine_cores),
        (texts.server, "c-server", lambda sample: sample.server_cores),
        (texts.generator, "c-client", lambda sample: sample.generator_cores),
    )
    memory: tuple[tuple[str, str, _Value], ...] = (
        (texts.server, "c-server", lambda sample: None if sample.server_bytes is None else sample.server_bytes / 1e6),
        (texts.generator, "c-client", lambda sample: None if sample.generator_bytes is None else sample.generator_bytes / 1e6),
    )
    drops: tuple[tuple[str, str, _Value], ...] = ((texts.kernel_drops, "c1", lambda sample: sample.kernel_drops),)
    dropped = any(sample.kernel_drops for detail in details for sample in detail.machine)
    return MachineCharts(
        cpu=_group(axis, records, details, texts.unit_cores, cpu, area_first=True),
        memory=_group(axis, records, details, texts.unit_resident, memory),
        drops=_group(axis, records, details, texts.unit_drops, drops) if dropped else (),
    )


def drop_words(records: Sequence[RunRecord], texts: Texts, figures: Figures) -> str:
    """What the kernel dropped before a server saw it, in one sentence."""
    counts = [
        (record.profile, max(record.host.listen_drops, record.host.listen_overflows or 0))
        for record in records
        if record.host.listen_drops is not None
    ]
    if not counts:
        return texts.unknown
    lost = [texts.some_drops.format(profile=profile, drops=figures.count(n)) for profile, n in counts if n]
    return ", ".join(lost) or texts.no_drops


def _steps_shown(record: RunRecord, detail: Detail) -> list[tuple[str, BothEndsTimes]]:
    found = [
        (step.form != "photo", step.title, detail.ends[step.step])
        for step in record.steps
        if step.step in detail.ends and (step.milestone or step.form == "photo")
    ]
    told = [(later, title, ends) for later, title, ends in found if sum(v is not None for v in ends.client_seconds) >= ENDS_COLUMNS_WANTED]
    return [(title, ends) for _, title, ends in sorted(told, key=lambda one: one[0])][:ENDS_SHOWN]


def _group(
    axis: Axis,
    records: Sequence[RunRecord],
    details: Sequence[Detail],
    unit: str,
    wanted: Sequence[tuple[str, str, _Value]],
    area_first: bool = False,
) -> tuple[Chart, ...]:
    if not any(detail.machine for detail in details):
        return ()
    per_record: list[tuple[tuple[float, ...], list[Line]]] = []
    for detail in details:
        samples = [sample for sample in detail.machine if sample.at_seconds <= axis.x_max]
        samples = samples[:: max(1, -(-len(samples) // MACHINE_COLUMNS_LIMIT))]
        lines = [
            Line(
                name,
                colour,
                tuple(None if (v := value(s)) is None else digits(v) for s in samples),
                Ink.AREA if area_first and not i else Ink.LINE,
            )
            for i, (name, colour, value) in enumerate(wanted)
        ]
        per_record.append((tuple(round(sample.at_seconds, 1) for sample in samples), lines))
    top = largest(line for _, lines in per_record for line in lines)
    return tuple(
        axis.chart(record.profile, unit, lines, top, record=i).over(x)
        for i, (record, (x, lines)) in enumerate(zip(records, per_record, strict=True))
    )
