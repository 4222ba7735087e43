"""Calibration: measured runs in, the costs of requests out, tested on runs that the fit has not seen.

Runs must be alike in all but their load: one server version, one profile, live and VALID. The largest loads are held out, the others are
fitted; then each held-out run is simulated with the fitted costs and several seeds, and what was measured must lie in the interval that
this predicts. The intervals that reject are so wide that all of a run's quantities together lie inside with the promised probability
(Bonferroni); how many lie in their own is told as coverage. A model that is rejected says which quantity of which run it got wrong, and
no plan reads it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from gelombang.errors import InputError
from gelombang.host_samples import HOST_SAMPLES, Sample, read_samples
from gelombang.profile import Profile
from gelombang.record import RunRecord, Validity, read_record
from gelombang.runplan import PLAN_FILE, SERVER_FILE, RunPlan, ServerPlan, read_model
from gelombang.scenario import Scenario
from gelombang.segments import Segments, read_segments
from gelombang_capacity.costs import Costs, Spread, mean_of, moved_to, scaled_to
from gelombang_capacity.demand import Class, Fit, Seconds, fit_demands

CALIBRATION_FILE = "calibration.json"
FITTED_LEAST = 2
HELD_OUT_LEAST = 1
SECONDS_LEAST = 30
ROUND_TRIP_FROM_SECONDS = 0.005
"""What a live run's generator does not wait for (its uplink says so)."""
EXTRAPOLATION_LIMIT = 3.0


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DemandNumbers(_Part):
    """CPU seconds of the server's processes for one request of a class; of `nobody asks`: cores."""

    of: Class
    seconds: float
    standard_error: float


class DemandChange(_Part):
    """What one costs more at twice the mean load; `is_believed`: beyond two standard errors, else nothing follows from it."""

    seconds: float
    standard_error: float
    is_believed: bool


class HeldOut(_Part):
    """One quantity of one held-out run beside what was predicted."""

    run_id: str
    quantity: str
    predicted: float
    low: float
    high: float
    joint_low: float
    joint_high: float
    measured: float

    @property
    def is_inside(self) -> bool:
        return self.low <= self.measured <= self.high

    @property
    def is_rejected(self) -> bool:
        return not self.joint_low <= self.measured <= self.joint_high

    @property
    def is_share(self) -> bool:
        return self.quantity.startswith("share of")

    @property
    def error(self) -> float:
        """What was measured, from what was predicted: of a share the difference, of anything else a ratio of the prediction."""
        off = self.measured - self.predicted
        return off if self.is_share else off / self.predicted if self.predicted else float(off != 0)


class ErrorAim(NamedTuple):
    """How far off a kind of quantity may be on runs that the fit has not seen."""

    kind: str
    begins: str
    """The quantities whose names begin so."""
    at_most: float


ERROR_AIMS = (
    ErrorAim("people through", "people past", 0.05),
    ErrorAim("responses of small requests and of uploads", "response of", 0.15),
    ErrorAim("share of uploads failed", "share of", 0.05),
)
COVERAGE_AIM = (0.80, 0.97)
"""Of 90 % intervals. Too many inside is a fault too: they are then wider than they say."""


class MeasuredTimes(_Part):
    """What is drawn for each request: quantiles in wall seconds (`gelombang_capacity.costs.Spread`), empty where nothing tells them."""

    api: list[float]
    """The form of a small request's CPU; its mean is the fitted demand."""
    ticket: list[float]
    commit: list[float]
    answers: dict[str, list[float]]


class Diagnostic(_Part):
    """The Universal Scalability Law over all runs (Gunther, "Guerrilla Capacity Planning", 2007, chapter 4): a hint, never a forecast."""

    contention: float
    coherency: float
    peak_requests_in_service: float | None


