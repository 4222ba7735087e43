"""What each kind of request costs the server's processes: CPU seconds, fitted by least squares over the seconds of measured runs.

The model is the utilisation law, U = sum of X_c D_c plus what the processes use when nobody asks (Denning and Buzen, "The operational
analysis of queueing network models", ACM Computing Surveys 10, 1978): in each second the CPU used is the sum over classes of attempts that
ended in it, times what one costs. Demands can't be negative: a class whose fitted cost is below nothing is taken to cost nothing and the
others are fitted again. What a small request costs may change with the load: up, where threads stand in each other's way; down, where a
processor wakes less often and more share a commit. Four runs or more are asked, and the change is believed beyond two standard errors,
which hold what it moves by when one run is left out: a run that was dear for another reason must not look like a law. Neighbouring seconds
resemble each other, so standard errors come from resampling stretches of seconds and not single ones (Künsch, "The jackknife and the
bootstrap for general stationary observations", Annals of Statistics 17, 1989).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gelombang.host_samples import Sample
from gelombang.record import RunRecord
from gelombang.seeds import Purpose, unit_array

STRETCH_SECONDS = 5
RESAMPLES = 200
CHANGE_ERRORS = 2.0
CHANGE_RUNS_LEAST = 4


class Class(StrEnum):
    """Kinds of requests that cost alike."""

    PASSWORD = "password step"
    """Account or login: a password is hashed."""
    SMALL = "small request"
    UPLOAD = "upload attempt"
    """With all its exchanges, from the wish for a ticket to the last byte."""
    IDLE = "nobody asks"
    """Cores used whatever comes."""


PASSWORD_STEPS = frozenset({"account", "login"})


@dataclass(frozen=True, slots=True, eq=False)
class Seconds:
    """Seconds of runs: what was used, and how many attempts of each class ended per second."""

    cores: NDArray[np.float64]
    rates: NDArray[np.float64]
    """A column for each class."""
    load: float
    """Attempts per second and process in the whole run."""

    @classmethod
    def of(cls, record: RunRecord, samples: Sequence[Sample], load: float) -> "Seconds":
        """The seconds of one run in which arrivals were due; its first and last are left out, being cut."""
        windows, speed = record.windows, record.scale.speed
        edges = np.arange(len(windows.offered) + 1) * windows.window_seconds / speed
        columns = []
        for counts in _by_class(record):
            columns.append(np.concatenate(([0.0], np.cumsum(counts))))
        until = record.for_seconds / speed
        kept = [sample for sample in samples if "server_cpu_cores" in sample and 1.5e6 <= sample["t_us"] <= until * 1e6]
        ends = np.array([sample["t_us"] / 1e6 for sample in kept])
        rates = np.column_stack([np.interp(ends, edges, column) - np.interp(ends - 1.0, edges, column) for column in columns])
        rates = np.column_stack([rates, np.ones(len(kept))])
        return cls(np.array([sample["server_cpu_cores"] for sample in kept]), rates, load)


def _by_class(record: RunRecord) -> list[NDArray[np.float64]]:
    """Attempts that ended, by window, for each class but the last. Messages cost the site's partners, not its processes."""
    count = len(record.windows.offered)
    found = {each: np.zeros(count) for each in (Class.PASSWORD, Class.SMALL, Class.UPLOAD)}
    for step in record.steps:
        if step.form == "message" or step.step not in record.windows.ended:
            continue
        each = Class.UPLOAD if step.form == "photo" else Class.PASSWORD if step.step in PASSWORD_STEPS else Class.SMALL
        found[each] += np.array(record.windows.ended[step.step], dtype=np.float64)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Demand:
    """What one request of a class costs; of `IDLE`: how many cores."""

    of: Class
    seconds: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class Change:
    """How much more something costs at twice the mean load; may be less than nothing."""

    seconds: float
    standard_error: float

    @property
    def is_believed(self) -> bool:
        return abs(self.seconds) > CHANGE_ERRORS * self.standard_error


@dataclass(frozen=True, slots=True)
class Fit:
    """The demands, and how well they explain what was used."""

    demands: tuple[Demand, ...]
    residual_cores: float
    """Standard deviation of a second's use about the fit."""
    seconds: int
    load: float
    """The mean of the runs' loads: a small request's demand is that at this load."""
    change: Change


