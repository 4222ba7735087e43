"""How much work a full site really gets done: what a told time is worth depends on it.

A site knows what its store is said to move. When something else is scarce (its processor, a slow disk, an object store), it gets less done
than that, and whoever is told a time by the store alone comes back too early, again and again, until answering them is all the site does.
So the work that is finished is measured while people are refused; what was declared holds as long as what is measured is more than half of
it, because photos are few and their sizes differ. For the same reason nothing is believed before `PIECES_LEAST` of them were due. Pure:
times come in, in microseconds.
"""

from gelombang.clock import MICROSECONDS

BELIEVED_RATIO = 0.5
PIECES_LEAST = 20
"""Of 20 that were due, fewer than 9 are finished once in 500 times by chance (Poisson)."""
WINDOWS = 10
"""Least windows that the longest one lasts; and when nobody was refused for as long, the site was not full."""


class DrainRate:
    """Work in bytes. A measurement begins with a refusal, says something after `least_us` or more, and begins anew after ten times it."""

    def __init__(self, declared_per_second: float, mean_work: float, least_us: int) -> None:
        assert declared_per_second > 0
        assert mean_work > 0
        assert least_us > 0
        self._declared = declared_per_second
        self._mean_work = mean_work
        self._least_us = max(least_us, round(PIECES_LEAST * mean_work / declared_per_second * MICROSECONDS))
        self._last = declared_per_second
        self._since_us = self._refused_us = -WINDOWS * self._least_us
        self._work = 0

    def done(self, now_us: int, work: int) -> None:
        """So many bytes of work are finished."""
        self._work += work
        if now_us - self._since_us >= WINDOWS * self._least_us:
            self._last = self._measured(now_us)
            self._begin(now_us)

    def when_refused(self, now_us: int) -> tuple[float, bool]:
        """Somebody is refused: what the site works off in a second, and whether that is what was declared."""
        if now_us - self._refused_us >= WINDOWS * self._least_us:
            self._last = self._declared
            self._begin(now_us)
        self._refused_us = now_us
        rate = self._measured(now_us)
        return (self._declared, True) if rate > BELIEVED_RATIO * self._declared else (rate, False)

    def _begin(self, now_us: int) -> None:
        self._since_us = now_us
        self._work = 0

    def _measured(self, now_us: int) -> float:
        """One piece of work more than is finished: the next one is on its way, and nobody is told never to come back."""
        took_us = now_us - self._since_us
        return self._last if took_us < self._least_us else (self._work + self._mean_work) * MICROSECONDS / took_us
