"""Draws and distributions in machine code: bit for bit those of `gelombang.seeds` and `gelombang.distribution`.

The normal quantile is Wichura's AS241 ("The Percentage Points of the Normal Distribution", 1988), the algorithm that Python's `statistics`
uses, with the operations in the same order.
"""

import math

import numpy as np
from numpy.typing import NDArray

from gelombang.distribution import Distribution, Fixed, Lognormal
from gelombang_capacity.costs import LEVELS
from gelombang_capacity.jit import compiled

DISTRIBUTION = np.dtype([("kind", "<i8"), ("a", "<f8"), ("b", "<f8"), ("limit", "<f8")])
"""A row for each distribution of a plan; kind 0: always a; 1: uniform from a to b; 2: lognormal, median a, sigma b, cut at limit."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_ONE = np.uint64(1)
_S11 = np.uint64(11)
_S27 = np.uint64(27)
_S30 = np.uint64(30)
_S31 = np.uint64(31)
_UNIT = 2.0**-53
_LAST_LEVEL = LEVELS - 1


def distribution_row(distribution: Distribution) -> tuple[int, float, float, float]:
    """A distribution as a row of DISTRIBUTION."""
    if isinstance(distribution, Fixed):
        return 0, distribution.value, 0.0, math.inf
    if isinstance(distribution, Lognormal):
        return 2, distribution.median, distribution.sigma, math.inf if distribution.limit is None else distribution.limit
    return 1, distribution.low, distribution.high, math.inf


@compiled
def _mix(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> _S30)) * _M1
    value = (value ^ (value >> _S27)) * _M2
    return value ^ (value >> _S31)


@compiled
def unit(seed: int, person: int, purpose: int, n: int) -> float:
    """A float in (0, 1), as `gelombang.seeds.unit`."""
    state = _mix(np.uint64(seed) + _GOLDEN)
    state = _mix(state + _GOLDEN * (np.uint64(person) + _ONE))
    state = _mix(state + _GOLDEN * (np.uint64(purpose) + _ONE))
    state = _mix(state + _GOLDEN * (np.uint64(n) + _ONE))
    return (float(state >> _S11) + 0.5) * _UNIT


@compiled
def normal_quantile(p: float) -> float:
    """The standard normal quantile, p in (0, 1)."""
    q = p - 0.5
    if math.fabs(q) <= 0.425:
        r = 0.180625 - q * q
        num = 2509.0809287301226727 * r + 33430.575583588128105
        num = (num * r + 67265.770927008700853) * r + 45921.953931549871457
        num = (num * r + 13731.693765509461125) * r + 1971.5909503065514427
        num = ((num * r + 133.14166789178437745) * r + 3.3871328727963666080) * q
        den = 5226.4952788528545610 * r + 28729.085735721942674
        den = (den * r + 39307.895800092710610) * r + 21213.794301586595867
        den = (den * r + 5394.1960214247511077) * r + 687.18700749205790830
        den = (den * r + 42.313330701600911252) * r + 1.0
        return num / den
    r = math.sqrt(-math.log(p if q <= 0.0 else 1.0 - p))
    if r <= 5.0:
        r = r - 1.6
        num = 7.74545014278341407640e-4 * r + 2.27238449892691845833e-2
        num = (num * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0
        num = (num * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0
        num = (num * r + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
        den = 1.05075007164441684324e-9 * r + 5.47593808499534494600e-4
        den = (den * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1
        den = (den * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0
        den = (den * r + 2.05319162663775882187e0) * r + 1.0
    else:
        r = r - 5.0
        num = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
        num = (num * r + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2
        num = (num * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0
        num = (num * r + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
        den = 2.04426310338993978564e-15 * r + 1.42151175831644588870e-7
        den = (den * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4
        den = (den * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1
        den = (den * r + 5.99832206555887937690e-1) * r + 1.0
    x = num / den
    return -x if q < 0.0 else x


@compiled
def quantile(distributions: NDArray[np.void], index: int, probability: float) -> float:
    """The quantile function of a plan's distribution."""
    row = distributions[index]
    if row.kind == 0:
        found = row.a
    elif row.kind == 1:
        found = row.a + (row.b - row.a) * probability
    else:
        found = min(row.a * math.exp(row.b * normal_quantile(probability)), row.limit)
    return float(found)


@compiled
def spread_us(spreads: NDArray[np.float64], row: int, fixed_us: int, seed: int, person: int, purpose: int, n: int) -> int:
    """A time drawn from a spread; `fixed_us` where there is none."""
    if row < 0:
        return fixed_us
    place = unit(seed, person, purpose, n) * _LAST_LEVEL
    level = int(place)
    low = spreads[row, level]
    return int(low + (place - level) * (spreads[row, level + 1] - low))
