"""What the page shows beyond the record, from the other files of the run's folder.

The record is enough for a page; with the ledgers, segments and samples beside it the page also says how sure its quantiles are, lays both
ends' times over each other, shows what the machine did, and follows single attempts. Everything here is in seconds of the people's time,
and everything may be missing: a record that was sent alone has an empty detail, and its page says so.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS
from gelombang.evidence import PART_BYTES, Evidence, read_evidence, shares
from gelombang.host_samples import HOST_SAMPLES, read_samples
from gelombang.record import RunRecord
from gelombang.record_probe import PICTURE_BYTES_LIMIT, PICTURES_LIMIT
from gelombang.row_match import NOT_JOINED, match
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, ServerPlan, read_model
from gelombang.segments import SEGMENTS_FOLDER, Segments, read_segments
from gelombang.windows import WindowGrid
from gelombang_reports.both_ends import BothEnds, BothEndsTimes
from gelombang_reports.marks import Mark
from gelombang_reports.response import StepSpread
from gelombang_reports.spread import Spreads
from gelombang_reports.traces import Trace, Traces


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


def read_detail(folder: Path, record: RunRecord, part_bytes: int = PART_BYTES) -> Detail:
    """Read what stands beside the record, `part_bytes` of ledgers at a time. Raises RecordError for a file that can't be read."""
    marks = _ends_of(record)
    if not (folder / PLAN_FILE).exists():
        return Detail(marks=marks)
    plan = read_model(folder / PLAN_FILE, RunPlan)
    server = read_model(folder / SERVER_FILE, ServerPlan) if (folder / SERVER_FILE).exists() else None
    grid = WindowGrid(record.windows.window_seconds, max(len(record.windows.offered), 1), record.scale.speed)
    segments = read_segments(folder) if (folder / SEGMENTS_FOLDER).exists() else None
    spreads, ends, chosen = Spreads(plan, segments, grid), BothEnds(plan.scenario.journey, grid), Traces(plan)
    for share in shares(folder, part_bytes):
        evidence = read_evidence(folder, plan, share)
        server_of = _matched(evidence)
        spreads.add(evidence.generator)
        ends.add(evidence, server_of)
        chosen.add(evidence, server_of)
        del evidence, server_of  # the next part takes their place
    return Detail(
        spread=spreads.steps(),
        ends=ends.times(),
        machine=_machine(folder, record),
        traces=chosen.chosen(),
        marks=(*marks, *_planned_marks(plan, server)),
        segments=segments,
        failed_effect=spreads.failed_effect(),
        arrivals_digest=sha256(plan.scenario.arrivals.model_dump_json().encode()).hexdigest()[:12],
        pictures=_pictures(folder, record),
        whole=True,
    )


def _pictures(folder: Path, record: RunRecord) -> dict[str, bytes]:
    """Those that the record names and that are within their bound."""
    names = [step.picture for step in record.probe.steps] if record.probe is not None else []
    paths = [folder / Path(name).name for name in names if name][:PICTURES_LIMIT]
    return {path.name: path.read_bytes() for path in paths if path.exists() and path.stat().st_size <= PICTURE_BYTES_LIMIT}


def _matched(evidence: Evidence) -> NDArray[np.int64]:
    """The server's row of each attempt. What the pairs mean is in the record already, so nothing is counted again."""
    if not evidence.has_server:
        return np.full(len(evidence.generator), NOT_JOINED, dtype=np.int64)
    return match(evidence.generator, evidence.server)[0]


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