class Calibration(_Part):
    """What the server's requests cost, and how far that was tested."""

    schema_version: int = 2
    made_at: str
    commit: str | None
    """The server version that was measured."""
    profile: str
    profile_digest: str
    scenario: str
    speed: float
    fitted: list[str]
    held_out: list[str]
    seconds: int
    requests_per_second_low: float
    requests_per_second_high: float
    """Attempts per wall second and API process of the fitted runs: the calibrated range."""
    demands: list[DemandNumbers]
    residual_cores: float
    requests_per_second_mean: float
    """The load at which a small request costs what `demands` says."""
    change: DemandChange
    """Of a small request's CPU."""
    commit_change: DemandChange = DemandChange(seconds=0.0, standard_error=0.0, is_believed=False)
    """Of what a transaction of the database takes: disk and thread that sleep less are sooner at work. Older files say nothing of it."""
    times: MeasuredTimes
    run_spread: dict[str, float]
    """By kind of quantity, how far the machine's runs differ from the model's at the loads that were fitted, chance apart: a ratio's
    standard deviation, of a share that of the difference."""
    loads: dict[str, float]
    """Attempts per wall second and API process, by run: of the fitted and of the held-out ones."""
    fitted_checks: list[HeldOut]
    """The fitted runs beside what the model says of them: to be looked at, and no proof."""
    checks: list[HeldOut]
    rejected: list[str]
    """Why the model does not hold; empty when it does."""
    coverage_ratio: float
    """Of the held-out quantities, how many lay in their own 90 % interval."""
    diagnostic: Diagnostic | None

    def demand(self, of: Class) -> DemandNumbers:
        return next(each for each in self.demands if each.of is of)

    def small_seconds(self, requests_per_second: float) -> float:
        """CPU of a small request at a load of one process; beyond the calibrated range what it is at that end."""
        return max(0.0, self.demand(Class.SMALL).seconds + self._changed_by(self.change, requests_per_second))

    def commit_spread(self, requests_per_second: float) -> Spread:
        """A transaction's at a load of one process, in the same range; empty where none was measured."""
        commit = self.times.commit
        return scaled_to(commit, max(0.0, mean_of(commit) + self._changed_by(self.commit_change, requests_per_second))) if commit else ()

    def _changed_by(self, change: DemandChange, requests_per_second: float) -> float:
        if not change.is_believed:
            return 0.0
        load = min(max(requests_per_second, self.requests_per_second_low), self.requests_per_second_high)
        return change.seconds * (load / self.requests_per_second_mean - 1)

    def costs(self, api_processes: int, speed: float, requests_per_second: float) -> Costs:
        """For the simulator: the fitted costs at a load; at the people's own speed every round trip is waited for.

        What of a small request's CPU its own answer waits for is told by the server's clock and is the same at every load; what a fit of
        CPU finds beyond it, and how that changes with load, only those who come next wait for. Nor does hashing get dearer because the
        rest of a request gets cheaper.
        """
        small, upload = self.small_seconds(requests_per_second), self.demand(Class.UPLOAD).seconds
        times = self.times
        return Costs(
            api_seconds=small,
            api_spread=moved_to(times.api, small) if times.api else (),
            api_after_seconds=max(0.0, small - mean_of(times.api)) if times.api else 0.0,
            ticket_seconds=upload,
            ticket_spread=moved_to(times.ticket, upload) if times.ticket else (),
            api_processes=api_processes,
            hash_seconds=max(0.0, self.demand(Class.PASSWORD).seconds - self.demand(Class.SMALL).seconds) * self.speed,
            commit_spread=self.commit_spread(requests_per_second),
            answers={step: tuple(spread) for step, spread in times.answers.items()},
            round_trip_from_seconds=ROUND_TRIP_FROM_SECONDS if speed > 1 else 0.0,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One run, as its folder tells it."""

    folder: Path
    record: RunRecord
    segments: Segments
    samples: list[Sample]
    scenario: Scenario
    profile: Profile

    @property
    def api_processes(self) -> int:
        return max(1, self.record.host.server_processes - (self.profile.uploads.processes if self.profile.uploads.own_process else 0))

    @property
    def requests_per_second(self) -> float:
        """Attempts per wall second and API process, messages left out."""
        attempts = sum(step.attempts for step in self.record.steps if step.form != "message")
        return attempts / (self.record.for_seconds / self.record.scale.speed) / self.api_processes


def profile_digest(profile: Profile) -> str:
    """Which profile it was, whatever its file is called."""
    return hashlib.sha256(profile.model_dump_json().encode()).hexdigest()[:16]


def read_measured(folder: Path) -> Measured:
    """One run's folder. Raises InputError when the run can't teach anything, with the reason."""
    record = read_record(folder)
    if record.kind != "live":
        raise InputError(f"{folder} is a {record.kind} run; want live ones, because a model can't be calibrated on itself")
    if record.validity is not Validity.VALID:
        doubt = record.doubts[0]
        raise InputError(f"{folder} is {record.validity}: {doubt.name}: {doubt.evidence}; want only runs without doubts")
    if not (folder / SERVER_FILE).exists():
        raise InputError(f"{folder} was not made against the reference server; want runs that have a {SERVER_FILE}")
    plan, server = read_model(folder / PLAN_FILE, RunPlan), read_model(folder / SERVER_FILE, ServerPlan)
    samples = read_samples(folder / HOST_SAMPLES)
    return Measured(folder, record, read_segments(folder), samples, plan.scenario, server.profile)


def require_alike(runs: Sequence[Measured]) -> None:
    """Raises InputError with the first thing in which two runs differ that must not."""
    first = runs[0]
    for run in runs[1:]:
        for what, mine, others in (
            ("server version", run.record.commit, first.record.commit),
            ("profile", profile_digest(run.profile), profile_digest(first.profile)),
            ("speed", run.record.scale.speed, first.record.scale.speed),
            ("number of server processes", run.record.host.server_processes, first.record.host.server_processes),
        ):
            if mine != others:
                raise InputError(f"{run.folder} has {what} {mine} and {first.folder} has {others}; want runs that differ in load only")


def split(runs: Sequence[Measured], held_out: Sequence[Path]) -> tuple[list[Measured], list[Measured]]:
    """Which runs are fitted and which are held out: those named, or the largest third. Raises InputError when there are too few."""
    ordered = sorted(runs, key=lambda run: run.requests_per_second)
    if held_out:
        named = {path.resolve() for path in held_out}
        tested = [run for run in ordered if run.folder.resolve() in named]
    else:
        tested = ordered[-max(HELD_OUT_LEAST, len(ordered) // 3) :]
    fitted = [run for run in ordered if run not in tested]
    if len(fitted) < FITTED_LEAST or len(tested) < HELD_OUT_LEAST:
        raise InputError(
            f"{len(fitted)} runs to fit and {len(tested)} to hold out; want {FITTED_LEAST} and {HELD_OUT_LEAST} or more, at different loads"
        )
    low, high = fitted[0].requests_per_second, fitted[-1].requests_per_second
    if high < 1.1 * low:
        raise InputError(f"the fitted runs have {low:.3g} to {high:.3g} requests per second; want loads at least a tenth apart")
    return fitted, tested


def fit_runs(fitted: Sequence[Measured]) -> Fit:
    """The demands. Raises InputError when there are too few seconds."""
    seconds = [Seconds.of(run.record, run.samples, run.requests_per_second) for run in fitted]
    found = sum(len(each.cores) for each in seconds)
    if found < SECONDS_LEAST:
        raise InputError(f"the fitted runs have {found} whole seconds between them; want {SECONDS_LEAST} or more")
    return fit_demands(seconds)
