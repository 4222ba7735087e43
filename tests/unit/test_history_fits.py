"""The fit of upload places, on a site whose counts are a power of them."""

import pytest

from gelombang_capacity.history import places_for


def test_places_are_found_between_those_that_a_sample_can_have() -> None:
    asked: list[int] = []

    def shows(places: int) -> float:
        asked.append(places)
        return 77_834.0 * (places / 787) ** -3.2

    places, slope = places_for(shows, 77_834.0, 50)
    assert places == pytest.approx(787, abs=3)
    assert slope == pytest.approx(-3.2, rel=0.01)
    assert all(each % 50 == 0 for each in asked)
    assert len(asked) < 9
