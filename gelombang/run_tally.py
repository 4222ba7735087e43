"""A run added up part by part: everything of its record that people's rows say, from as many of them at a time as fit into memory.

A part holds all rows of its people, on both ends, so what is matched or ordered within a person is whole in it, and the rest are counts and
histograms, which add up. A run of 25 million attempts has 4 GB of ledgers; the record of the parts is that of the whole, to the last digit
(`tests/laws/test_summary_laws.py`). Loops run over parts, steps, windows and combinations, never over attempts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Fate, Outcome
from gelombang.clock import MICROSECONDS
from gelombang.evidence import Evidence
from gelombang.histogram import Histogram
from gelombang.in_exchange import WELL, went_on_us
from gelombang.join import Combinations, combine
from gelombang.journey_waits import JourneyWaits
from gelombang.record import GeneratorDeath, Windows
from gelombang.record_complaints import PublicComplaints, public_complaints
from gelombang.runplan import RunPlan
from gelombang.segments import Segments
from gelombang.step_totals import StepCounts, decided, hook_times, measure_steps, server_times_us
from gelombang.steps import Step
from gelombang.striping import Death, owners
from gelombang.upload_totals import UploadCounts, upload_rows
from gelombang.windows import WindowGrid

_GONE = (Fate.FINISHED, Fate.GAVE_UP, Fate.REJECTED, Fate.UNREACHABLE)


class RunTally:
    """All parts so far. `add` takes each once."""

    def __init__(self, plan: RunPlan, due_us: NDArray[np.int64], grid: WindowGrid) -> None:
        self._plan = plan
        self._steps = plan.scenario.journey
        self._grid = grid
        self._due_us = due_us
        steps = len(self._steps)
        self.people = 0
        """Rows of people."""
        self._fates = np.zeros(len(Fate), dtype=np.int64)
        self.combinations = Combinations()
        self.segments = Segments(steps=[step.step for step in self._steps])
        self.steps = StepCounts(np.zeros((steps, len(Outcome)), np.int64), np.zeros(steps, np.int64), np.zeros(steps, np.int64))
        self.journey: JourneyWaits | None = None
        self.uploads: UploadCounts | None = None
        self.hooks: Histogram | None = None
        self.server_times_us: dict[str, list[NDArray[np.uint32]]] = {}
        self.complaints: PublicComplaints | None = None
        self._started = np.zeros(len(due_us), dtype=np.bool_)
        self._cut_of: dict[int, int] = {}
        """People whom the death of a process cut, by process."""
        self.has_server = False
        self.generators_died = 0
        self.servers_died = 0
        self._deaths: Sequence[Death] = ()
        self._windows = _WindowCounts.empty(steps, grid)

    def add(self, part: Evidence) -> None:
        """Count everything of these people."""
        plan, grid, steps = self._plan, self._grid, self._steps
        self.has_server, self.generators_died, self.servers_died = part.has_server, part.generators_died, part.servers_died
        self._deaths = part.deaths
        server_of, combinations = combine(part, steps)
        self.combinations.add(combinations)
        self.segments.merge(measure_steps(part, steps, grid))
        self.steps.add(StepCounts.of(part, steps))
        journey = JourneyWaits.of(part, steps)
        if self.journey is None:
            self.journey = journey
        else:
            self.journey.merge(journey)
        arrivals_us = plan.scale.scale().wall_seconds(plan.for_seconds) * MICROSECONDS
        uploads = UploadCounts.of(upload_rows(part, server_of, steps), grid, arrivals_us)
        if self.uploads is None:
            self.uploads = uploads
        else:
            self.uploads.add(uploads)
        self._add_rest(part)
        self._windows.add(part, steps, grid)
        self._add_people(part)

    def _add_rest(self, part: Evidence) -> None:
        plan, steps = self._plan, self._steps
        hooks = hook_times(part, steps)
        if hooks is not None:
            self.hooks = self.hooks or Histogram()
            self.hooks.merge(hooks)
        for step, times_us in server_times_us(part, steps).items():
            self.server_times_us.setdefault(step, []).append(times_us)
        complaints = public_complaints(plan.scenario, plan.scale.scale(), plan.seed, part.generator, self._grid)
        if complaints is not None:
            self.complaints = complaints if self.complaints is None else self.complaints.plus(complaints)

    def _add_people(self, part: Evidence) -> None:
        people = part.people
        self.people += len(people)
        self._fates += fate_counts(people)
        started = people["started"] > 0
        planned = people["person"][started & (people["person"] < len(self._due_us))]
        self._started[planned.astype(np.int64)] = True
        processes, cut = np.unique(part.people_process[started & (people["fate"] == Fate.OPEN)], return_counts=True)
        for process, count in zip(processes.tolist(), cut.tolist(), strict=True):
            self._cut_of[process] = self._cut_of.get(process, 0) + count

    def fates(self) -> dict[str, int]:
        """People by fate, as `fates` says it."""
        return _named(self._fates, self.people, len(self._due_us))

    def deaths(self) -> list[GeneratorDeath]:
        """Each death and what became of the dead process's people."""
        if not self._deaths:
            return []
        owner, epoch = owners(self._due_us, self._plan.generator_processes, self._deaths)
        scale = self._plan.scale.scale()
        return [
            GeneratorDeath(
                process=death.process,
                how=death.how,
                at_seconds=scale.people_seconds(death.at_us / MICROSECONDS),
                cut=self._cut_of.get(death.process, 0),
                unsent=int((~self._started & (owner == death.process)).sum()),
                taken_over=int((epoch == death.epoch).sum()),
                living=len(death.living),
            )
            for death in self._deaths
        ]

    def windows(self) -> Windows:
        """The run over time."""
        assert self.uploads is not None
        return self._windows.made(self._steps, self._grid, self._due_us, self.segments, self.uploads)


