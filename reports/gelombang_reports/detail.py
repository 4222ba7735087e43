"""What the page shows beyond the record, from the other files of the run's folder.

The record is enough for a page; with the ledgers, segments and samples beside it the page also says how sure its quantiles are, lays both
ends' times over each other, shows what the machine did, and follows single attempts. Everything here is in seconds of the people's time,
and everything may be missing: a record that was sent alone has an empty detail, and its page says so.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Outcome
from gelombang.clock import MICROSECONDS
from gelombang.evidence import Evidence, read_evidence
from gelombang.host_samples import HOST_SAMPLES, read_samples
from gelombang.intervals import ALPHA, Interval, design_effect, quantile_interval_us
from gelombang.join import NOT_JOINED, Joined, match
from gelombang.record import RunRecord
from gelombang.record_probe import PICTURE_BYTES_LIMIT, PICTURES_LIMIT
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, ServerPlan, read_model
from gelombang.segments import SEGMENTS_FOLDER, Segments, read_segments
from gelombang.step_totals import decided
from gelombang.upload_totals import upload_steps
from gelombang.windows import WindowGrid
from gelombang_reports.marks import Mark
from gelombang_reports.response import SAMPLES_WANTED, StepSpread
from gelombang_reports.traces import Trace, traces

ENDS_COLUMNS_LIMIT = 31
PROBABILITIES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class BothEndsTimes:
    """One quantile of the same attempts, as the person's end and as the server's end measured them, per column of the time axis."""

    quantile: str
    column_seconds: float
    client_seconds: tuple[float | None, ...]
    server_seconds: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class MachineSample:
    """What the run cost at one moment; None where nobody looked."""

    at_seconds: float
    server_cores: float | None
    generator_cores: float | None
    machine_cores: float | None
    server_bytes: float | None
    generator_bytes: float | None
    kernel_drops: float | None
    """Connections dropped since the first sample."""


@dataclass(frozen=True, slots=True)
class Detail:
    """All that is known beside the record."""

    spread: dict[str, StepSpread] = field(default_factory=dict)
    ends: dict[str, BothEndsTimes] = field(default_factory=dict)
    machine: tuple[MachineSample, ...] = ()
    traces: tuple[Trace, ...] = ()
    marks: tuple[Mark, ...] = ()
    segments: Segments | None = None
    failed_effect: float = 1.0
    """The design effect of the share of uploads that failed."""
    arrivals_digest: str = ""
    """Of the arrival curve or phases, at full size: equal for runs that people were to arrive at in the same way."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    """Of a browser's walk, by file name."""
    whole: bool = False
    """Whether the run's folder was there, not the record alone."""


def read_detail(folder: Path, record: RunRecord) -> Detail:
    """Read what stands beside the record. Raises RecordError for a file that is there and can't be read."""
    marks = _ends_of(record)
    if not (folder / PLAN_FILE).exists():
        return Detail(marks=marks)
    plan = read_model(folder / PLAN_FILE, RunPlan)
    server = read_model(folder / SERVER_FILE, ServerPlan) if (folder / SERVER_FILE).exists() else None
    evidence = read_evidence(folder, plan)
    joined = _matched(evidence)
    grid = WindowGrid(record.windows.window_seconds, max(len(record.windows.offered), 1), record.scale.speed)
    segments = read_segments(folder) if (folder / SEGMENTS_FOLDER).exists() else None
    return Detail(
        spread=_spread(evidence, plan, segments, grid) if segments is not None else {},
        ends=_both_ends(evidence, joined, plan, grid),
        machine=_machine(folder, record),
        traces=traces(evidence, joined, plan),
        marks=(*marks, *_planned_marks(plan, server)),
        segments=segments,
        failed_effect=_failed_effect(evidence, plan, grid),
        arrivals_digest=sha256(plan.scenario.arrivals.model_dump_json().encode()).hexdigest()[:12],
        pictures=_pictures(folder, record),
        whole=True,
    )


def _pictures(folder: Path, record: RunRecord) -> dict[str, bytes]:
    """Those that the record names and that are within their bound."""
    names = [step.picture for step in record.probe.steps] if record.probe is not None else []
    paths = [folder / Path(name).name for name in names if name][:PICTURES_LIMIT]
    return {path.name: path.read_bytes() for path in paths if path.exists() and path.stat().st_size <= PICTURE_BYTES_LIMIT}


def _matched(evidence: Evidence) -> Joined:
    """Each attempt beside the server's row of it. What the pairs mean is in the record already, so nothing is counted again."""
    if not evidence.has_server:
        return Joined(np.full(len(evidence.generator), NOT_JOINED, dtype=np.int64), [], 0)
    return Joined(match(evidence.generator, evidence.server)[0], [], 0)


def _ends_of(record: RunRecord) -> tuple[Mark, ...]:
    found = [Mark("arrivals_end", record.for_seconds)]
    if record.stopped_seconds is not None:
        found.append(Mark("stopped", record.stopped_seconds))
    return tuple(found)


