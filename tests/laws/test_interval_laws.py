"""Intervals hold what they promise: against exact sums, against the truth of known distributions, and with samples that resemble each
other."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gelombang.histogram import Histogram
from gelombang.intervals import (
    design_effect,
    family_alpha,
    quantile_interval_us,
    quantile_ranks,
    rate_ratio,
    share_difference,
    share_interval,
)

ALPHA = 0.05
ROUNDS = 1_000
SLACK = 3.1 * (ALPHA * (1 - ALPHA) / ROUNDS) ** 0.5
"""What the found share of misses may lie above its promise by chance, one time in a thousand."""


def exact_ranks(samples: int, probability: Fraction, alpha: Fraction) -> tuple[int, int] | None:
    """By its definition, in fractions: the narrowest ranks that leave at most alpha/2 on either side."""
    mass = [comb(samples, k) * probability**k * (1 - probability) ** (samples - k) for k in range(samples + 1)]
    lows = [r for r in range(1, samples + 1) if sum(mass[:r]) <= alpha / 2]
    highs = [r for r in range(1, samples + 1) if sum(mass[r:]) <= alpha / 2]
    return (max(lows), min(highs)) if lows and highs else None


@given(st.integers(1, 90), st.sampled_from([Fraction(1, 2), Fraction(9, 10), Fraction(3, 10)]), st.sampled_from([20, 100, 1_000]))
def test_ranks_are_those_of_exact_binomial_sums(samples, probability, one_in):
    alpha = Fraction(1, one_in)
    assert quantile_ranks(samples, float(probability), float(alpha)) == exact_ranks(samples, probability, alpha)


@pytest.mark.parametrize(("probability", "least"), [(0.5, 6), (0.9, 36), (0.99, 368)])
def test_with_too_few_samples_there_is_no_interval(probability, least):
    """The largest of n samples lies below the p-quantile with p**n: 368 samples are the fewest that can bound a p99 from above."""
    assert quantile_ranks(least - 1, probability) is None
    assert quantile_ranks(least, probability) is not None


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.99])
def test_an_interval_of_a_quantile_misses_the_truth_no_more_often_than_it_says(probability):
    draws = np.random.default_rng(3).lognormal(8, 2, (ROUNDS, 1_200)).astype(np.int64)
    truth = float(np.quantile(np.random.default_rng(4).lognormal(8, 2, 4_000_000), probability))
    missed = 0
    for row in draws:
        found = quantile_interval_us(Histogram.of(row), probability)
        assert found is not None
        missed += not found.low * 0.99 <= truth <= found.high * 1.01  # the histogram's own error, and that of the drawn truth
    assert missed / ROUNDS <= ALPHA + SLACK


def test_two_runs_of_one_truth_are_told_apart_no_more_often_than_promised():
    """A family of twelve comparisons, each at its part of 5 %: in at most 5 % of pairs of runs is anything marked at all."""
    chance, alpha = np.random.default_rng(5), family_alpha(12, ALPHA)
    marked = 0
    for _ in range(ROUNDS):
        told = False
        for people, share, rate in ((900, 0.1, 40.0), (4_000, 0.9, 300.0), (60, 0.4, 3.0), (3_000, 0.01, 900.0)):
            a, b = (float(chance.binomial(people, share)) for _ in range(2))
            x, y = (float(chance.poisson(rate)) for _ in range(2))
            u, v = (Histogram.of(chance.lognormal(9, 1, 400).astype(np.int64)) for _ in range(2))
            difference = share_difference((a, people), (b, people), alpha)
            ratio = rate_ratio((x, 60.0), (y, 60.0), alpha)
            own, other = quantile_interval_us(u, 0.9, alpha), quantile_interval_us(v, 0.9, alpha)
            told |= not difference.low <= 0 <= difference.high
            told |= ratio is not None and not ratio.low <= 1 <= ratio.high
            told |= own is not None and other is not None and not own.overlaps(other)
        marked += told
    assert marked / ROUNDS <= ALPHA + SLACK


def test_what_differs_is_found():
    assert share_difference((300, 1_000), (420, 1_000), family_alpha(60)).low > 0
    ratio = rate_ratio((100, 60.0), (400, 120.0), family_alpha(60))
    assert ratio is not None
    assert ratio.low < 2.0 < ratio.high
    assert ratio.low > 1


def test_people_whose_tries_resemble_each_other_are_worth_fewer_samples():
    """Ten tries each, all of one kind: the effect is ten, and the interval of their share holds its promise again."""
    chance = np.random.default_rng(6)
    person = np.repeat(np.arange(200), 10)
    missed = naive = 0
    for _ in range(ROUNDS):
        marked = np.repeat(chance.random(200) < 0.3, 10)
        effect = design_effect(marked, person)
        assert 8 < effect < 12
        hits, worth = float(marked.sum()), len(marked)
        whole = share_interval(hits / effect, worth / effect)
        alone = share_interval(hits, worth)
        missed += not whole.low <= 0.3 <= whole.high
        naive += not alone.low <= 0.3 <= alone.high
    assert missed / ROUNDS <= ALPHA + SLACK
    assert naive / ROUNDS > 0.3  # what attempts taken for independent would have missed by


def test_independent_samples_are_worth_about_themselves():
    chance = np.random.default_rng(7)
    effects = [design_effect(chance.random(2_000) < 0.3, np.arange(2_000) // 10) for _ in range(100)]
    assert 1.0 <= float(np.mean(effects)) < 1.15


@given(st.integers(0, 500), st.integers(1, 500))
def test_a_share_lies_in_its_own_interval_and_that_in_0_to_1(part, more):
    whole = part + more
    found = share_interval(part, whole)
    assert 0 <= found.low <= part / whole <= found.high <= 1


def test_nothing_counted_says_nothing():
    assert share_interval(0, 0).low == 0.0
    assert share_interval(0, 0).high == 1.0
    assert rate_ratio((0, 60.0), (0, 60.0)) is None
    assert design_effect([], []) == 1.0
