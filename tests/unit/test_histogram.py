"""The histogram's edges."""

import numpy as np
import pytest

from gelombang.histogram import LIMIT_US, Histogram


def test_no_samples_have_no_quantile():
    assert Histogram().quantile_us(0.5) is None


def test_durations_below_128_microseconds_are_exact():
    found = Histogram.of(np.arange(128))
    assert [found.quantile_us((i + 1) / 128) for i in range(128)] == list(range(128))


def test_the_largest_sample_is_exact():
    assert Histogram.of([5, 1_234_567]).quantile_us(1.0) == 1_234_567


def test_a_duration_beyond_the_limit_counts_in_the_last_bucket():
    found = Histogram.of([LIMIT_US * 4, 1])
    assert found.samples == 2
    assert found.counts[-1] == 1


def test_a_negative_duration_is_a_programmer_error():
    with pytest.raises(AssertionError):
        Histogram().add(-1)
    with pytest.raises(AssertionError):
        Histogram.of([3, -1])


@pytest.mark.parametrize("data", [b"", b"nothing of the kind, but long enough", Histogram.of([1, 2]).to_bytes()[:-1]])
def test_what_is_not_a_histogram_is_refused(data):
    with pytest.raises(ValueError, match="histogram"):
        Histogram.from_bytes(data)
