"""Draws are uniform, and draws for different people, purposes and counts have nothing to do with each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gelombang.seeds import Purpose, unit, unit_array

COUNT = 20_000
KOLMOGOROV_1E6 = 2.69
"""sqrt(n)·D stays below this with probability 1 - 1e-6 (Kolmogorov's limit: 2·exp(-2·x²))."""

seeds = st.integers(min_value=0, max_value=2**64 - 1)


@given(seeds, st.integers(0, 2**40 - 1), st.sampled_from(Purpose), st.integers(0, 2**40))
def test_units_lie_strictly_between_0_and_1(seed: int, person: int, purpose: Purpose, n: int) -> None:
    assert 0.0 < unit(seed, person, purpose, n) < 1.0


@given(seeds, st.lists(st.integers(0, 2**40 - 1), min_size=1, max_size=20), st.sampled_from(Purpose), st.integers(0, 2**40))
def test_array_and_single_draws_are_bit_identical(seed: int, people: list[int], purpose: Purpose, n: int) -> None:
    assert unit_array(seed, np.array(people, dtype=np.int64), purpose, n).tolist() == [unit(seed, p, purpose, n) for p in people]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("axis", ["people", "counts", "purposes"])
def test_draws_along_any_coordinate_are_uniform(seed: int, axis: str) -> None:
    """Kolmogorov-Smirnov against U(0, 1); 15 fixed cases at 1e-6 each, so a false alarm is not to be expected."""
    if axis == "people":
        values = unit_array(seed, np.arange(COUNT, dtype=np.int64), Purpose.UPLINK)
    elif axis == "counts":
        values = np.array([unit(seed, 3, Purpose.THINK, n) for n in range(COUNT // 4)])
    else:
        values = np.array([unit(seed, p, purpose) for p in range(COUNT // 64) for purpose in Purpose])
    ordered = np.sort(values)
    ranks = np.arange(1, len(ordered) + 1) / len(ordered)
    distance = max(float(np.max(ranks - ordered)), float(np.max(ordered - ranks + 1 / len(ordered))))
    assert math.sqrt(len(ordered)) * distance < KOLMOGOROV_1E6


def test_neighbours_are_uncorrelated() -> None:
    """The correlation of n independent pairs has standard deviation 1/sqrt(n); five of them are allowed."""
    values = unit_array(1, np.arange(COUNT, dtype=np.int64), Purpose.IDENTITY)
    other = unit_array(1, np.arange(COUNT, dtype=np.int64), Purpose.ZONE)
    for left, right in ((values[:-1], values[1:]), (values, other)):
        assert abs(float(np.corrcoef(left, right)[0, 1])) < 5 / math.sqrt(COUNT)
