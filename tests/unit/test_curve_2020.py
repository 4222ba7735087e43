"""The curve of April 2020: what the script builds is what is committed, and it passes the published counts."""

import runpy
from collections.abc import Callable

import numpy as np
import pytest

from gelombang.curve import Rate, read_curve
from gelombang.resources import scenarios_folder

CURVES = scenarios_folder() / "curves"


@pytest.fixture(scope="module")
def rate() -> Rate:
    rows = read_curve(CURVES / "prakerja-2020.csv")
    return Rate(np.array(rows.seconds), np.array(rows.per_second))


def registered(rate: Rate, hours: float) -> float:
    return float(rate.expected_until(np.array([hours * 3_600.0]))[0])


def test_the_script_builds_the_committed_file_to_the_byte() -> None:
    csv: Callable[[], str] = runpy.run_path(str(CURVES / "build_prakerja_2020.py"))["csv"]
    assert csv() == (CURVES / "prakerja-2020.csv").read_text()


@pytest.mark.parametrize(("hours", "count", "tolerance"), [(21, 1_432_133, 0.001), (65, 3_700_000, 0.03), (117, 5_965_048, 0.02)])
def test_the_curve_passes_the_published_counts(rate: Rate, hours: float, count: int, tolerance: float) -> None:
    assert registered(rate, hours) == pytest.approx(count, rel=tolerance)


def test_the_opening_hour_is_as_the_fit_says(rate: Rate) -> None:
    assert 150_000 <= registered(rate, 1) <= 170_000
    assert 42 <= rate.per_second[0] <= 55
    assert rate.per_second[0] == rate.per_second.max()


def test_nights_are_quiet_and_evenings_are_busy(rate: Rate) -> None:
    for day in range(1, 4):
        night = registered(rate, 24 * day + 9) - registered(rate, 24 * day + 8)
        evening = registered(rate, 24 * day + 2) - registered(rate, 24 * day + 1)
        assert night < 0.25 * evening


def test_the_file_is_small() -> None:
    assert (CURVES / "prakerja-2020.csv").stat().st_size < 100_000
