"""A capped partner: never faster than its rate, in order, and never idle while somebody waits."""

from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from gelombang_server.pacing import Pacer


@given(st.lists(st.integers(0, 300_000), min_size=1, max_size=60), st.lists(st.integers(20_000, 400_000), min_size=1, max_size=60))
@settings(deadline=None)
def test_starts_follow_the_rate_however_seldom_anybody_looks(gaps_us: list[int], looks_us: list[int]) -> None:
    """Oracle: the Lindley recursion of a server with a fixed gap; 10 starts a second."""
    queued, now = [], 0
    for gap in gaps_us:
        now += gap
        queued.append(now)
    pacer, starts, now, looks = Pacer(10.0, 0), [], 0, cycle(looks_us)
    while len(starts) < len(queued):
        now += next(looks)
        while len(starts) < len(queued) and queued[len(starts)] <= now:
            start = pacer.start_us(queued[len(starts)], now)
            if start is None:
                break
            assert start <= now
            starts.append(start)
    free = 0
    for at, start in zip(queued, starts, strict=True):
        assert start == max(at, free)
        free = start + 100_000
