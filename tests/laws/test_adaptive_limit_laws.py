"""What the limit learns of disks whose nature is known: one at a time, many at once, slower for a while."""

import heapq
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gelombang.adaptive_limit import AdaptiveLimit, LimitRule

CEILING = 8
RULE = LimitRule(floor=1, ceiling=CEILING, tolerance=2.0, window_samples=20, probe_samples=5, probe_every_us=30_000_000)
Disk = Callable[[int, int], int]
"""How long one takes that begins at this moment, with so many at work."""


def after(limit: AdaptiveLimit, disk: Disk, from_us: int, until_us: int, others: int = CEILING) -> list[int]:
    """Somebody is always waiting, up to `others` at once: the limits that held, one for each that was done."""
    at_work: list[tuple[int, int, int]] = []
    now_us, seen = from_us, []
    while now_us < until_us:
        while len(at_work) < min(limit.limit, others):
            n = len(at_work) + 1
            heapq.heappush(at_work, (now_us + disk(now_us, n), n, now_us))
        now_us, n, began_us = heapq.heappop(at_work)
        limit.took(now_us, now_us - began_us, n)
        seen.append(limit.limit)
    return seen


def alone(_: int, n: int) -> int:
    """A disk that does one after the other: twice as many at once take twice as long each."""
    return 2_000 * n


def together(_: int, n: int) -> int:
    """A disk that does any number at once."""
    return 2_000 + 10 * n


def settled(seen: list[int]) -> list[int]:
    return seen[len(seen) // 2 :]


def test_a_disk_that_does_one_at_a_time_is_given_few() -> None:
    most = max(settled(after(AdaptiveLimit(RULE), alone, 0, 20_000_000)))
    assert most <= CEILING // 2 + 1


def test_a_disk_that_does_many_at_once_is_given_all_places_but_while_it_is_probed() -> None:
    seen = settled(after(AdaptiveLimit(RULE), together, 0, 20_000_000))
    assert sum(limit == CEILING for limit in seen) >= 0.95 * len(seen)


def test_the_limit_falls_when_the_disk_gets_slower_for_many_and_comes_back_when_it_recovers() -> None:
    limit = AdaptiveLimit(RULE)

    def faulty(now_us: int, n: int) -> int:
        return 40_000 * n if 10_000_000 <= now_us < 60_000_000 else together(now_us, n)

    before, during, later = (after(limit, faulty, *span) for span in ((0, 9_000_000), (10_000_000, 60_000_000), (60_000_000, 70_000_000)))
    assert settled(before)[-1] == CEILING
    assert max(settled(during)) <= CEILING // 2 + 1
    assert settled(later)[-1] == CEILING


def test_a_disk_that_is_slower_for_everybody_alike_gets_its_places_back() -> None:
    """Fewer at once would not be faster: the baseline was wrong, and is measured again long before its time."""
    limit = AdaptiveLimit(RULE)
    after(limit, together, 0, 1_000_000)
    seen = after(limit, lambda _, n: 30_000, 1_000_000, 20_000_000)
    assert min(seen) < CEILING
    assert settled(seen)[-1] == CEILING


def test_a_limit_that_nobody_uses_does_not_grow() -> None:
    limit = AdaptiveLimit(replace(RULE, window_samples=1))
    after(limit, alone, 0, 5_000_000)
    few = limit.limit
    after(limit, alone, 5_000_000, 10_000_000, others=1)
    assert 2 < few == limit.limit < CEILING


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**7), st.integers(1, 30)), max_size=300), st.integers(1, 3))
def test_whatever_it_is_told_it_stays_within_its_bounds(took: list[tuple[int, int, int]], floor: int) -> None:
    limit = AdaptiveLimit(LimitRule(floor, 12, 1.5, window_samples=3, probe_samples=2, probe_every_us=1_000_000))
    now_us = 0
    for pause_us, duration_us, at_work in took:
        now_us += pause_us
        limit.took(now_us, duration_us, at_work)
        assert floor <= limit.limit <= 12
