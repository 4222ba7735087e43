"""The Universal Scalability Law, fitted to a few points: a hint at why something stops growing, never a forecast.

X(N) = l N / (1 + a (N - 1) + b N (N - 1)) (Gunther, "Guerrilla Capacity Planning", 2007, chapter 4): l is what one does, a the share that
waits for something shared (contention), b what keeping each other informed costs (coherency). Fitted by least squares on the linear form
N / X = (1 + a (N - 1) + b N (N - 1)) / l. With a handful of points three numbers fit nearly anything; so it names a suspicion and no size.
"""

import math
from collections.abc import Sequence

import numpy as np

from gelombang_capacity.calibration import Diagnostic

POINTS_LEAST = 4
"""One more than there are numbers to find."""


def scalability(points: Sequence[tuple[float, float]]) -> Diagnostic | None:
    """The law of points (N, X); None of fewer than four, or when they are none that the law can have."""
    if len(points) < POINTS_LEAST:
        return None
    number, through = np.array(points, dtype=np.float64).T
    design = np.column_stack([np.ones(len(points)), number - 1, number * (number - 1)])
    base, contention, coherency = np.linalg.lstsq(design, number / through, rcond=None)[0]
    if base <= 0:
        return None
    a, b = float(contention / base), float(coherency / base)
    return Diagnostic(contention=a, coherency=b, peak_requests_in_service=math.sqrt((1 - a) / b) if b > 0 and a < 1 else None)
