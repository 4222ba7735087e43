"""The summary: everything that a run left in its folder, made into one record.

Promise: people and attempts are conserved (each planned person has one fate, each attempt one outcome), both ends are joined attempt by
attempt, what was acknowledged is looked for in the store, and the run's own doubts and objectives are judged, all from files. Nothing here
asks a server, a clock or the machine. Loops run over steps, windows and combinations, never over attempts.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.arrivals import make_plan
from gelombang.attempt import Fate, Outcome
from gelombang.audit import AUDIT_FILE, HERE, Audit, Elsewhere, audit, can_audit
from gelombang.audit_trail import TRAIL_FILE
from gelombang.clock import MICROSECONDS
from gelombang.evidence import SERVICE_FILE, Evidence, read_evidence
from gelombang.host_cuts import HOST_CUTS_FILE
from gelombang.host_samples import dropped_by_kernel, read_host
from gelombang.join import join
from gelombang.journey_waits import journey_totals
from gelombang.objective import judge
from gelombang.profile import Profile
from gelombang.record import GeneratorDeath, RunRecord, Validity, Windows
from gelombang.record_complaints import public_complaints
from gelombang.record_pages import page_ends
from gelombang.record_probe import PROBE_FILE, read_probe
from gelombang.record_programme import ProgrammeBooks
from gelombang.room_totals import room_totals
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, write_model
from gelombang.segments import SEGMENTS_FOLDER, Segments, write_segments
from gelombang.server_deaths import SERVER_DEATHS_FILE
from gelombang.step_totals import decided, hook_quantiles, measure_steps, quantiles, server_median_seconds, step_totals
from gelombang.steps import Step
from gelombang.striping import DEATHS_FILE, owners
from gelombang.upload_totals import UploadRows, ended_us, upload_rows, upload_steps, upload_totals, windows_where
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
_GONE = (Fate.FINISHED, Fate.GAVE_UP, Fate.REJECTED, Fate.UNREACHABLE)


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
) -> RunRecord:
    """The record of the run in `folder`, whose processes have ended; writes `segments/` and `audit.json`, not `record.json`.

    `profile` is at full size, None against a foreign target; `earlier` holds the records of the other profiles of the same command, by
    profile, for objectives that compare; `due_us` is when each planned person was due, by default what the plan says; `elsewhere` as
    `audit` takes it. Raises RecordError.
    """
    scale, steps = plan.scale.scale(), plan.scenario.journey
    if due_us is None:
        due_us = make_plan(plan.scenario, scale, plan.seed, plan.for_seconds).due_us
    evidence = read_evidence(folder, plan)
    listen = (facts.listen_before, facts.listen_after)
    host = read_host(folder, facts.machine, listen, (plan.generator_processes, facts.server_processes))
    joined = join(evidence, steps, dropped_by_kernel(host))
    audited = _audit(folder, evidence, elsewhere)
    ended_seconds = _ended_seconds(evidence, plan)
    grid = WindowGrid.over(plan.for_seconds, ended_seconds, scale.speed)
    segments = measure_steps(evidence, steps, grid)
    write_segments(folder, segments)
    uploads = upload_rows(evidence, joined, steps)
    photos = upload_steps(steps)
    past = int((evidence.people["passed"][:, photos[-1]] > 0).sum()) if photos else 0
    totals = upload_totals(uploads, profile, scale, plan.for_seconds, past, audited) if photos else None
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
        coverage="both ends" if evidence.has_server else "client only",
        people_planned=len(due_us),
        people_stand_for=round(scale.stands_for(len(due_us))),
        fates=fates(evidence.people, len(due_us)),
        steps=step_totals(evidence, steps, segments, scale.speed),
        journey=journey_totals(evidence, steps, scale.speed),
        uploads=totals,
        join=joined.cells,
        unexplained=joined.unexplained,
        windows=_windows(evidence, due_us, steps, grid, segments, uploads),
        objectives=[],
        host=host.model_copy(
            update={
                "lateness": quantiles(segments.lateness, 1.0),
                "hook": hook_quantiles(evidence, steps),
                "generators_died": evidence.generators_died,
                "servers_died": evidence.servers_died,
                "clock_error_seconds": max((worker.clock_error_seconds for worker in read_workers(folder)), default=None),
                "deaths": _deaths(evidence, due_us, plan),
            }
        ),
        programme=facts.programme,
        pages=page_ends(folder),
        probe=read_probe(folder, plan.scenario),
        complaints=public_complaints(plan.scenario, scale, plan.seed, evidence.generator, grid),
        files=digests(folder),
    )
    doubts = find_doubts(draft, plan.scenario, profile, server_median_seconds(evidence, steps, scale.speed), due_us)
    judged = judge(plan.scenario.objective, draft, segments, dict(earlier or {}))
    return draft.model_copy(update={"doubts": doubts, "validity": validity_of(doubts), "objectives": judged})


def fates(people: NDArray[np.void], planned: int) -> dict[str, int]:
    """People by fate, lower case, all fates named; they sum to `planned` when each row is of another person.

    Somebody without a row never left the generator. A row without a fate is one of a killed process: cut, or unsent when they had not
    started.
    """
    fate = people["fate"].copy()
    fate[(fate == Fate.OPEN) & (people["started"] != 0)] = Fate.CUT
    fate[fate == Fate.OPEN] = Fate.UNSENT
    counts = np.bincount(fate, minlength=len(Fate))
    found = {each.name.lower(): int(counts[each]) for each in Fate if each is not Fate.OPEN}
    found[Fate.UNSENT.name.lower()] += planned - len(people)
    return found


def _deaths(evidence: Evidence, due_us: NDArray[np.int64], plan: RunPlan) -> list[GeneratorDeath]:
    """Each death and what became of the dead process's people."""
    if not evidence.deaths:
        return []
    owner, epoch = owners(due_us, plan.generator_processes, evidence.deaths)
    people, scale = evidence.people, plan.scale.scale()
    started = np.zeros(len(due_us), dtype=np.bool_)
    started[people["person"][people["started"] > 0].astype(np.int64)] = True
    was_cut = (people["fate"] == Fate.OPEN) & (people["started"] > 0)
    return [
        GeneratorDeath(
            process=death.process,
            how=death.how,
            at_seconds=scale.people_seconds(death.at_us / MICROSECONDS),
            cut=int((was_cut & (evidence.people_process == death.process)).sum()),
            unsent=int((~started & (owner == death.process)).sum()),
            taken_over=int((epoch == death.epoch).sum()),
            living=len(death.living),
        )
        for death in evidence.deaths
    ]


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the run's files, by name relative to the folder."""
    found = {}
    for path in sorted(path for pattern in DIGESTED for path in folder.glob(pattern)):
        with path.open("rb") as file:
            found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _audit(folder: Path, evidence: Evidence, elsewhere: Elsewhere) -> Audit | None:
    if elsewhere.rows is None and not can_audit(folder):
        return None
    audited = audit(folder, evidence.acknowledged, elsewhere)
    write_model(folder / AUDIT_FILE, audited)
    return audited


