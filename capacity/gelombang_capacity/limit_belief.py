"""What is known of a limit after noisy probes: a probability for each limit on a grid, from which the next probe and the interval come.

A probe at load x meets the objectives with probability 1 / (1 + (x / limit)^(1/s)), s being how soft the limit is, apart from a share of
probes that say anything (a lapse). Softness is not known either, so limit and softness are updated together. The idea is that of adaptive
threshold measurement (Watson and Pelli, "QUEST", Perception & Psychophysics 33, 1983; Kontsevich and Tyler, "Bayesian adaptive estimation
of psychometric slope and threshold", Vision Research 39, 1999), which is probabilistic bisection with a likelihood in place of a coin of
known bias (Waeber, Frazier and Henderson, "Bisection search with noisy responses", SIAM J. Control Optim. 51, 2013).
"""

import numpy as np
from numpy.typing import NDArray

SOFTNESSES = (0.005, 0.01, 0.02, 0.04, 0.08)
LAPSE_RATIO = 0.02
POINTS = 600


class LimitBelief:
    """Limits between `low` and `high`, all equally likely on a logarithmic scale at first."""

    def __init__(self, low: float, high: float) -> None:
        assert 0 < low < high
        self.loads: NDArray[np.float64] = np.geomspace(low, high, POINTS)
        self._weight = np.ones((len(SOFTNESSES), POINTS))

    def saw(self, load: float, is_met: bool) -> None:
        """One probe that counts."""
        softness = np.array(SOFTNESSES)[:, None]
        exponent = np.clip((np.log(load) - np.log(self.loads))[None, :] / softness, -500, 500)
        met = LAPSE_RATIO + (1 - 2 * LAPSE_RATIO) / (1 + np.exp(exponent))
        self._weight *= met if is_met else 1 - met
        self._weight /= self._weight.sum()

    def quantile(self, probability: float) -> float:
        """The load that the limit is below with this probability."""
        along = self._weight.sum(axis=0)
        share = np.cumsum(along) - along / 2
        return float(np.exp(np.interp(probability * along.sum(), share, np.log(self.loads))))

    def interval(self, confidence: float) -> tuple[float, float]:
        """The middle so many percent."""
        return self.quantile((1 - confidence) / 2), self.quantile((1 + confidence) / 2)
