"""The summary: everything that a run left in its folder, made into one record.

Promise: people and attempts are conserved (each planned person has one fate, each attempt one outcome), both ends are joined attempt by
attempt, what was acknowledged is looked for in the store, and the run's own doubts and objectives are judged, all from files. Nothing here
asks a server, a clock or the machine. What people's rows say is added up part by part (`gelombang.run_tally`), so that the memory that it
takes does not grow with the run.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.arrivals import make_plan
from gelombang.audit import AUDIT_FILE, HERE, Audit, Elsewhere, audit, can_audit
from gelombang.audit_trail import TRAIL_FILE
from gelombang.clock import MICROSECONDS
from gelombang.evidence import ACKNOWLEDGED_LEDGERS, PART_BYTES, SERVICE_FILE, latest_us, read_evidence, shares
from gelombang.host_cuts import HOST_CUTS_FILE
from gelombang.host_samples import dropped_by_kernel, read_host
from gelombang.join import explained, unexplained
from gelombang.ledger import ACKNOWLEDGED_ROW, read_all
from gelombang.objective import judge
from gelombang.profile import Profile
from gelombang.record import RunRecord, Validity
from gelombang.record_pages import page_ends
from gelombang.record_probe import PROBE_FILE, read_probe
from gelombang.record_programme import ProgrammeBooks
from gelombang.room_totals import room_totals
from gelombang.run_tally import RunTally
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, write_model
from gelombang.segments import SEGMENTS_FOLDER, write_segments
from gelombang.server_deaths import SERVER_DEATHS_FILE
from gelombang.step_totals import quantiles, server_median_seconds, step_totals
from gelombang.striping import DEATHS_FILE
from gelombang.upload_totals import upload_steps, upload_totals
from gelombang.validity import find_doubts, validity_of
from gelombang.windows import WindowGrid
from gelombang.workers import WORKERS_FILE, read_workers

DIGESTED = (
    PLAN_FILE,
    SERVER_FILE,
    SERVICE_FILE,
    AUDIT_FILE,
    TRAIL_FILE,
    "ledger-*.bin",
    "people-*.bin",
    "acknowledged-*.bin",
    DEATHS_FILE,
    SERVER_DEATHS_FILE,
    HOST_CUTS_FILE,
    WORKERS_FILE,
    PROBE_FILE,
    "probe-?.jpg",
    f"{SEGMENTS_FOLDER}/*.npz",
)
"""Files whose SHA-256 stands in the record."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known about a run beside its files."""

    started_at: str
    """UTC, ISO 8601."""
    commit: str | None = None
    cut_short: bool = False
    stopped_by: str | None = None
    stop_reason: str = ""
    stopped_us: int | None = None
    """When it was decided, on the monotonic clock."""
    listen_before: Mapping[str, int] = field(default_factory=dict)
    """The kernel's `listen_overflows` and `listen_drops` before the run; empty where they can't be read."""
    listen_after: Mapping[str, int] = field(default_factory=dict)
    machine: Mapping[str, str | int] = field(default_factory=dict)
    """`cores`, `memory_bytes`, `kernel`, `python`."""
    server_processes: int = 0
    programme: ProgrammeBooks | None = None
    """What the reference server said of its programme's books when everybody had gone."""


