"""How sure a number of a run is: intervals of quantiles, shares and rates, and when two of them differ.

- *Quantile*: between two order statistics, whatever the distribution (David and Nagaraja, Order Statistics, 3rd ed. 2003, section 7.1):
  the number of samples below the true p-quantile is binomial(n, p), so ranks that leave at most alpha/2 of it on either side bound it.
  Where one of the ranks would lie outside the samples there is no interval: too few samples.
- *Share*: Wilson's score interval (Wilson 1927); of a difference of two, Newcombe's method 10 (Newcombe, Statistics in Medicine 17, 1998).
- *Rate*: a ratio of two Poisson counts, by the binomial that they have given their sum (Przyborowski and Wilenski 1940), as a score
  interval.
- *Attempts are not independent*: one person's tries resemble each other, and so do those of one minute. The design effect (Kish 1965;
  Woodruff 1952 for quantiles) says by how much fewer independent samples they are worth.

Idea: everything is counts, so histograms that were merged are as good as sorted samples. Left out: what differs between two runs of the
same thing for reasons outside their samples (a noisy neighbour): only repeated runs show that.
"""

from dataclasses import dataclass
from math import lgamma, log, log1p, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gelombang.histogram import Histogram, bucket_middles_us

ALPHA = 0.05
"""What an interval on the page may miss by: 95 %."""

_SPREADS = 9.0
"""How many standard deviations of a binomial are summed up on either side; beyond lies less than 1e-18."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, both ends within."""

    low: float
    high: float

    def overlaps(self, other: "Interval") -> bool:
        return self.low <= other.high and other.low <= self.high


def quantile_ranks(samples: int, probability: float, alpha: float = ALPHA) -> tuple[int, int] | None:
    """The order statistics, counted from 1, that enclose the quantile with at least 1 - alpha; None with too few samples."""
    assert 0 < probability < 1
    if samples <= 0:
        return None
    first, mass = _binomial(samples, probability)
    below = np.cumsum(mass)
    low = first + int(np.searchsorted(below, alpha / 2, side="right"))
    above = np.cumsum(mass[::-1])[::-1]
    # P(B >= high) must be at most alpha/2, with B the number of samples below the quantile.
    beyond = int((above > alpha / 2).sum())
    high = first + beyond
    return (low, high) if low >= 1 and high <= samples else None


def quantile_interval_us(histogram: Histogram, probability: float, alpha: float = ALPHA, design_effect: float = 1.0) -> Interval | None:
    """The interval of a histogram's quantile, in its µs; None with too few samples."""
    worth = int(histogram.samples / max(design_effect, 1.0))
    ranks = quantile_ranks(worth, probability, alpha)
    if ranks is None:
        return None
    # Ranks among `worth` independent samples are shares of the real ones; the outer neighbour is taken, so nothing is lost by rounding.
    low = max(int(np.floor(ranks[0] / worth * histogram.samples)), 1)
    high = min(int(np.ceil(ranks[1] / worth * histogram.samples)), histogram.samples)
    seen, middles = np.cumsum(histogram.counts), bucket_middles_us()
    ends = [float(min(max(middles[np.searchsorted(seen, rank)], histogram.min_us), histogram.max_us)) for rank in (low, high)]
    return Interval(ends[0], ends[1])


def share_interval(part: float, whole: float, alpha: float = ALPHA) -> Interval:
    """Wilson's interval of a share; 0 to 1 of nothing."""
    if whole <= 0:
        return Interval(0.0, 1.0)
    z = deviations(alpha)
    share = part / whole
    middle = share + z * z / (2 * whole)
    reach = z * sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    scale = 1 + z * z / whole
    # The share itself bounds what rounding leaves: at 0 of 5 the lower end would be 3e-17.
    return Interval(min(max((middle - reach) / scale, 0.0), share), max(min((middle + reach) / scale, 1.0), share))


def share_difference(first: tuple[float, float], second: tuple[float, float], alpha: float = ALPHA) -> Interval:
    """Newcombe's interval of second share - first share; each is (part, whole)."""
    a, b = share_interval(*first, alpha), share_interval(*second, alpha)
    share_a, share_b = _share(first), _share(second)
    difference = share_b - share_a
    down = sqrt((share_b - b.low) ** 2 + (a.high - share_a) ** 2)
    up = sqrt((b.high - share_b) ** 2 + (share_a - a.low) ** 2)
    return Interval(difference - down, difference + up)


