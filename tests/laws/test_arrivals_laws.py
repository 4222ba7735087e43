"""Plans follow their rate: exact in number, Poisson in between, whatever the curve, the seed and the striping."""

import math
from fractions import Fraction
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gelombang.arrivals import ArrivalPlan, make_plan
from gelombang.curve import Rate, rate_of
from gelombang.loading import load_scenario
from gelombang.scale import Scale
from gelombang.scenario import Arrivals, CurveRows, Phase, Scenario

BASE = load_scenario("opening-hour")
KOLMOGOROV_1E6 = 2.69
"""sqrt(n)·D stays below this with probability 1 - 1e-6 (Kolmogorov's limit: 2·exp(-2·x²))."""


def with_arrivals(arrivals: Arrivals) -> Scenario:
    return BASE.model_copy(update={"arrivals": arrivals})


def curve_of(steps: list[float], rates: list[float]) -> Arrivals:
    seconds = tuple(accumulate(steps[: len(rates) - 1], initial=0.0))
    per_second = tuple(rates[: len(seconds)])
    return Arrivals(curve="c.csv", for_seconds=seconds[-1], rows=CurveRows(seconds=seconds, per_second=per_second))


curves = st.builds(
    curve_of,
    st.lists(st.floats(1.0, 600.0), min_size=1, max_size=12),
    st.lists(st.floats(0.0, 50.0, allow_subnormal=False), min_size=2, max_size=13),
).filter(lambda arrivals: total(arrivals) > 2)

phases = (
    st.lists(
        st.one_of(
            st.builds(Phase, form=st.just("hold"), for_seconds=st.floats(1.0, 300.0), start_per_second=st.floats(0.0, 20.0)),
            st.builds(
                Phase,
                form=st.sampled_from(["ramp", "spike"]),
                for_seconds=st.floats(1.0, 300.0),
                start_per_second=st.floats(0.0, 20.0),
                end_per_second=st.floats(0.0, 20.0),
            ),
            st.builds(
                Phase,
                form=st.just("stairs"),
                for_seconds=st.floats(1.0, 300.0),
                start_per_second=st.floats(0.0, 20.0),
                end_per_second=st.floats(0.0, 20.0),
                stairs=st.integers(2, 9),
            ),
        ),
        min_size=1,
        max_size=5,
    )
    .map(lambda items: Arrivals(phases=items))
    .filter(lambda arrivals: sum(p.for_seconds for p in arrivals.phases) > 1 and total(arrivals) > 2)
)


def total(arrivals: Arrivals) -> float:
    """The area under a rate by elementary geometry."""
    if arrivals.rows is not None:
        rows = list(zip(arrivals.rows.seconds, arrivals.rows.per_second, strict=True))
        return sum((after[0] - before[0]) * (before[1] + after[1]) / 2 for before, after in pairwise(rows))
    return sum(phase_area(phase) for phase in arrivals.phases)


def phase_area(phase: Phase) -> float:
    """A rectangle, or the mean of both ends (stairs have it too)."""
    end = phase.start_per_second if phase.end_per_second is None else phase.end_per_second
    return phase.for_seconds * (phase.start_per_second + end) / 2


@settings(deadline=None)
@given(st.one_of(curves, phases), st.integers(0, 2**32), st.integers(1, 5), st.floats(0.5, 200.0))
def test_every_plan_is_exact_sorted_and_inside(arrivals: Arrivals, seed: int, nth: int, speed: float) -> None:
    scale = Scale(sample=Fraction(1, nth), speed=speed, load=2.0 * nth)
    plan = make_plan(with_arrivals(arrivals), scale, seed)
    assert abs(plan.people - 2 * total(arrivals)) <= 0.5 + 1e-6
    assert bool(np.all(np.diff(plan.due_us) >= 0))
    assert plan.due_us[0] >= 1
    assert plan.due_us[-1] <= max(1, plan.for_us + 1)


@settings(deadline=None)
@given(st.one_of(curves, phases))
def test_the_total_is_the_area_of_geometry(arrivals: Arrivals) -> None:
    assert rate_of(arrivals).total == pytest.approx(total(arrivals))


