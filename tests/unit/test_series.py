"""Series of a run: growth over restarts, windows that add up, levels."""

import numpy as np
import pytest

from gelombang.series import Series, SeriesTable


def series(*points: tuple[float, float], name: str = "x") -> Series:
    times, values = zip(*points, strict=True)
    return Series(name, {}, np.array(times, dtype=float), np.array(values, dtype=float))


def test_neighbouring_windows_add_up_to_the_whole() -> None:
    counter = series((0, 0), (1, 3), (2, 4), (3, 9), (4, 9))
    assert counter.growth(0, 2) == 4
    assert counter.growth(2, 4) == 5
    assert counter.growth(0, 4) == 9


def test_a_fall_is_a_restart_from_zero() -> None:
    assert series((0, 10), (1, 15), (2, 2), (3, 4)).growth(0, 3) == 5 + 2 + 2


def test_growth_needs_two_samples() -> None:
    assert series((0, 10), (5, 15)).growth(-3, 2) is None


def test_a_level_is_the_newest_sample_and_its_lowest_and_mean_those_of_the_window() -> None:
    gauge = series((0, 4), (1, 2), (2, 6), (9, 1))
    assert gauge.last(5) == 6
    assert gauge.last(-1) is None
    assert gauge.mean(0, 2) == 4
    assert gauge.mean(3, 8) is None
    assert gauge.lowest(0, 2) == 2
    assert gauge.lowest(3, 8) is None


def test_a_table_knows_when_it_begins_and_ends() -> None:
    table = SeriesTable.of([series((1, 0), (4, 1)), series((2, 0), (7, 1), name="y")])
    assert (table.begins_seconds, table.ends_seconds) == (1.0, 7.0)
    assert [one.name for one in table.named("y")] == ["y"]
    assert table.named("z") == []


def test_times_and_values_go_together() -> None:
    with pytest.raises(AssertionError):
        Series("x", {}, np.array([1.0]), np.array([]))