def summarise(
    folder: Path,
    plan: RunPlan,
    profile: Profile | None,
    facts: RunFacts,
    earlier: Mapping[str, RunRecord] | None = None,
    due_us: NDArray[np.int64] | None = None,
    elsewhere: Elsewhere = HERE,
    part_bytes: int = PART_BYTES,
) -> RunRecord:
    """The record of the run in `folder`, whose processes have ended; writes `segments/` and `audit.json`, not `record.json`.

    `profile` is at full size, None against a foreign target; `earlier` holds the records of the other profiles of the same command, by
    profile, for objectives that compare; `due_us` is when each planned person was due, by default what the plan says; `elsewhere` as
    `audit` takes it; `part_bytes` of ledgers are looked at at a time. Raises RecordError.
    """
    scale, steps = plan.scale.scale(), plan.scenario.journey
    if due_us is None:
        due_us = make_plan(plan.scenario, scale, plan.seed, plan.for_seconds).due_us
    listen = (facts.listen_before, facts.listen_after)
    host = read_host(folder, facts.machine, listen, (plan.generator_processes, facts.server_processes))
    audited = _audit(folder, elsewhere)
    ended_seconds = scale.people_seconds(latest_us(folder) / MICROSECONDS)
    tally = RunTally(plan, due_us, WindowGrid.over(plan.for_seconds, ended_seconds, scale.speed))
    for share in shares(folder, part_bytes):
        tally.add(read_evidence(folder, plan, share))
    segments, cells = tally.segments, explained(tally.combinations, steps, dropped_by_kernel(host))
    write_segments(folder, segments)
    photos = upload_steps(steps)
    assert tally.uploads is not None
    assert tally.journey is not None
    past = int(tally.steps.passed[photos[-1]]) if photos else 0
    totals = upload_totals(tally.uploads, profile, scale, plan.for_seconds, past, audited) if photos else None
    if totals is not None:
        totals = totals.model_copy(update={"room": room_totals(folder, profile)})
    expectation = plan.scenario.expect.get(plan.profile)
    draft = RunRecord(
        run_id=plan.run_id,
        scenario=plan.scenario.name,
        title=plan.scenario.title,
        profile=plan.profile,
        profile_title=profile.title if profile is not None else plan.target_url,
        story=expectation.story if expectation is not None else "",
        started_at=facts.started_at,
        opens_at=plan.scenario.opens_at,
        for_seconds=plan.for_seconds,
        ended_seconds=ended_seconds,
        cut_short=facts.cut_short,
        stopped_by=facts.stopped_by,
        stop_reason=facts.stop_reason,
        stopped_seconds=None if facts.stopped_us is None else scale.people_seconds((facts.stopped_us - plan.zero_us) / MICROSECONDS),
        commit=facts.commit,
        seed=plan.seed,
        scale=plan.scale,
        plan_digest=plan.plan_digest,
        validity=Validity.VALID,
        doubts=[],
        coverage="both ends" if tally.has_server else "client only",
        people_planned=len(due_us),
        people_stand_for=round(scale.stands_for(len(due_us))),
        fates=tally.fates(),
        steps=step_totals(tally.steps, steps, segments, scale.speed),
        journey=tally.journey.totals(scale.speed),
        uploads=totals,
        join=cells,
        unexplained=unexplained(cells),
        windows=tally.windows(),
        objectives=[],
        host=host.model_copy(
            update={
                "lateness": quantiles(segments.lateness, 1.0),
                "hook": None if tally.hooks is None else quantiles(tally.hooks, 1.0),
                "generators_died": tally.generators_died,
                "servers_died": tally.servers_died,
                "clock_error_seconds": max((worker.clock_error_seconds for worker in read_workers(folder)), default=None),
                "deaths": tally.deaths(),
            }
        ),
        programme=facts.programme,
        pages=page_ends(folder),
        probe=read_probe(folder, plan.scenario),
        complaints=tally.complaints,
        files=digests(folder),
    )
    doubts = find_doubts(draft, plan.scenario, profile, server_median_seconds(tally.server_times_us, scale.speed), due_us)
    judged = judge(plan.scenario.objective, draft, segments, dict(earlier or {}))
    return draft.model_copy(update={"doubts": doubts, "validity": validity_of(doubts), "objectives": judged})


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the run's files, by name relative to the folder."""
    found = {}
    for path in sorted(path for pattern in DIGESTED for path in folder.glob(pattern)):
        with path.open("rb") as file:
            found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _audit(folder: Path, elsewhere: Elsewhere) -> Audit | None:
    if elsewhere.rows is None and not can_audit(folder):
        return None
    audited = audit(folder, read_all(folder, ACKNOWLEDGED_LEDGERS, ACKNOWLEDGED_ROW), elsewhere)
    write_model(folder / AUDIT_FILE, audited)
    return audited
