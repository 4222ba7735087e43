"""Scales multiply, so they can be undone, and nothing but the declared dimension decides."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gelombang.loading import load_profile, load_scenario
from gelombang.scale import Dimension, Scale, scaled

WITH_ROWS = load_scenario("opening-hour")
SCENARIO = WITH_ROWS.model_copy(update={"arrivals": WITH_ROWS.arrivals.model_copy(update={"rows": None})})
"""Without the thousands of rows of its curve, so that a hundred scales are quick."""
PROFILE = load_profile("hardened")

scales = st.builds(
    Scale,
    sample=st.integers(1, 500).map(lambda n: Fraction(1, n)),
    speed=st.floats(0.5, 500.0),
    bytes_ratio=st.floats(0.01, 1.0),
    load=st.floats(0.1, 10.0),
)


@given(scales, st.floats(0.001, 1e7))
def test_wall_and_peoples_time_are_inverse(scale: Scale, seconds: float) -> None:
    assert scale.people_seconds(scale.wall_seconds(seconds)) == pytest.approx(seconds, rel=1e-12)


@given(scales)
def test_rates_times_waits_are_counts(scale: Scale) -> None:
    """The physics is kept: a shared rate over a wait is a count, a bandwidth over a wait is store bytes, a count of sizes too."""
    factor = scale.factor
    assert factor(Dimension.SHARED_RATE) * factor(Dimension.WAITING) == pytest.approx(factor(Dimension.COUNT))
    assert factor(Dimension.ARRIVAL_RATE) * factor(Dimension.WAITING) == pytest.approx(factor(Dimension.ARRIVALS))
    assert factor(Dimension.STORE_BANDWIDTH) * factor(Dimension.WAITING) == pytest.approx(factor(Dimension.STORE_BYTES))
    assert factor(Dimension.COUNT) * factor(Dimension.SIZE) == pytest.approx(factor(Dimension.STORE_BYTES))
    assert factor(Dimension.UPLINK) * factor(Dimension.WAITING) == pytest.approx(factor(Dimension.SIZE))


@given(scales)
def test_a_photo_takes_as_long_in_peoples_time_at_every_scale(scale: Scale) -> None:
    people, site = scaled(SCENARIO, scale), scaled(PROFILE, scale)
    at_full = SCENARIO.people.photos["ktp"].first_bytes.quantile(0.5) / SCENARIO.people.line.uplink_bytes_per_second.quantile(0.5)
    wall = people.people.photos["ktp"].first_bytes.quantile(0.5) / people.people.line.uplink_bytes_per_second.quantile(0.5)
    assert scale.people_seconds(wall) == pytest.approx(at_full)
    patience = people.patience.upload_seconds.quantile(0.5) / people.patience.retry_seconds.quantile(0.5)
    assert patience == pytest.approx(3.0)
    assert scale.people_seconds(site.uploads.answer_within_seconds) == pytest.approx(60.0)


@given(st.floats(0.5, 500.0))
def test_a_clock_made_faster_and_slower_again_is_the_same_clock(speed: float) -> None:
    there = scaled(SCENARIO, Scale(speed=speed))
    back = scaled(there, Scale(speed=1 / speed))
    assert back.patience.retry_seconds.quantile(0.9) == pytest.approx(SCENARIO.patience.retry_seconds.quantile(0.9))
    assert back.arrivals.for_seconds == pytest.approx(3_600.0)