def _ended_seconds(evidence: Evidence, plan: RunPlan) -> float:
    latest = max((int(times.max()) for times in (evidence.people["done"], evidence.generator["done"]) if len(times)), default=0)
    return plan.scale.scale().people_seconds(latest / MICROSECONDS)


def _windows(
    evidence: Evidence,
    due_us: NDArray[np.int64],
    steps: Sequence[Step],
    grid: WindowGrid,
    segments: Segments,
    uploads: UploadRows,
) -> Windows:
    rows, people = evidence.generator, evidence.people
    names = [step.step for step in steps]
    settled = decided(rows)
    well = np.isin(rows["outcome"], (Outcome.OK, Outcome.CONFLICT))
    too_large = rows["outcome"] == Outcome.TOO_LARGE
    ended = ended_us(uploads.rows)
    failed = decided(uploads.rows) & ~uploads.told & (uploads.rows["outcome"] != Outcome.TOO_LARGE)

    def by_step(chosen: NDArray[np.bool_]) -> dict[str, list[int]]:
        own = rows[chosen & (rows["step"] < len(steps))]
        places = own["step"].astype(np.int64) * grid.count + grid.of(own["done"])
        counts = np.bincount(places, minlength=len(steps) * grid.count).reshape(len(steps), grid.count)
        return {name: counts[i].tolist() for i, name in enumerate(names)}

    def passed(step: int) -> list[int]:
        times = people["passed"][:, step]
        return _listed(grid.counts(times[times > 0]))

    return Windows(
        window_seconds=grid.seconds,
        offered=_listed(grid.counts(due_us)),
        started=_listed(grid.counts(people["started"][people["started"] > 0])),
        passed={name: passed(i) for i, name in enumerate(names)},
        upload_where=windows_where(uploads, grid),
        upload_attempts=_listed(grid.counts(ended)),
        upload_failed=_listed(grid.counts(ended[failed])),
        ok=by_step(settled & well),
        ended=by_step(settled),
        too_large=by_step(settled & too_large),
        response_p99_seconds={name: _seconds(segments.p99_by_window_us(i, grid.count), grid.speed) for i, name in enumerate(names)},
        people_waiting=_waiting(evidence, steps, grid),
        received_bytes=_listed(grid.counts(ended, uploads.received_bytes)),
        kept_bytes=_listed(grid.counts(ended, uploads.kept_bytes)),
    )


def _waiting(evidence: Evidence, steps: Sequence[Step], grid: WindowGrid) -> list[int]:
    """Started, not gone, and in no exchange, at the end of each window. Waiting for a mail is no exchange."""
    people, rows = evidence.people, evidence.generator
    gone = people["done"][np.isin(people["fate"], _GONE)]
    messages = [i for i, step in enumerate(steps) if step.form == "message"]
    exchanges = rows[~np.isin(rows["step"], messages) & (rows["done"] > 0)]
    change = grid.counts(people["started"][people["started"] > 0]) - grid.counts(gone)
    change += grid.counts(exchanges["done"]) - grid.counts(exchanges["sent"])
    return _listed(np.cumsum(change))


def _listed(counts: NDArray[np.int64]) -> list[int]:
    return [int(count) for count in counts]


def _seconds(found: list[float | None], speed: float) -> list[float | None]:
    return [None if value is None else value * speed / MICROSECONDS for value in found]
