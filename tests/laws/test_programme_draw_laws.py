"""The draw: exact, repeatable, and fair."""

import hashlib
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gelombang.programme.lottery import hold_draw
from gelombang.seeds import Purpose, draw

IDS = st.lists(st.integers(1, 1 << 40), unique=True, max_size=60)
SEEDS = st.integers(0, (1 << 63) - 1)


@given(IDS, st.integers(0, 70), SEEDS)
def test_seed_and_list_alone_decide_and_the_quota_is_exact(ids: list[int], quota: int, seed: int) -> None:
    held = hold_draw(np.array(ids, dtype=np.int64), quota, seed)
    assert len(held.selected) == min(quota, len(ids))
    assert set(held.selected.tolist()) <= set(ids)
    assert (np.diff(held.selected) > 0).all()
    again = hold_draw(np.array(ids[::-1], dtype=np.int64), quota, seed)
    assert (again.selected == held.selected).all()
    assert again.list_sha256 == held.list_sha256


@given(IDS, st.integers(0, 70), SEEDS)
def test_the_fast_draw_is_the_slow_obvious_one(ids: list[int], quota: int, seed: int) -> None:
    by_number = sorted(ids, key=lambda one: (draw(seed, one, Purpose.PLACE_IN_WAVE), one))
    held = hold_draw(np.array(ids, dtype=np.int64), quota, seed)
    assert held.selected.tolist() == sorted(by_number[:quota])
    listed = b"".join(one.to_bytes(8, "little") for one in sorted(ids))
    assert held.list_sha256 == hashlib.sha256(listed).hexdigest()


@given(IDS.filter(bool), SEEDS)
def test_more_places_never_cost_anybody_theirs(ids: list[int], seed: int) -> None:
    joined = np.array(ids, dtype=np.int64)
    chosen = [set(hold_draw(joined, quota, seed).selected.tolist()) for quota in range(len(ids) + 1)]
    assert all(less < more for less, more in pairwise(chosen))


def test_nobody_has_a_better_chance_by_an_early_or_a_late_number() -> None:
    """Pearson's chi-square over 40 people and 4,000 draws of 10 places: 39 degrees of freedom.

    Draws without replacement have a smaller variance than multinomial counts, by (1 - 10/40), so the statistic over it is compared with
    the chi-square's 99.99 % point, 80.2; a fixed set of seeds, so the test can't fail by chance.
    """
    people, places, draws = 40, 10, 4_000
    joined = np.arange(1, people + 1, dtype=np.int64)
    counts = np.zeros(people)
    for seed in range(draws):
        counts[hold_draw(joined, places, seed).selected - 1] += 1
    expected = draws * places / people
    statistic = float(((counts - expected) ** 2 / expected).sum()) / (1 - places / people)
    assert statistic < 80.2


def test_pairs_are_drawn_as_often_as_chance_says() -> None:
    """One person's luck says nothing about a neighbour's: both of a pair in 5 of 20 places have probability 5·4/(20·19)."""
    draws, together = 6_000, 0
    joined = np.arange(100, 120, dtype=np.int64)
    for seed in range(draws):
        chosen = set(hold_draw(joined, 5, seed).selected.tolist())
        together += {104, 105} <= chosen
    expected = draws * 5 * 4 / (20 * 19)
    # A binomial: four and a half deviations.
    assert abs(together - expected) < 4.5 * (expected * (1 - expected / draws)) ** 0.5
