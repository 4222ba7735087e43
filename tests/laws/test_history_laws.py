"""The fits of the published counts: what they change in the site, and what they must leave alone."""

from fractions import Fraction

import pytest

from gelombang.loading import load_profile, load_scenario
from gelombang.scale import Scale
from gelombang_capacity.history import RAISED_AT_SECONDS, Crowd, Site, counts, profile_of
from gelombang_capacity.published import HISTORY_AT, TARGETS, counts_by_step

pytestmark = pytest.mark.timeout(1_800)

CROWD = Crowd(load_scenario("surge-2020"), load_profile("april-2020"), Scale(Fraction(1, 500)), lambda line: None)


def test_a_store_that_is_raised_later_is_the_same_store_until_then() -> None:
    first = HISTORY_AT[0]
    plain = counts(CROWD, Site(720, 11.2), 3, first)
    assert counts(CROWD, Site(720, 11.2, store_ratio_later=1.6), 3, first) == pytest.approx(plain, rel=0.02)
    assert plain["account", first] == pytest.approx(1_432_133, rel=0.02)
    raised = profile_of(CROWD.profile, Site(720, 11.2, store_ratio_later=1.6))
    (stall,) = raised.store.stalls
    assert stall.for_seconds == RAISED_AT_SECONDS
    assert raised.store.bandwidth_bytes_per_second * stall.bandwidth_ratio == pytest.approx(13_500_000.0)


def test_fewer_places_let_more_people_through_and_less_patience_fewer() -> None:
    first = HISTORY_AT[0]
    shown = [counts(CROWD, site, 3, first)["selfie", first] for site in (Site(500, 11.2), Site(1_000, 11.2), Site(500, 11.2, 1.0, 0.6))]
    assert shown[0] > 2 * shown[1]
    assert shown[0] > 1.3 * shown[2]


def test_the_soft_count_is_judged_and_not_shown_as_published() -> None:
    assert sum(target.is_soft for target in TARGETS) == 1
    assert 234_000.0 not in counts_by_step()["selfie"]
    assert {target.number for target in TARGETS} == {1, 2, 3, 4}