def rate_ratio(first: tuple[float, float], second: tuple[float, float], alpha: float = ALPHA) -> Interval | None:
    """The interval of second rate / first rate; each is (count, time). None when nothing was counted in either."""
    together = first[0] + second[0]
    if together <= 0 or first[1] <= 0 or second[1] <= 0:
        return None
    share = share_interval(second[0], together, alpha)
    exposure = first[1] / second[1]
    high = share.high / (1 - share.high) * exposure if share.high < 1 else float("inf")
    return Interval(share.low / (1 - share.low) * exposure, high)


def design_effect(marked: ArrayLike, cluster: ArrayLike) -> float:
    """By how much the variance of the share of marked samples grows because samples of one cluster resemble each other; 1 or more.

    The ratio estimator over clusters (Kish 1965, section 6.5): between-cluster variance over that of independent samples.
    """
    hits = np.asarray(marked, dtype=np.float64)
    if len(hits) < 2:
        return 1.0
    _, index = np.unique(np.asarray(cluster), return_inverse=True)
    return clustered_effect(np.bincount(index, weights=hits), np.bincount(index))


def clustered_effect(hits: ArrayLike, samples: ArrayLike) -> float:
    """`design_effect` from the counts of each cluster: how many of its samples are marked, and how many it has."""
    sums = ClusterSums()
    sums.add(hits, samples)
    return sums.effect()


@dataclass(slots=True)
class ClusterSums:
    """What `clustered_effect` needs of clusters, which may come some at a time, each of them whole."""

    clusters: int = 0
    samples: float = 0.0
    hits: float = 0.0
    hits_squared: float = 0.0
    samples_squared: float = 0.0
    products: float = 0.0

    def add(self, hits: ArrayLike, samples: ArrayLike) -> None:
        """Clusters that were not there yet."""
        marked, whole = np.asarray(hits, dtype=np.float64), np.asarray(samples, dtype=np.float64)
        self.clusters += int((whole > 0).sum())
        self.samples += float(whole.sum())
        self.hits += float(marked.sum())
        self.hits_squared += float((marked**2).sum())
        self.samples_squared += float((whole**2).sum())
        self.products += float((marked * whole).sum())

    def effect(self) -> float:
        """The design effect of all of them."""
        share = self.hits / self.samples if self.samples else 0.0
        if self.samples < 2 or not 0 < share < 1:
            return 1.0
        if self.clusters < 2:
            return self.samples
        away_squared = max(self.hits_squared - 2 * share * self.products + share**2 * self.samples_squared, 0.0)
        variance = self.clusters / (self.clusters - 1) * away_squared
        return max(variance / (self.samples * share * (1 - share)), 1.0)


def family_alpha(comparisons: int, alpha: float = ALPHA) -> float:
    """Bonferroni: what one of so many comparisons may miss by, so that all of them together miss by `alpha` at most."""
    return alpha / max(comparisons, 1)


def deviations(alpha: float = ALPHA) -> float:
    """How many standard deviations of a normal distribution reach so far that both ends together miss by `alpha`."""
    return NormalDist().inv_cdf(1 - alpha / 2)


def _binomial(samples: int, probability: float) -> tuple[int, NDArray[np.float64]]:
    """The first number of successes that matters, and the probabilities from there on."""
    reach = _SPREADS * sqrt(samples * probability * (1 - probability)) + _SPREADS
    first, last = max(int(samples * probability - reach), 0), min(int(samples * probability + reach), samples)
    odds = log(probability) - log1p(-probability)
    start = lgamma(samples + 1) - lgamma(first + 1) - lgamma(samples - first + 1)
    start += first * log(probability) + (samples - first) * log1p(-probability)
    k = np.arange(first, last, dtype=np.float64)
    steps = np.concatenate([[0.0], np.cumsum(np.log((samples - k) / (k + 1)) + odds)])
    mass: NDArray[np.float64] = np.exp(start + steps)
    return first, mass


def _share(of: tuple[float, float]) -> float:
    return of[0] / of[1] if of[1] > 0 else 0.0