def _planned_marks(plan: RunPlan, server: ServerPlan | None) -> list[Mark]:
    """The phases of the arrivals, the times in which the modelled store is slow (both at full size), and the faults that were set off."""
    found: list[Mark] = []
    at = 0.0
    for phase in plan.scenario.arrivals.phases:
        found.append(Mark("phase", at))
        at += phase.for_seconds
    if server is None:
        return found
    for stall in server.profile.store.stalls if server.profile.store is not None else ():
        found.append(Mark("stall", stall.at_seconds, stall.at_seconds + stall.for_seconds, stall.bandwidth_ratio))
    for fault in server.faults:
        # The server's zero lies before the run's, on the same monotonic clock.
        at_seconds = (fault.at_seconds - (plan.zero_us - server.zero_us) / MICROSECONDS) * plan.scale.speed
        found.append(Mark("fault", at_seconds, setting=f"{fault.setting} = {fault.value:g}"))
    return found


def _spread(evidence: Evidence, plan: RunPlan, segments: Segments, grid: WindowGrid) -> dict[str, StepSpread]:
    rows = evidence.generator[decided(evidence.generator)]
    speed = plan.scale.speed
    found: dict[str, StepSpread] = {}
    for index, step in enumerate(plan.scenario.journey):
        histogram = segments.response.get(step.step)
        if histogram is None or not histogram.samples:
            continue
        own = rows[rows["step"] == index]
        response = own["done"] - own["due"]
        intervals: dict[str, Interval | None] = {}
        effects: dict[str, float] = {}
        for name, probability in PROBABILITIES.items():
            at_us = histogram.quantile_us(probability)
            effects[name] = _effect(response > at_us, own, grid)
            us = quantile_interval_us(histogram, probability, ALPHA, effects[name])
            intervals[name] = None if us is None else Interval(us.low * speed / MICROSECONDS, us.high * speed / MICROSECONDS)
        found[step.step] = StepSpread(intervals, effects)
    return found


def _effect(marked: NDArray[np.bool_], rows: NDArray[np.void], grid: WindowGrid) -> float:
    """The larger of two: tries of one person resemble each other, and so do attempts of one window."""
    return max(design_effect(marked, rows["person"]), design_effect(marked, grid.of(rows["done"])))


def _failed_effect(evidence: Evidence, plan: RunPlan, grid: WindowGrid) -> float:
    rows = evidence.generator
    own = rows[np.isin(rows["step"], upload_steps(plan.scenario.journey)) & decided(rows) & (rows["outcome"] != Outcome.TOO_LARGE)]
    return _effect(own["outcome"] != Outcome.OK, own, grid) if len(own) else 1.0


def _both_ends(evidence: Evidence, joined: Joined, plan: RunPlan, grid: WindowGrid) -> dict[str, BothEndsTimes]:
    """Of attempts that both ends ended; by the moment at which their person was done."""
    if not len(evidence.server):
        return {}
    rows, beside = evidence.generator, joined.server_of
    there = (beside != NOT_JOINED) & decided(rows) & (rows["done"] > 0)
    rows, server = rows[there], evidence.server[beside[there]]
    ended = server["ended"] > 0
    rows, server = rows[ended], server[ended]
    merged = ceil(grid.count / ENDS_COLUMNS_LIMIT)
    columns = ceil(grid.count / merged)
    column = grid.of(rows["done"]) // merged
    found: dict[str, BothEndsTimes] = {}
    for index, step in enumerate(plan.scenario.journey):
        own = rows["step"] == index
        if not own.any():
            continue
        counts = np.bincount(column[own], minlength=columns)
        quantile = "p90" if np.median(counts[counts > 0]) >= SAMPLES_WANTED["p90"] else "p50"
        service, took = rows["done"][own] - rows["sent"][own], server["ended"][own] - server["began"][own]
        ends = [_by_column(us, column[own], columns, quantile, plan.scale.speed) for us in (service, took)]
        found[step.step] = BothEndsTimes(quantile, grid.seconds * merged, *ends)
    return found


def _by_column(us: NDArray[np.int64], column: NDArray[np.int64], columns: int, quantile: str, speed: float) -> tuple[float | None, ...]:
    """The quantile of each column, at nearest rank; None where its samples do not carry it."""
    order = np.lexsort((us, column))
    ranked, edges = us[order], np.searchsorted(column[order], np.arange(columns + 1))
    found: list[float | None] = []
    for first, past in pairwise(edges.tolist()):
        samples = past - first
        rank = max(ceil(PROBABILITIES[quantile] * samples), 1)
        enough = samples >= SAMPLES_WANTED[quantile]
        found.append(float(f"{int(ranked[first + rank - 1]) * speed / MICROSECONDS:.3g}") if enough else None)
    return tuple(found)


def _machine(folder: Path, record: RunRecord) -> tuple[MachineSample, ...]:
    samples = read_samples(folder / HOST_SAMPLES)
    scale, cores = record.scale.scale(), record.host.cores
    drops = [max(s["listen_drops"], s.get("listen_overflows", 0.0)) if "listen_drops" in s else None for s in samples]
    base = next((n for n in drops if n is not None), 0.0)
    return tuple(
        MachineSample(
            at_seconds=scale.people_seconds(sample["t_us"] / MICROSECONDS),
            server_cores=sample.get("server_cpu_cores"),
            generator_cores=sample.get("generator_cpu_cores"),
            machine_cores=sample["machine_cpu_share"] * cores if "machine_cpu_share" in sample else None,
            server_bytes=sample.get("server_rss_bytes"),
            generator_bytes=sample.get("generator_rss_bytes"),
            kernel_drops=None if drop is None else drop - base,
        )
        for sample, drop in zip(samples, drops, strict=True)
    )