@dataclass(slots=True, eq=False)
class _WindowCounts:
    """Counts per window; those by step have a row for each."""

    started: NDArray[np.int64]
    waiting: NDArray[np.int64]
    """By how much those who wait became more."""
    passed: NDArray[np.int64]
    ok: NDArray[np.int64]
    ended: NDArray[np.int64]
    too_large: NDArray[np.int64]

    @classmethod
    def empty(cls, steps: int, grid: WindowGrid) -> "_WindowCounts":
        flat, by_step = (grid.count,), (steps, grid.count)
        return cls(*(np.zeros(shape, dtype=np.int64) for shape in (flat, flat, by_step, by_step, by_step, by_step)))

    def add(self, part: Evidence, steps: Sequence[Step], grid: WindowGrid) -> None:
        rows, people = part.generator, part.people
        settled = decided(rows)
        well = np.isin(rows["outcome"], WELL)

        def by_step(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
            own = rows[chosen & (rows["step"] < len(steps))]
            places = own["step"].astype(np.int64) * grid.count + grid.of(own["done"])
            return np.bincount(places, minlength=len(steps) * grid.count).reshape(len(steps), grid.count).astype(np.int64)

        started = grid.counts(people["started"][people["started"] > 0])
        self.started += started
        self.ok += by_step(settled & well)
        self.ended += by_step(settled)
        self.too_large += by_step(settled & (rows["outcome"] == Outcome.TOO_LARGE))
        for step in range(len(steps)):
            times = people["passed"][:, step]
            self.passed[step] += grid.counts(times[times > 0])
        gone = people["done"][np.isin(people["fate"], _GONE)]
        messages = [i for i, step in enumerate(steps) if step.form == "message"]
        went_on = went_on_us(rows)
        exchanges = ~np.isin(rows["step"], messages) & (went_on > 0)
        self.waiting += started - grid.counts(gone) + grid.counts(went_on[exchanges]) - grid.counts(rows["sent"][exchanges])

    def made(
        self, steps: Sequence[Step], grid: WindowGrid, due_us: NDArray[np.int64], segments: Segments, uploads: UploadCounts
    ) -> Windows:
        def named(counts: NDArray[np.int64]) -> dict[str, list[int]]:
            return {step.step: counts[i].tolist() for i, step in enumerate(steps)}

        p99 = {step.step: segments.p99_by_window_us(i, grid.count) for i, step in enumerate(steps)}
        return Windows(
            window_seconds=grid.seconds,
            offered=grid.counts(due_us).tolist(),
            started=self.started.tolist(),
            passed=named(self.passed),
            upload_where=uploads.where,
            upload_attempts=uploads.ended.tolist(),
            upload_failed=uploads.failed.tolist(),
            ok=named(self.ok),
            ended=named(self.ended),
            too_large=named(self.too_large),
            response_p99_seconds={name: _seconds(found, grid.speed) for name, found in p99.items()},
            # Started, not gone, and in no exchange, at the end of each window. Waiting for a mail is no exchange.
            people_waiting=np.cumsum(self.waiting).tolist(),
            received_bytes=uploads.received_bytes.tolist(),
            kept_bytes=uploads.kept_bytes.tolist(),
        )


def fates(people: NDArray[np.void], planned: int) -> dict[str, int]:
    """People by fate, lower case, all fates named; they sum to `planned` when each row is of another person.

    Somebody without a row never left the generator. A row without a fate is one of a killed process: cut, or unsent when they had not
    started.
    """
    return _named(fate_counts(people), len(people), planned)


def fate_counts(people: NDArray[np.void]) -> NDArray[np.int64]:
    """Rows by fate, none of them OPEN; a fate that there is not is left out."""
    fate = people["fate"].copy()
    fate[(fate == Fate.OPEN) & (people["started"] != 0)] = Fate.CUT
    fate[fate == Fate.OPEN] = Fate.UNSENT
    return np.bincount(fate, minlength=len(Fate))[: len(Fate)].astype(np.int64)


def _named(counts: NDArray[np.int64], rows: int, planned: int) -> dict[str, int]:
    found = {each.name.lower(): int(counts[each]) for each in Fate if each is not Fate.OPEN}
    found[Fate.UNSENT.name.lower()] += planned - rows
    return found


def _seconds(found: list[float | None], speed: float) -> list[float | None]:
    return [None if value is None else value * speed / MICROSECONDS for value in found]
