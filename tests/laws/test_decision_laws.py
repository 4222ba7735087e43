"""How often chance alone makes a row of the decision table hold."""

from math import exp, factorial

import numpy as np

from gelombang.diagnosis.decisions import CHANCE, RISE_WINDOWS
from gelombang.intervals import share_interval
from gelombang.panels.evaluation import EARLIER_WINDOWS

DAYS = 40
WINDOWS_OF_A_DAY = 288
DAYS_TO_A_FALSE_ROW = 8


def test_a_share_that_only_chance_moves_rises_beyond_chance_once_in_eight_days_at_most():
    """The row as it is written, on photos that are over the limit with the same probability all the time, few of them and many.

    Forty days must not have more false rows than forty days at the promised rate have in 999 of 1000 cases.
    """
    expected = DAYS / DAYS_TO_A_FALSE_ROW
    at_most = next(n for n in range(100) if sum(exp(-expected) * expected**k / factorial(k) for k in range(n + 1)) >= 0.999)
    random = np.random.default_rng(11)
    for photos, over in ((6, 0.3), (30, 0.3), (30, 0.05), (300, 0.3)):
        counted = random.poisson(photos, DAYS * WINDOWS_OF_A_DAY)
        parts = random.binomial(counted, over)
        over_windows = np.ones(RISE_WINDOWS)
        sums = zip(np.convolve(parts, over_windows, "valid"), np.convolve(counted, over_windows, "valid"), strict=True)
        ends = [share_interval(float(part), float(whole), CHANCE) for part, whole in sums]
        found = 0
        was_high = False
        for i in range(EARLIER_WINDOWS, len(ends)):
            is_high = ends[i].low > min(each.high for each in ends[i - EARLIER_WINDOWS : i])
            found += is_high and not was_high
            was_high = is_high
        assert found <= at_most, (photos, over, found)
