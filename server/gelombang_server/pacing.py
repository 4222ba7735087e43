"""A partner that takes one thing after the other, evenly spaced at a capped rate, first come first served. Pure.

A virtual clock: a late caller catches up, so the mean rate does not depend on how often it looks, and the n-th start never comes earlier
than n gaps after the first.
"""


class Pacer:
    """`rate_per_second` starts per wall second, from `now_us` on."""

    def __init__(self, rate_per_second: float, now_us: int) -> None:
        assert rate_per_second > 0
        self._gap_us = 1e6 / rate_per_second
        self._next_us = float(now_us)

    def start_us(self, queued_us: int, now_us: int) -> int | None:
        """When the thing queued at `queued_us` starts, if that is now or past: it then counts. None: not yet, ask again."""
        start_us = max(float(queued_us), self._next_us)
        if start_us > now_us:
            return None
        self._next_us = start_us + self._gap_us
        return round(start_us)
