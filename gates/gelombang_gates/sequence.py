"""Several looks at a growing number of pairs, at many hypotheses, without more false alarms than promised.

Promise: over all looks and all hypotheses, the probability that any true "no slower than the budget" is called slower is at most `alpha`;
and the probability that one that is slower by `detect` or more passes is at most `alpha` as well. Idea: `alpha` is spent as pairs come in,
by the function alpha * ln(1 + (e - 1) t) (Lan and DeMets, Biometrika 70, 1983, which resembles Pocock's bounds), and each look uses only
what was set free since the last one: the looks together miss no more than their sum, whatever depends on what (a union bound, so a little
less is found than by bounds that know the dependence). In a look the hypotheses share its part by Holm's step-down rule (Holm, Scandinavian
Journal of Statistics 6, 1979). When time runs out early, the last look spends the rest; that is allowed because the clock, and not the
result, ended it. Left out: any belief in how a log ratio is distributed, beyond symmetry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import e, log
from typing import TypeVar

from gelombang_gates.signed_rank import Shift, detectable, p_above, p_below, shift_of

K = TypeVar("K")


class Judged(StrEnum):
    """What is known of one hypothesis."""

    PASS = "pass"
    """A slowdown of `detect` or more is excluded."""
    FAIL = "fail"
    """The whole interval lies beyond the budget."""
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Limits:
    """`budget`: the slowdown that is allowed. `detect`: the one that must not slip through; both as a ratio minus 1."""

    budget: float
    detect: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One hypothesis after a look."""

    judged: Judged
    shift: Shift
    """At the look's own alpha."""
    pairs: int
    p: float
    """Of "no slower than the budget", after Holm: to be compared with the look's part of alpha."""
    detectable: float
    """The smallest slowdown that these pairs would have shown, four times out of five."""


def spent(alpha: float, share: float) -> float:
    """How much of alpha may be used up once this share of the pairs is there."""
    return alpha * log(1 + (e - 1) * min(max(share, 0.0), 1.0))


def look_pairs(pairs: int) -> tuple[int, ...]:
    """After how many pairs to look: half, all, and half as many again for what is still open."""
    return tuple(sorted({-(-pairs // 2), pairs, -(-3 * pairs // 2)}))


def holm(p_values: Sequence[float]) -> list[float]:
    """The adjusted p-values: those at or below alpha are rejected, and any true one is with at most alpha."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for place, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def look(values: Mapping[K, Sequence[float]], limits: Mapping[K, Limits], alpha: float) -> dict[K, Finding]:
    """Judge every hypothesis with this look's part of alpha. `values` are log ratios, a pair each."""
    raw = [p_above(values[key], limits[key].budget) for key in values]
    found: dict[K, Finding] = {}
    for key, p in zip(values, holm(raw), strict=True):
        pairs, own = values[key], limits[key]
        judged = Judged.INCONCLUSIVE
        if p <= alpha:
            judged = Judged.FAIL
        elif p_below(pairs, own.detect) <= alpha:
            judged = Judged.PASS
        smallest = detectable(pairs, own.budget, alpha / len(values))
        found[key] = Finding(judged, shift_of(pairs, alpha), len(pairs), p, smallest)
    return found


class Spending:
    """Hands out alpha over the looks of one sequence."""

    def __init__(self, alpha: float, looks: Sequence[int]) -> None:
        self._alpha = alpha
        self._last = looks[-1]
        self._used = 0.0

    def part(self, pairs: int, is_last: bool) -> float:
        """This look's part: what was set free since the one before, all of the rest in the last."""
        free = self._alpha if is_last else spent(self._alpha, pairs / self._last)
        part = free - self._used
        self._used = free
        return part