def fit_demands(runs: Sequence[Seconds]) -> Fit:
    """Fit over all seconds of all runs."""
    cores = np.concatenate([run.cores for run in runs])
    rates = np.concatenate([run.rates for run in runs])
    load = float(np.mean([run.load for run in runs]))
    change = _change(runs, load)
    design = _changing(runs, load) if change.is_believed else rates
    found, errors = _with_errors(design, cores, signed=int(change.is_believed))
    residual = float(np.std(cores - design @ found, ddof=min(len(found), len(cores) - 1)))
    demands = tuple(Demand(each, float(found[i]), float(errors[i])) for i, each in enumerate(Class))
    return Fit(demands, residual, len(cores), load, change)


def _change(runs: Sequence[Seconds], load: float) -> Change:
    """How small requests' cost changes with load; nothing, with too few runs to tell a law from one odd run."""
    if len(runs) < CHANGE_RUNS_LEAST:
        return Change(0.0, 0.0)
    cores = np.concatenate([run.cores for run in runs])
    found, errors = _with_errors(_changing(runs, load), cores, signed=1)
    left_out = []
    for each in runs:
        others = [run for run in runs if run is not each]
        left_out.append(_least_squares(_changing(others, load), np.concatenate([run.cores for run in others]), signed=1)[-1])
    # The jackknife's standard error (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 11.2), over whole runs.
    jackknife = float(np.sqrt((len(runs) - 1) * np.var(left_out)))
    return Change(float(found[-1]), max(float(errors[-1]), jackknife))


def change_of(loads: Sequence[float], seconds: Sequence[float]) -> Change:
    """How what one thing takes in each run changes with the run's load, by a line; nothing with too few runs. Its error is the larger of
    the line's own and the jackknife's, as above."""
    if len(loads) < CHANGE_RUNS_LEAST:
        return Change(0.0, 0.0)
    away, took = np.array(loads) / np.mean(loads) - 1, np.array(seconds)
    slope = _slope(away, took)
    left = took - took.mean() - slope * away
    of_line = float(np.sqrt(np.sum(left**2) / (len(loads) - 2) / np.sum(away**2)))
    left_out = [_slope(np.delete(away, i), np.delete(took, i)) for i in range(len(loads))]
    return Change(slope, max(of_line, float(np.sqrt((len(loads) - 1) * np.var(left_out)))))


def _slope(away: NDArray[np.float64], took: NDArray[np.float64]) -> float:
    return float(np.polyfit(away, took, 1)[0])


def _changing(runs: Sequence[Seconds], load: float) -> NDArray[np.float64]:
    """The classes' rates, and small requests' times how far the run's load lies from the mean one."""
    return np.concatenate([np.column_stack([run.rates, run.rates[:, _SMALL] * (run.load / load - 1)]) for run in runs])


_SMALL = list(Class).index(Class.SMALL)


def _with_errors(rates: NDArray[np.float64], cores: NDArray[np.float64], signed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    found = _least_squares(rates, cores, signed)
    draws = np.array([_least_squares(rates[rows], cores[rows], signed) for rows in _resamples(len(cores))])
    return found, draws.std(axis=0, ddof=1)


def _resamples(count: int) -> list[NDArray[np.int64]]:
    """Rows of each resample: stretches of neighbouring seconds, drawn with putting back."""
    stretches = max(1, -(-count // STRETCH_SECONDS))
    rows = []
    for n in range(RESAMPLES):
        starts = (unit_array(1, np.arange(stretches), Purpose.RESAMPLE, n) * max(1, count - STRETCH_SECONDS + 1)).astype(np.int64)
        rows.append(np.minimum((starts[:, None] + np.arange(STRETCH_SECONDS)).ravel()[:count], count - 1))
    return rows


def _least_squares(rates: NDArray[np.float64], cores: NDArray[np.float64], signed: int) -> NDArray[np.float64]:
    """Least squares without negative coefficients but for the last `signed`: the most negative is set to 0 until none is left."""
    free = list(range(rates.shape[1]))
    positive = rates.shape[1] - signed
    found = np.zeros(rates.shape[1])
    while free:
        part = np.linalg.lstsq(rates[:, free], cores, rcond=None)[0]
        bound = [float(value) for value, column in zip(part, free, strict=True) if column < positive]
        if not bound or min(bound) >= 0:
            found[free] = part
            break
        free.pop(bound.index(min(bound)))
    return found
