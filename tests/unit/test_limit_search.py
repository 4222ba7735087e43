"""The search for a limit, against sites whose limit is known because they are made up."""

import numpy as np
import pytest

from gelombang_capacity.limit_belief import LimitBelief
from gelombang_capacity.limit_search import DOUBTED_LIMIT, Probe, SearchRules, search


class MadeUpSite:
    """Breaks above its limit, softly; the probe's number is its seed."""

    def __init__(self, limit: float, softness: float, seed: int, longer_holds_lower: float = 1.0) -> None:
        self.limit, self.softness, self.seed = limit, softness, seed
        self.longer_holds_lower = longer_holds_lower

    def run(self, load: float, number: int, is_long: bool) -> Probe:
        chance = np.random.default_rng([self.seed, number]).logistic()
        limit = self.limit * (self.longer_holds_lower if is_long else 1.0)
        is_met = bool(np.log(load / limit) + self.softness * chance < 0)
        return Probe(load, number, is_long, is_met, broken=() if is_met else ("it broke",))


def test_a_sharp_limit_is_found_within_the_precision_and_confirmed_below_it() -> None:
    found = search(MadeUpSite(3.3, 1e-6, 1).run, SearchRules())
    assert found.limit == pytest.approx(3.3, rel=0.05)
    assert found.confirmed is not None
    assert found.confirmed < 3.3
    assert found.probes[-1].is_long


def test_a_limit_below_the_first_load_is_found_by_halving() -> None:
    found = search(MadeUpSite(0.2, 1e-6, 1).run, SearchRules())
    assert found.limit == pytest.approx(0.2, rel=0.05)


def test_the_interval_of_a_soft_limit_holds_it_about_as_often_as_it_promises() -> None:
    """90 % promised; of 60 searches fewer than 45 would be 3.5 standard deviations below."""
    inside = 0
    for seed in range(60):
        found = search(MadeUpSite(2.9, 0.03, seed).run, SearchRules(probes_limit=60))
        if found.low is not None and found.high is not None:
            inside += found.low <= 2.9 <= found.high
    assert inside >= 45


def test_soft_limits_are_found_within_five_percent_of_their_median_by_different_seeds() -> None:
    limits = [search(MadeUpSite(2.9, 0.02, seed).run, SearchRules(probes_limit=60)).limit or 0.0 for seed in range(5)]
    middle = float(np.median(limits))
    assert all(abs(limit / middle - 1) < 0.05 for limit in limits)


def test_runs_that_doubt_themselves_count_for_nothing_and_end_the_search_when_they_are_all() -> None:
    def doubted(load: float, number: int, is_long: bool) -> Probe:
        return Probe(load, number, is_long, is_met=True, doubts=("busy-machine: it was",))

    found = search(doubted, SearchRules())
    assert found.limit is None
    assert len(found.probes) == DOUBTED_LIMIT
    assert "doubted themselves: busy-machine" in found.reason


def test_a_doubted_run_is_repeated_with_other_people() -> None:
    site = MadeUpSite(3.3, 1e-6, 1)

    def sometimes(load: float, number: int, is_long: bool) -> Probe:
        probe = site.run(load, number, is_long)
        return Probe(load, number, is_long, not probe.is_met, doubts=("late-generator: it was",)) if number % 2 else probe

    found = search(sometimes, SearchRules(probes_limit=80))
    assert found.limit == pytest.approx(3.3, rel=0.05)


def test_a_load_that_only_a_short_hold_carries_is_not_what_the_site_is_said_to_carry() -> None:
    found = search(MadeUpSite(3.3, 1e-6, 1, longer_holds_lower=0.5).run, SearchRules(probes_limit=80))
    assert found.confirmed is None
    assert "longer holds broke" in found.reason


def test_a_site_that_never_breaks_has_no_limit_and_says_so() -> None:
    found = search(MadeUpSite(1e9, 1e-6, 1).run, SearchRules())
    assert found.limit is None
    assert "carried still" in found.reason


def test_a_belief_narrows_around_what_it_saw() -> None:
    belief = LimitBelief(1.0, 4.0)
    for load, is_met in ((1.5, True), (3.0, False), (2.0, True), (2.4, False), (2.1, True), (2.3, False)):
        belief.saw(load, is_met)
    low, high = belief.interval(0.9)
    assert 1.8 < low < 2.2 < high < 2.6
