"""Measured times as quantiles: their means are kept, and their forms."""

import numpy as np
import pytest

from gelombang_capacity.costs import FIXED, LEVELS, SpreadRows, mean_of, moved_to, scaled_to, spread_of


def test_a_spread_keeps_the_mean_of_what_was_measured_also_when_one_took_a_thousand_times_as_long() -> None:
    times = np.concatenate([np.random.default_rng(1).gamma(4.0, 0.25, 20_000), [1_000.0]])
    spread = spread_of(times)
    assert mean_of(spread) == pytest.approx(times.mean(), rel=0.01)
    assert spread[-1] < 10
    assert list(spread) == sorted(spread)


def test_equal_times_are_a_flat_spread() -> None:
    assert spread_of(np.full(100, 0.25)) == (0.25,) * LEVELS


def test_a_form_is_scaled_in_all_or_moved_as_a_whole() -> None:
    spread = tuple(0.5 + level / (LEVELS - 1) for level in range(LEVELS))
    assert mean_of(scaled_to(spread, 3.0)) == pytest.approx(3.0)
    assert scaled_to(spread, 3.0)[0] == pytest.approx(1.5)
    assert mean_of(moved_to(spread, 3.0)) == pytest.approx(3.0)
    assert moved_to(spread, 3.0)[0] == pytest.approx(2.5)
    assert min(moved_to(spread, 0.1)) == 0.0


def test_a_step_without_a_spread_has_no_row() -> None:
    rows = SpreadRows()
    assert rows.add(()) == FIXED
    assert rows.table.shape == (0, LEVELS)
    assert rows.add((0.001,) * LEVELS) == 0
    assert rows.table.tolist() == [[1_000.0] * LEVELS]
