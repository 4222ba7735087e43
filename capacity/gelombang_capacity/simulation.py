"""A simulated run: scenario, site, scale and seed in, a run's record out, of the same type as that of a live run.

The record's kind is `simulated`. It keeps the laws of every record (each planned person has one fate, each attempt one outcome, each upload
one place), so pages, objectives and comparisons read it as they read any other. It has no ledgers and no store to look into: what a live
run proves with them is not claimed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.arrivals import make_plan
from gelombang.attempt import Fate, Outcome
from gelombang.errors import InputError
from gelombang.histogram import Histogram
from gelombang.objective import judge
from gelombang.profile import Profile
from gelombang.record import Host, Quantiles, RunRecord, StepTotals, Validity, Windows
from gelombang.record_uploads import UploadFailure, Uploads
from gelombang.runplan import ScaleNumbers
from gelombang.scale import Scale
from gelombang.scenario import Scenario
from gelombang.segments import WINDOW_COUNT, Segments, write_segments
from gelombang.step_totals import quantiles
from gelombang.summary import digests
from gelombang.validity import find_doubts, validity_of
from gelombang.windows import WindowGrid
from gelombang_capacity.costs import Costs
from gelombang_capacity.endings import ENDS, Ending, place
from gelombang_capacity.loop import run
from gelombang_capacity.site import Kind, SitePlan, compile_site
from gelombang_capacity.world import CHANGE, ENDED, KEPT, OK, PASSED, RECEIVED, STARTED, TOO_LARGE, World, make_world

COVERAGE = "simulated"


@dataclass(frozen=True, slots=True)
class Simulation:
    """The order for one simulated run; scenario and profile at full size."""

    scenario: Scenario
    profile: Profile
    scale: Scale
    seed: int
    for_seconds: float
    run_id: str
    started_at: str
    commit: str | None = None
    costs: Costs = field(default_factory=Costs)


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """What came of it: the counts, and the grid they are counted on."""

    order: Simulation
    plan: SitePlan
    digest: str
    grid: WindowGrid
    world: World

    def passed(self, step: str) -> NDArray[np.int64]:
        """People past a step, window by window."""
        found: NDArray[np.int64] = self.world.by_step[PASSED, self.names.index(step)]
        return found

    @property
    def names(self) -> list[str]:
        return [step.step for step in self.order.scenario.journey]


def simulate(order: Simulation, trace_rows: int = 0) -> Simulated:
    """Walk everybody through. Raises InputError for a scenario that the model can't stand for, or that does not fit."""
    scale = order.scale
    arrivals = make_plan(order.scenario, scale, order.seed, order.for_seconds)
    plan = compile_site(order.scenario, order.profile, scale, order.seed, arrivals.due_us, order.for_seconds, order.costs)
    grid = WindowGrid.over(order.for_seconds, scale.people_seconds(plan.end_us / 1e6), scale.speed)
    world = make_world(plan, grid, trace_rows)
    run(world)
    if world.queue[0]["full"]:
        raise InputError(f"{order.scenario.name}: more events are due than {len(world.nodes):,} rows hold; want a smaller --sample")
    return Simulated(order, plan, arrivals.digest, grid, world)


def record_of(simulated: Simulated, folder: Path, earlier: Mapping[str, RunRecord]) -> RunRecord:
    """The record of a simulated run; writes `segments/` into the folder, not `record.json`."""
    order, world, plan = simulated.order, simulated.world, simulated.plan
    scenario, scale = order.scenario, order.scale
    segments = segments_of(simulated)
    write_segments(folder, segments)
    expectation = scenario.expect.get(order.profile.name)
    draft = RunRecord(
        run_id=order.run_id,
        kind="simulated",
        scenario=scenario.name,
        title=scenario.title,
        profile=order.profile.name,
        profile_title=order.profile.title,
        story=expectation.story if expectation is not None else "",
        started_at=order.started_at,
        opens_at=scenario.opens_at,
        for_seconds=order.for_seconds,
        ended_seconds=scale.people_seconds(int(world.site[0]["latest"]) / 1e6),
        cut_short=False,
        commit=order.commit,
        seed=order.seed,
        scale=ScaleNumbers.of(scale),
        plan_digest=simulated.digest,
        validity=Validity.VALID,
        doubts=[],
        coverage=COVERAGE,
        people_planned=len(plan.due_us),
        people_stand_for=round(scale.stands_for(len(plan.due_us))),
        fates={fate.name.lower(): int(world.fates[fate]) for fate in Fate if fate is not Fate.OPEN},
        steps=_step_totals(simulated, segments),
        uploads=_uploads(simulated),
        join=[],
        unexplained=0,
        windows=_windows(simulated, segments),
        objectives=[],
        host=_NO_HOST,
        files=digests(folder),
    )
    doubts = find_doubts(draft, scenario, order.profile, {}, plan.due_us)
    judged = judge(scenario.objective, draft, segments, dict(earlier))
    return draft.model_copy(update={"doubts": doubts, "validity": validity_of(doubts), "objectives": judged})


_NO_HOST = Host(
    cores=0,
    memory_bytes=0,
    kernel="none: simulated",
    python="",
    generator_processes=0,
    server_processes=0,
    generator_cpu_ratio=None,
    generator_cpu_max_ratio=None,
    server_cpu_ratio=None,
    machine_cpu_ratio=None,
    machine_cpu_max_ratio=None,
    lateness=Quantiles(samples=0),
    loop_late_max_seconds=None,
    listen_overflows=None,
    listen_drops=None,
)


