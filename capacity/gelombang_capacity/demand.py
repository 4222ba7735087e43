"""What each kind of request costs the server's processes: CPU seconds, fitted by least squares over the seconds of measured runs.

The model is the utilisation law, U = sum of X_c D_c plus what the processes use when nobody asks (Denning and Buzen, "The operational
analysis of queueing network models", ACM Computing Surveys 10, 1978): in each second the CPU used is the sum over classes of attempts that
ended in it, times what one costs. Demands can't be negative: a class whose fitted cost is below nothing is taken to cost nothing and the
others are fitted again. Neighbouring seconds resemble each other, so standard errors come from resampling stretches of seconds and not
single ones (Künsch, "The jackknife and the bootstrap for general stationary observations", Annals of Statistics 17, 1989).
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

    @classmethod
    def of(cls, record: RunRecord, samples: Sequence[Sample]) -> "Seconds":
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
        return cls(np.array([sample["server_cpu_cores"] for sample in kept]), rates)


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
class Fit:
    """The demands, and how well they explain what was used."""

    demands: tuple[Demand, ...]
    residual_cores: float
    """Standard deviation of a second's use about the fit."""
    seconds: int


def fit_demands(runs: Sequence[Seconds]) -> Fit:
    """Fit over all seconds of all runs."""
    cores = np.concatenate([run.cores for run in runs])
    rates = np.concatenate([run.rates for run in runs])
    found = _least_squares(rates, cores)
    draws = np.array([_least_squares(rates[rows], cores[rows]) for rows in _resamples(len(cores))])
    errors = draws.std(axis=0, ddof=1)
    residual = float(np.std(cores - rates @ found, ddof=min(len(Class), len(cores) - 1)))
    demands = tuple(Demand(each, float(found[i]), float(errors[i])) for i, each in enumerate(Class))
    return Fit(demands, residual, len(cores))


def _resamples(count: int) -> list[NDArray[np.int64]]:
    """Rows of each resample: stretches of neighbouring seconds, drawn with putting back."""
    stretches = max(1, -(-count // STRETCH_SECONDS))
    rows = []
    for n in range(RESAMPLES):
        starts = (unit_array(1, np.arange(stretches), Purpose.RESAMPLE, n) * max(1, count - STRETCH_SECONDS + 1)).astype(np.int64)
        rows.append(np.minimum((starts[:, None] + np.arange(STRETCH_SECONDS)).ravel()[:count], count - 1))
    return rows


def _least_squares(rates: NDArray[np.float64], cores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least squares without negative coefficients: the most negative is set to 0 until none is left."""
    free = list(range(rates.shape[1]))
    found = np.zeros(rates.shape[1])
    while free:
        part = np.linalg.lstsq(rates[:, free], cores, rcond=None)[0]
        if part.min() >= 0:
            found[free] = part
            break
        free.pop(int(part.argmin()))
    return found
