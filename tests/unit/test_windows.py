"""Windows: their widths, and where a moment falls."""

import numpy as np
import pytest

from gelombang.windows import WindowGrid, window_seconds


@pytest.mark.parametrize(
    ("for_seconds", "width"),
    [(3_600.0, 60.0), (1_200.0, 60.0), (1_199.0, 30.0), (60.0, 2.0), (5.0, 1.0), (14_400.0, 60.0), (75_600.0, 600.0), (421_200.0, 1_800.0)],
)
def test_windows_are_minutes_of_the_peoples_time_unless_a_run_is_short_or_long(for_seconds, width):
    assert window_seconds(for_seconds) == width


def test_windows_reach_to_the_runs_end():
    assert WindowGrid.over(3_600.0, 3_720.0, 60.0).count == 62
    assert WindowGrid.over(3_600.0, 3_600.0000001, 60.0).count == 60
    assert WindowGrid.over(3_600.0, 10.0, 60.0).count == 60


def test_a_moment_on_an_edge_belongs_to_the_later_window_and_strays_to_the_outer_ones():
    grid = WindowGrid(60.0, 3, 60.0)
    assert grid.of(np.array([-5, 0, 999_999, 1_000_000, 2_999_999, 3_000_000, 9_000_000])).tolist() == [0, 0, 0, 1, 2, 2, 2]


def test_counts_and_weights_sum_to_what_was_given():
    grid = WindowGrid(60.0, 3, 60.0)
    times = np.array([0, 10, 1_000_000])
    assert grid.counts(times).tolist() == [2, 1, 0]
    assert grid.counts(times, np.array([5, 6, 7])).tolist() == [11, 7, 0]
    assert grid.counts(times[:0]).tolist() == [0, 0, 0]