@settings(deadline=None)
# The shares of a plan come from `seeds.unit`, whose smallest value is 2**-54 and whose largest is 1 - 2**-54.
@given(st.one_of(curves, phases), st.lists(st.floats(2.0**-54, 1 - 2.0**-53), min_size=1, max_size=50))
def test_the_inverse_undoes_the_cumulative(arrivals: Arrivals, shares: list[float]) -> None:
    rate = rate_of(arrivals)
    levels = np.sort(np.array(shares)) * rate.total
    assert rate.expected_until(rate.inverse(levels)) == pytest.approx(levels, rel=1e-6, abs=1e-6 * rate.total)


@settings(deadline=None)
@given(curves, st.floats(0.05, 0.95))
def test_two_windows_side_by_side_hold_what_the_whole_holds(arrivals: Arrivals, share: float) -> None:
    rate = rate_of(arrivals)
    cut = rate.duration_seconds * share
    rest = rate.duration_seconds - cut
    parts = rate.window(0.0, cut).total + rate.window(cut, rest).total if cut + rest <= rate.duration_seconds else rate.total
    assert parts == pytest.approx(rate.total, rel=1e-6, abs=1e-6)


@settings(deadline=None)
@given(st.integers(1, 16), st.integers(0, 2**32))
def test_striping_changes_nobody(processes: int, seed: int) -> None:
    plan = ArrivalPlan(np.sort(np.arange(1, 500, dtype=np.int64) * (seed % 97 + 1)), 10**6, "")
    pairs = [pair for k in range(processes) for pair in zip(*(part.tolist() for part in plan.stripe(k, processes)), strict=True)]
    assert sorted(pairs) == list(enumerate(plan.due_us.tolist()))


def distance(due_seconds: NDArray[np.float64], rate: Rate) -> float:
    """Kolmogorov's distance between the arrivals and the normalised cumulative of the rate."""
    expected = rate.expected_until(np.minimum(due_seconds, rate.duration_seconds)) / rate.total
    ranks = np.arange(1, len(expected) + 1) / len(expected)
    return float(max(np.max(ranks - expected), np.max(expected - ranks + 1 / len(expected))))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("for_seconds", [3_600.0, 75_600.0])
def test_arrivals_follow_the_curve_of_2020(seed: int, for_seconds: float) -> None:
    """Kolmogorov-Smirnov at 1e-6 for each of the 8 cases."""
    rate = rate_of(BASE.arrivals, for_seconds)
    plan = make_plan(BASE, Scale(Fraction(1, 50), 60.0, 0.1), seed, for_seconds)
    assert math.sqrt(plan.people) * distance(plan.due_us * 60 / 1e6, rate) < KOLMOGOROV_1E6


def test_counts_of_windows_scatter_as_poisson_says() -> None:
    """Given the total, window counts are multinomial: the chi-square over 60 windows has mean 59 and deviation 10.9; five allowed."""
    rate = rate_of(BASE.arrivals)
    plan = make_plan(BASE, Scale(Fraction(1, 50), 60.0, 0.1), 3)
    got = plan.offered_per_window(1_000_000)
    expected = np.diff(rate.expected_until(np.arange(0.0, 3_601.0, 60.0))) / rate.total * plan.people
    chi_square = float(np.sum((got - expected) ** 2 / expected))
    assert 59 - 5 * 10.9 < chi_square < 59 + 5 * 10.9


def test_gaps_of_a_steady_rate_are_exponential() -> None:
    """The coefficient of variation of n exponential gaps is 1 with deviation about 1/sqrt(n); five allowed."""
    steady = with_arrivals(Arrivals(phases=[Phase(form="hold", for_seconds=1_000.0, start_per_second=20.0)]))
    gaps = np.diff(make_plan(steady, Scale(), 5).due_us)
    assert float(np.std(gaps) / np.mean(gaps)) == pytest.approx(1.0, abs=5 / math.sqrt(len(gaps)))
