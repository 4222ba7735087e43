"""How much slower, from pairs: the Hodges-Lehmann shift of log ratios, its exact bounds, and the test that they turn round.

Promise: for pairs whose log ratios are independent and symmetric about their centre, each bound misses that centre, and each test rejects a
true limit, with at most the stated probability; exactly, for any number of pairs, ties included. Idea: under the limit every log ratio is
as likely to lie above as below it, so the sum of the ranks of those above has a distribution that can be counted: Wilcoxon's signed-rank
test (Wilcoxon 1945; Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd ed. 2014, section 3.1). The shift is the median of
the means of all couples (Walsh averages), the bounds are order statistics of them (ibid., sections 3.2 and 3.3). Left out: what all pairs
have in common, such as a machine on which the second of two processes is always slower. The A/A lane looks for that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, inf, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

PAIRS_LIMIT = 200
"""The exact distribution of more pairs would take long and say the same."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A ratio minus 1: 0.03 is three per cent slower. `low` and `high` are one-sided bounds; infinite with too few pairs."""

    estimate: float
    low: float
    high: float


def shift_of(log_ratios: Sequence[float], alpha: float) -> Shift:
    """The Hodges-Lehmann shift of these pairs, each bound missing the truth with at most `alpha`."""
    walsh = _walsh(np.asarray(log_ratios, dtype=np.float64))
    skipped = _ranks_below(len(log_ratios), alpha)
    if skipped == 0:
        return Shift(exp(float(np.median(walsh))) - 1, -1.0, inf)
    return Shift(*(exp(float(value)) - 1 for value in (np.median(walsh), walsh[skipped - 1], walsh[-skipped])))


def middle(values: Sequence[float]) -> float:
    """The Hodges-Lehmann centre: the median of the means of all couples."""
    return float(np.median(_walsh(np.asarray(values, dtype=np.float64))))


def p_above(log_ratios: Sequence[float], limit: float) -> float:
    """How likely pairs like these, or further above, are when the true ratio minus 1 is `limit` or less: the one-sided signed-rank test."""
    away = np.asarray(log_ratios, dtype=np.float64) - log(1 + limit)
    away = away[away != 0]
    if not len(away):
        return 1.0
    doubled = _doubled_ranks(np.abs(away))
    ways = _ways(tuple(int(rank) for rank in np.sort(doubled)))
    return float(ways[int(doubled[away > 0].sum()) :].sum() / ways.sum())


def p_below(log_ratios: Sequence[float], limit: float) -> float:
    """The same the other way: when the true ratio minus 1 is `limit` or more."""
    away = [-value for value in log_ratios]
    return p_above(away, 1 / (1 + limit) - 1)


def detectable(log_ratios: Sequence[float], budget: float, alpha: float, power: float = 0.8) -> float:
    """The smallest true slowdown that so many pairs, as noisy as these, would show to be beyond the budget with this power.

    By the normal approximation, with the pairs' standard deviation; the signed-rank test needs pi/3 times the pairs of a t-test where noise
    is normal (its efficiency, Hollander, Wolfe and Chicken, section 3.11), and fewer where it has tails: the figure is then too cautious.
    """
    values = np.asarray(log_ratios, dtype=np.float64)
    if len(values) < 2 or _ranks_below(len(values), alpha) == 0:
        return inf
    spread = float(values.std(ddof=1))
    normal = NormalDist()
    reach = (normal.inv_cdf(1 - alpha) + normal.inv_cdf(power)) * spread * sqrt(np.pi / 3 / len(values))
    return (1 + budget) * exp(reach) - 1


def _walsh(values: NDArray[np.float64]) -> NDArray[np.float64]:
    assert 1 <= len(values) <= PAIRS_LIMIT, f"{len(values)} pairs"
    first, second = np.triu_indices(len(values))
    return np.sort((values[first] + values[second]) / 2)


@lru_cache(maxsize=256)
def _ranks_below(pairs: int, alpha: float) -> int:
    """The largest k such that the k-th smallest Walsh average misses the centre with at most alpha; 0 when there is none."""
    ways = _ways(tuple(range(2, 2 * pairs + 1, 2)))[::2]
    below = np.cumsum(ways) / ways.sum()
    return int((below <= alpha).sum())


@lru_cache(maxsize=1024)
def _ways(doubled_ranks: tuple[int, ...]) -> NDArray[np.float64]:
    """In how many of the 2**n choices of signs the (doubled) ranks above the limit add up to each sum."""
    ways = np.zeros(sum(doubled_ranks) + 1, dtype=np.float64)
    ways[0] = 1.0
    for rank in doubled_ranks:
        ways[rank:] += ways[:-rank].copy()
    return ways


def _doubled_ranks(sizes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Twice the ranks, so that tied ones, which share the mean of their ranks, stay whole."""
    _, place, tied = np.unique(sizes, return_inverse=True, return_counts=True)
    last = np.cumsum(tied)
    doubled: NDArray[np.int64] = (2 * last - tied + 1)[place]
    return doubled
