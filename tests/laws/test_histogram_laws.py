"""The histogram against exact quantiles of the samples themselves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gelombang.histogram import BUCKETS, LIMIT_US, Histogram, bucket_of, buckets_of

QUANTILES = (0.0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0)


def exact(values: np.ndarray, probability: float) -> int:
    """Nearest rank on the sorted samples: the definition, written out."""
    return int(np.sort(values)[max(math.ceil(probability * len(values)), 1) - 1])


@pytest.mark.parametrize(
    "make",
    [
        lambda r: r.lognormal(9, 2.5, 1_000_000),
        lambda r: r.uniform(0, 50_000_000, 1_000_000),
        lambda r: r.pareto(0.7, 1_000_000) * 100,
        lambda r: np.where(r.random(1_000_000) < 0.99, 900, 44_000_000) + r.integers(0, 50, 1_000_000),
    ],
    ids=["lognormal", "uniform", "heavy tail", "two humps"],
)
def test_every_quantile_of_a_million_samples_is_within_one_percent(make):
    values = np.minimum(make(np.random.default_rng(7)), LIMIT_US).astype(np.int64)
    found = Histogram.of(values)
    for probability in QUANTILES:
        wanted = exact(values, probability)
        assert abs(found.quantile_us(probability) - wanted) <= 0.01 * wanted, probability


durations = st.lists(st.one_of(st.integers(0, 300), st.integers(0, 10_000_000), st.integers(0, LIMIT_US)), max_size=60)


@given(durations.filter(bool), st.floats(0, 1))
def test_any_quantile_of_any_samples_is_within_one_percent(values, probability):
    wanted = exact(np.array(values), probability)
    assert abs(Histogram.of(values).quantile_us(probability) - wanted) <= 0.01 * wanted


@given(st.lists(durations, max_size=5))
def test_parts_merged_are_the_whole_in_any_order(parts):
    whole = Histogram.of([value for part in parts for value in part])
    for order in (parts, parts[::-1]):
        merged = Histogram()
        for part in order:
            merged.merge(Histogram.of(part))
        assert merged.to_bytes() == whole.to_bytes()


@given(durations)
def test_one_by_one_is_the_same_as_many_at_once_and_bytes_come_back(values):
    slow = Histogram()
    for value in values:
        slow.add(value)
    assert slow.to_bytes() == Histogram.of(values).to_bytes()
    back = Histogram.from_bytes(slow.to_bytes())
    assert (back.samples, back.min_us, back.max_us) == (slow.samples, slow.min_us, slow.max_us)
    assert (back.counts == slow.counts).all()


@settings(max_examples=300)
@given(st.integers(0, LIMIT_US - 1))
def test_buckets_rise_with_the_value_and_leave_no_gap(value):
    here, above = bucket_of(value), bucket_of(value + 1)
    assert 0 <= here <= above <= here + 1 < BUCKETS + 1
    assert list(buckets_of(np.array([value, value + 1]))) == [here, above]
