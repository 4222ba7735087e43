"""What a calibrated model predicts of a run that the fit has not seen, with intervals over seeds; and the diagnostic over all runs."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from gelombang.objective_words import three_digits
from gelombang.record import RunRecord
from gelombang.segments import Segments
from gelombang_capacity.calibration import Calibration, Diagnostic, HeldOut, Measured
from gelombang_capacity.demand import PASSWORD_STEPS, Class, Seconds
from gelombang_capacity.simulation import Simulated, Simulation, segments_of, simulate

SEEDS = 20
CONFIDENCE = 0.9
FLOOR_RATIO = {"people past the last photo per second": 0.05, "share of uploads failed": 0.0}
RESPONSE_FLOOR_RATIO = 0.15
SHARE_FLOOR = 0.05
"""Differences smaller than these decide nothing, however narrow an interval is: 5 % of throughput, 15 % of a response, 5 points of a
share."""


def check(run: Measured, calibration: Calibration) -> list[HeldOut]:
    """Each quantity of a held-out run beside its prediction."""
    came = measured_quantities(run.record, run.segments)
    draws = [simulated_quantities(_twin(run, calibration, seed)) for seed in range(1, SEEDS + 1)]
    found = []
    names = [name for name in came if all(name in each for each in draws)]
    for name in names:
        values = np.array([each[name] for each in draws])
        mean, spread = float(values.mean()), float(values.std(ddof=1)) * math.sqrt(1 + 1 / SEEDS)
        found.append(_held_out(run, name, mean, spread, came[name], len(names) + 1))
    found.append(_cores(run, calibration, len(names) + 1))
    return found


def _twin(run: Measured, calibration: Calibration, seed: int) -> Simulated:
    scale = run.record.scale.scale()
    costs = calibration.costs(run.api_processes, scale.speed)
    # Seeds of their own: the live run's people would make the interval of a crowd the error of a model.
    order = Simulation(run.scenario, run.profile, scale, 7_000 + seed, run.record.for_seconds, "twin", run.record.started_at, costs=costs)
    return simulate(order)


def measured_quantities(record: RunRecord, segments: Segments) -> dict[str, float]:
    """What is compared, in the people's time and at full size."""
    photos = [step.step for step in record.steps if step.form == "photo"]
    small = [step.step for step in record.steps if step.form == "request" and step.step not in PASSWORD_STEPS]
    count, speed = len(record.windows.offered), record.scale.speed
    found: dict[str, float] = {}
    last = next((step for step in reversed(record.steps) if step.form == "photo"), None)
    if last is not None:
        found["people past the last photo per second"] = record.scale.scale().stands_for(last.people_passed) / record.for_seconds
    for name, steps in (("small requests", small), ("uploads", photos)):
        for share in (0.5, 0.95):
            value = segments.window_quantile_us(steps, 0, count, share) if steps else None
            if value is not None:
                found[f"response of {name}, p{100 * share:g}, s"] = value * speed / 1e6
    decided = sum(sum(record.windows.ended[step]) - sum(record.windows.too_large.get(step, [])) for step in photos)
    if decided:
        found["share of uploads failed"] = 1 - sum(sum(record.windows.ok[step]) for step in photos) / decided
    return found


def simulated_quantities(simulated: Simulated) -> dict[str, float]:
    """The same of a simulated run, without its record."""
    from gelombang_capacity.world import ENDED, OK, TOO_LARGE

    world, order = simulated.world, simulated.order
    segments = segments_of(simulated)
    journey = order.scenario.journey
    photos = [step.step for step in journey if step.form == "photo"]
    small = [step.step for step in journey if step.form == "request" and step.step not in PASSWORD_STEPS]
    found: dict[str, float] = {}
    if photos:
        passed = order.scale.stands_for(int(simulated.passed(photos[-1]).sum()))
        found["people past the last photo per second"] = passed / order.for_seconds
    for name, steps in (("small requests", small), ("uploads", photos)):
        for share in (0.5, 0.95):
            value = segments.window_quantile_us(steps, 0, simulated.grid.count, share) if steps else None
            if value is not None:
                found[f"response of {name}, p{100 * share:g}, s"] = value * order.scale.speed / 1e6
    rows = [simulated.names.index(step) for step in photos]
    decided = int(world.by_step[ENDED, rows].sum() - world.by_step[TOO_LARGE, rows].sum())
    if decided:
        found["share of uploads failed"] = 1 - int(world.by_step[OK, rows].sum()) / decided
    return found


def _cores(run: Measured, calibration: Calibration, quantities: int) -> HeldOut:
    """CPU of the server's processes, from the fitted demands."""
    seconds = Seconds.of(run.record, run.samples)
    rates = seconds.rates.mean(axis=0)
    demands = [calibration.demand(each) for each in Class]
    predicted = float(sum(rate * each.seconds for rate, each in zip(rates, demands, strict=True)))
    error = math.sqrt(
        sum((rate * each.standard_error) ** 2 for rate, each in zip(rates, demands, strict=True))
        + calibration.residual_cores**2 / max(1, len(seconds.cores))
    )
    return _held_out(run, "server cores", predicted, error, float(seconds.cores.mean()), quantities)


def _held_out(run: Measured, name: str, mean: float, spread: float, came: float, quantities: int) -> HeldOut:
    alone, joint = _deviations(CONFIDENCE), _deviations(1 - (1 - CONFIDENCE) / quantities)
    floor = SHARE_FLOOR if name == "share of uploads failed" else mean * FLOOR_RATIO.get(name, RESPONSE_FLOOR_RATIO)
    return HeldOut(
        run_id=run.record.run_id,
        quantity=name,
        predicted=mean,
        low=mean - alone * spread,
        high=mean + alone * spread,
        joint_low=mean - max(joint * spread, floor),
        joint_high=mean + max(joint * spread, floor),
        measured=came,
    )


def _deviations(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def rejections(checks: Sequence[HeldOut]) -> list[str]:
    """Why a model does not hold, in words."""
    return [
        f"{each.run_id}: {each.quantity} was {three_digits(each.measured)}, predicted {three_digits(each.predicted)} "
        f"({three_digits(each.joint_low)} to {three_digits(each.joint_high)})"
        for each in checks
        if each.is_rejected
    ]


def diagnostic(runs: Sequence[Measured]) -> Diagnostic | None:
    """The scalability law by least squares on its linear form, N/X = (1 + a (N - 1) + b N (N - 1)) / l; None with fewer than four loads."""
    points = [point for run in runs if (point := _in_service(run)) is not None]
    if len(points) < 4:
        return None
    inside, through = np.array(points).T
    design = np.column_stack([np.ones(len(points)), inside - 1, inside * (inside - 1)])
    base, contention, coherency = np.linalg.lstsq(design, inside / through, rcond=None)[0]
    if base <= 0:
        return None
    a, b = float(contention / base), float(coherency / base)
    return Diagnostic(contention=a, coherency=b, peak_requests_in_service=math.sqrt((1 - a) / b) if b > 0 and a < 1 else None)


def _in_service(run: Measured) -> tuple[float, float] | None:
    """Small requests in service at once by Little's law, and how many ended per wall second."""
    steps = [step for step in run.record.steps if step.form == "request" and step.step not in PASSWORD_STEPS]
    wall = run.record.for_seconds / run.record.scale.speed
    through = sum(step.attempts for step in steps) / wall
    median = run.segments.window_quantile_us([step.step for step in steps], 0, len(run.record.windows.offered), 0.5)
    return None if median is None or through <= 0 else (through * median / 1e6, through)
