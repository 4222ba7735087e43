"""How many may work at something at once, learned from how long it takes: a limit between a floor and a ceiling.

One more at a time is worth it as long as each takes about as long as alone. The rule is that of Envoy's adaptive concurrency filter
("gradient controller"): compare the median time of a window with the *baseline*, the time that it takes when hardly anybody else works,

    gradient = clamp(tolerance × baseline / median, 1/2, 2),   limit = gradient × limit + sqrt(gradient × limit)

and measure the baseline anew from time to time, with the limit at its floor, for otherwise a baseline measured under load would
grow with the load it allows. What is compared is time that the server owns: never a body on its way, whose time is the person's line.

Three things differ. The floor is 1: a disk that serves one at a time must be able to say so. A limit that is hardly used does not grow
(Netflix, concurrency-limits). And a baseline that has been wrong by more than twice for `WINDOWS_AT_LEAST` windows is measured at once, so
that something which became slow for everybody alike (and would not be faster for fewer) gets its places back. Pure: times come in.
"""

import math
from dataclasses import dataclass
from statistics import median

GRADIENT_LEAST, GRADIENT_MOST = 0.5, 2.0
WINDOWS_AT_LEAST = 5
"""After so many windows at the least gradient in a row the baseline is measured again: Envoy's number."""


@dataclass(frozen=True, slots=True)
class LimitRule:
    """Bounds of the limit, and how it learns."""

    floor: int
    ceiling: int
    tolerance: float
    """How many times the baseline a window may take before the limit falls."""
    window_samples: int
    probe_samples: int
    """How many are timed alone for a baseline."""
    probe_every_us: int


class AdaptiveLimit:
    """Begins at the ceiling, as if nothing were adapted, and measures its baseline first."""

    def __init__(self, rule: LimitRule) -> None:
        assert 1 <= rule.floor <= rule.ceiling
        assert rule.tolerance >= 1
        assert rule.window_samples > 0
        assert rule.probe_samples > 0
        self._rule = rule
        self._limit = float(rule.ceiling)
        self._baseline_us = math.inf
        """Infinite: not measured yet."""
        self._measured_us = -math.inf
        self._is_probing = False
        self._samples: list[int] = []
        self._most_at_work = 0
        self._windows_at_least = 0

    @property
    def limit(self) -> int:
        """How many may work now."""
        return self._rule.floor if self._is_probing else max(self._rule.floor, int(self._limit))

    @property
    def baseline_us(self) -> float:
        """How long one takes when hardly anybody else works; infinite while nobody knows."""
        return self._baseline_us

    def took(self, now_us: int, duration_us: int, at_work: int) -> None:
        """One is done. `at_work`: how many worked when it began, it included."""
        rule = self._rule
        if self._is_probing:
            if at_work <= rule.floor:
                self._samples.append(duration_us)
            if len(self._samples) >= rule.probe_samples:
                self._end_probe(now_us)
            return
        if now_us - self._measured_us >= rule.probe_every_us:
            self._begin_probe()
            return
        self._samples.append(duration_us)
        self._most_at_work = max(self._most_at_work, at_work)
        if len(self._samples) >= rule.window_samples:
            self._end_window()

    def _begin_probe(self) -> None:
        self._is_probing = True
        self._samples = []

    def _end_probe(self, now_us: int) -> None:
        self._baseline_us = max(1.0, median(self._samples))
        self._measured_us = now_us
        self._is_probing = False
        self._begin_window()

    def _begin_window(self) -> None:
        self._samples = []
        self._most_at_work = 0

    def _end_window(self) -> None:
        rule, took_us = self._rule, max(1.0, median(self._samples))
        self._baseline_us = min(self._baseline_us, took_us)
        gradient = min(max(rule.tolerance * self._baseline_us / took_us, GRADIENT_LEAST), GRADIENT_MOST)
        wanted = gradient * self._limit + math.sqrt(gradient * self._limit)
        if wanted <= self._limit or 2 * self._most_at_work >= self.limit:
            self._limit = min(max(wanted, float(rule.floor)), float(rule.ceiling))
        self._windows_at_least = self._windows_at_least + 1 if gradient == GRADIENT_LEAST else 0
        self._begin_window()
        if self._windows_at_least >= WINDOWS_AT_LEAST:
            self._windows_at_least = 0
            self._begin_probe()