def segments_of(simulated: Simulated) -> Segments:
    """The histograms of a simulated run."""
    world, names = simulated.world, simulated.names
    segments = Segments(steps=names)
    for i, name in enumerate(names):
        histogram = Histogram()
        histogram.counts += world.response[i].sum(axis=0, dtype=np.int64)
        histogram.samples = int(histogram.counts.sum())
        if histogram.samples:
            histogram.min_us, histogram.max_us = int(world.shortest[i]), int(world.longest[i])
        segments.response[name] = segments.service[name] = histogram
    step, window, bucket = np.nonzero(world.response)
    segments.windows = np.empty(len(step), dtype=WINDOW_COUNT)
    segments.windows["step"], segments.windows["window"], segments.windows["bucket"] = step, window, bucket
    segments.windows["count"] = world.response[step, window, bucket]
    return segments


def _step_totals(simulated: Simulated, segments: Segments) -> list[StepTotals]:
    world, speed = simulated.world, simulated.order.scale.speed
    totals = []
    for i, step in enumerate(simulated.order.scenario.journey):
        counts = world.outcomes[i]
        taken = quantiles(segments.response[step.step], speed)
        totals.append(
            StepTotals(
                step=step.step,
                title=step.title or step.step,
                form=step.form,
                milestone=step.milestone,
                people_reached=int(world.reached[i]),
                people_passed=int(world.by_step[PASSED, i].sum()),
                attempts=int(counts.sum()),
                outcomes={outcome.name.lower(): int(counts[outcome]) for outcome in Outcome if counts[outcome]},
                response=taken,
                service=taken,
            )
        )
    return totals


def _photo_steps(simulated: Simulated) -> list[int]:
    return [i for i, row in enumerate(simulated.plan.steps) if row["kind"] == Kind.PHOTO]


def _uploads(simulated: Simulated) -> Uploads | None:
    world, plan, order = simulated.world, simulated.plan, simulated.order
    photos = _photo_steps(simulated)
    if not photos:
        return None
    counts = world.endings.sum(axis=1)
    places = [UploadFailure(**place(ending)._asdict(), attempts=int(counts[ending])) for ending in Ending if counts[ending]]
    by_outcome = {outcome: int(sum(counts[ending] for ending in Ending if ENDS[ending].outcome is outcome)) for outcome in Outcome}
    attempts, acknowledged = int(counts.sum()), by_outcome[Outcome.OK]
    received, kept = int(world.by_window[RECEIVED].sum()), int(world.by_window[KEPT].sum())
    store = plan.profile.modelled_store
    within = simulated.grid.of(np.array([order.scale.wall_seconds(order.for_seconds) * 1e6 - 1], dtype=np.int64))[0] + 1
    kept_within = int(world.by_window[KEPT, :within].sum()) + int(world.endings[Ending.OK, :within].sum()) * store.commit_bytes
    return Uploads(
        attempts=attempts,
        acknowledged=acknowledged,
        failed=attempts - acknowledged - by_outcome[Outcome.TOO_LARGE] - by_outcome[Outcome.CUT],
        too_large=by_outcome[Outcome.TOO_LARGE],
        cut=by_outcome[Outcome.CUT],
        refused=by_outcome[Outcome.REFUSED],
        where=sorted(places, key=lambda found: -found.attempts),
        received_bytes=received,
        kept_bytes=kept,
        stored_unheard_bytes=int(world.site[0]["stored_unheard_bytes"]),
        people_past_both_photos=int(world.by_step[PASSED, photos[-1]].sum()),
        photos_acknowledged_lost=0,
        audited=False,
        attempts_per_acknowledged_photo=attempts / acknowledged if acknowledged else None,
        received_per_kept_byte=received / kept if kept else None,
        store_used_ratio=kept_within / (store.bandwidth_bytes_per_second * order.scale.wall_seconds(order.for_seconds)),
        store_bytes_per_second=store.bandwidth_bytes_per_second,
        commit_bytes=store.commit_bytes,
    )


def _windows(simulated: Simulated, segments: Segments) -> Windows:
    world, names, grid = simulated.world, simulated.names, simulated.grid
    photos, speed = _photo_steps(simulated), simulated.order.scale.speed
    failed = [ending for ending in Ending if ENDS[ending].outcome not in (Outcome.OK, Outcome.TOO_LARGE, Outcome.CUT)]

    def by_step(row: int) -> dict[str, list[int]]:
        return {name: world.by_step[row, i].tolist() for i, name in enumerate(names)}

    def p99(step: int) -> list[float | None]:
        return [None if found is None else found * speed / 1e6 for found in segments.p99_by_window_us(step, grid.count)]

    where: dict[str, NDArray[np.int64]] = {}
    for ending in Ending:
        if world.endings[ending].any():
            key = place(ending).key
            where[key] = where.get(key, np.zeros(grid.count, dtype=np.int64)) + world.endings[ending]
    return Windows(
        window_seconds=grid.seconds,
        offered=grid.counts(simulated.plan.due_us).tolist(),
        started=world.by_window[STARTED].tolist(),
        passed=by_step(PASSED),
        upload_where={key: counts.tolist() for key, counts in sorted(where.items())} if photos else {},
        upload_attempts=world.endings.sum(axis=0).tolist(),
        upload_failed=world.endings[failed].sum(axis=0).tolist(),
        ok=by_step(OK),
        ended=by_step(ENDED),
        too_large=by_step(TOO_LARGE),
        response_p99_seconds={name: p99(i) for i, name in enumerate(names)},
        people_waiting=np.cumsum(world.by_window[CHANGE]).tolist(),
        received_bytes=world.by_window[RECEIVED].tolist(),
        kept_bytes=world.by_window[KEPT].tolist(),
    )
