"""Shares of personas follow their weights, and who is what depends on nothing but the seed and the person."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gelombang.person import persona_of
from gelombang.scenario import Scenario
from tests.support.small_scenario import HOME, scenario

PEOPLE = 2_000
DEVIATIONS = 6.0
"""A share further from its weight than this happens by chance once in 500 million."""


def mixed(weights: list[float]) -> Scenario:
    personas = [{"name": f"kind-{i}", "weight": weight, "patience": {}} for i, weight in enumerate(weights)]
    plain = scenario(HOME).model_dump(mode="json", by_alias=True, exclude_none=True)
    return Scenario.model_validate({**plain, "persona": personas})


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=4), st.integers(0, 1 << 32))
def test_shares_are_those_of_the_weights_within_six_standard_deviations(weights: list[float], seed: int) -> None:
    what = mixed(weights)
    found = Counter(persona_of(seed, person, what) for person in range(PEOPLE))
    for number, weight in enumerate(weights):
        share = weight / sum(weights)
        assert abs(found[number] - PEOPLE * share) <= DEVIATIONS * math.sqrt(PEOPLE * share * (1 - share)) + 1e-6


@given(st.integers(0, 1 << 32), st.integers(0, 1 << 20))
def test_other_weights_in_the_same_proportion_change_nobody(seed: int, person: int) -> None:
    assert persona_of(seed, person, mixed([1.0, 2.0, 5.0])) == persona_of(seed, person, mixed([2.0, 4.0, 10.0]))
