"""What a calibrated model predicts of a run that the fit has not seen, with intervals; and the diagnostic over all runs.

An interval has two parts. Chance: other people come in each run, which is what seeds are for. And the machine: two runs of one load differ
by more than chance, because caches, the disk and whatever else the machine does are not the same twice. How much more is measured, on the
runs that were fitted, by kind of quantity (`run_spread`); it is not chosen.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np

from gelombang.objective_words import three_digits
from gelombang_capacity.calibration import Calibration, Diagnostic, HeldOut, Measured
from gelombang_capacity.demand import PASSWORD_STEPS, Class, Seconds
from gelombang_capacity.quantities import SERVER_CORES, Kind, kind_of, measured_quantities, simulated_quantities
from gelombang_capacity.scalability import scalability
from gelombang_capacity.simulation import Simulated, Simulation, simulate

SEEDS = 20
FITTED_SEEDS = 12
CONFIDENCE = 0.9
FLOORS = {Kind.PEOPLE: 0.05, Kind.MIDDLE: 0.15, Kind.TAIL: 0.15, Kind.SHARE: 0.05, Kind.CORES: 0.15}
"""Differences smaller than these decide nothing, however narrow an interval is: 5 % of throughput, 15 % of a response or of cores, 5 points
of a share."""
HELD_OUT_SEED, FITTED_SEED = 7_000, 8_000
"""Seeds of their own: the live run's people would make the interval of a crowd the error of a model."""


def check(run: Measured, calibration: Calibration) -> list[HeldOut]:
    """Each quantity of a held-out run beside its prediction."""
    came = measured_quantities(run.record, run.segments, run.scenario)
    draws = _draws(run, calibration, HELD_OUT_SEED, SEEDS)
    names = [name for name in came if all(name in each for each in draws)]
    found = []
    for name in names:
        mean, chance = _mean_and_chance([each[name] for each in draws])
        found.append(_held_out(run, name, mean, chance, came[name], calibration.run_spread, len(names) + 1))
    measured, mean, error = _cores(run, calibration)
    found.append(_held_out(run, SERVER_CORES, mean, error, measured, calibration.run_spread, len(names) + 1))
    return found


def twin(run: Measured, calibration: Calibration, seed: int, trace_rows: int = 0) -> Simulated:
    """A measured run's scenario, site and load with other people, simulated."""
    scale = run.record.scale.scale()
    costs = calibration.costs(run.api_processes, scale.speed, run.requests_per_second)
    order = Simulation(run.scenario, run.profile, scale, seed, run.record.for_seconds, "twin", run.record.started_at, costs=costs)
    return simulate(order, trace_rows)


def run_spread(fitted: Sequence[Measured], calibration: Calibration) -> dict[str, float]:
    """How far the fitted runs lie from their own predictions beyond chance, by kind: a standard deviation of the ratio, or of the share.

    The costs were fitted to these very runs, which takes one run's freedom from them.
    """
    squares: dict[Kind, list[float]] = {kind: [] for kind in Kind}
    for run in fitted:
        came = measured_quantities(run.record, run.segments, run.scenario)
        draws = _draws(run, calibration, FITTED_SEED, FITTED_SEEDS)
        for name, value in came.items():
            if all(name in each for each in draws):
                mean, chance = _mean_and_chance([each[name] for each in draws])
                squares[kind_of(name)].append(_square(name, value - mean, chance, mean))
        measured, mean, error = _cores(run, calibration)
        squares[Kind.CORES].append(_square(SERVER_CORES, measured - mean, error, mean))
    freedom = len(fitted) / max(1, len(fitted) - 1)
    return {str(kind): math.sqrt(max(0.0, float(np.mean(found)) * freedom)) for kind, found in squares.items() if found}


def _square(name: str, off: float, chance: float, mean: float) -> float:
    """The part of a squared difference that chance does not explain; negative when it explains more."""
    unit = 1.0 if kind_of(name) is Kind.SHARE else mean
    return (off**2 - chance**2) / unit**2 if unit else 0.0


def _draws(run: Measured, calibration: Calibration, first_seed: int, seeds: int) -> list[dict[str, float]]:
    return [simulated_quantities(twin(run, calibration, first_seed + seed)) for seed in range(1, seeds + 1)]


def _mean_and_chance(values: Sequence[float]) -> tuple[float, float]:
    """The mean over seeds, and how far one more run lies from it."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) * math.sqrt(1 + 1 / len(values))


def _cores(run: Measured, calibration: Calibration) -> tuple[float, float, float]:
    """CPU of the server's processes: measured, from the fitted demands, and the error of that."""
    seconds = Seconds.of(run.record, run.samples, run.requests_per_second)
    rates = dict(zip(Class, seconds.rates.mean(axis=0), strict=True))
    costs = {each: calibration.demand(each).seconds for each in Class} | {Class.SMALL: calibration.small_seconds(run.requests_per_second)}
    predicted = float(sum(rates[each] * costs[each] for each in Class))
    error = math.sqrt(
        sum((rates[each] * calibration.demand(each).standard_error) ** 2 for each in Class)
        + calibration.residual_cores**2 / max(1, len(seconds.cores))
    )
    return float(seconds.cores.mean()), predicted, error


def _held_out(run: Measured, name: str, mean: float, chance: float, came: float, spread: Mapping[str, float], quantities: int) -> HeldOut:
    kind = kind_of(name)
    unit = 1.0 if kind is Kind.SHARE else mean
    deviation = math.hypot(chance, spread.get(str(kind), 0.0) * unit)
    alone, joint = _deviations(CONFIDENCE), _deviations(1 - (1 - CONFIDENCE) / quantities)
    floor = FLOORS[kind] * unit
    return HeldOut(
        run_id=run.record.run_id,
        quantity=name,
        predicted=mean,
        low=mean - alone * deviation,
        high=mean + alone * deviation,
        joint_low=mean - max(joint * deviation, floor),
        joint_high=mean + max(joint * deviation, floor),
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
    """The scalability law over all runs; None with fewer than four loads."""
    return scalability([point for run in runs if (point := _in_service(run)) is not None])


def _in_service(run: Measured) -> tuple[float, float] | None:
    """Small requests in service at once by Little's law, and how many ended per wall second."""
    steps = [step for step in run.record.steps if step.form == "request" and step.step not in PASSWORD_STEPS]
    wall = run.record.for_seconds / run.record.scale.speed
    through = sum(step.attempts for step in steps) / wall
    median = run.segments.window_quantile_us([step.step for step in steps], 0, len(run.record.windows.offered), 0.5)
    return None if median is None or through <= 0 else (through * median / 1e6, through)
