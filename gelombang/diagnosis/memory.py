"""What a diagnosis found out of windows that have ended, for whoever asks again and again while a run goes on.

A window that ended says the same however often it is asked, so each is evaluated once, when it is fresh; and since a live run keeps only
the last samples of its series, a window from before those can only be remembered. Without a memory every window is evaluated.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from gelombang.diagnosis.causes import Cause
from gelombang.diagnosis.decisions import Decision
from gelombang.panels.evaluation import Values

Found = TypeVar("Found")


@dataclass(slots=True)
class Memory:
    """By the end of a window, to the millisecond."""

    samples_from: float = -math.inf
    """A window that begins before this has no samples any more; one that was never looked at says nothing then."""
    _share: dict[float, float | None] = field(default_factory=dict)
    _causes: dict[float, dict[Cause, Decision]] = field(default_factory=dict)
    _started: dict[Cause, dict[float, bool]] = field(default_factory=dict)
    _shares: dict[float, Values] = field(default_factory=dict)

    def share(self, end: float, width: float, evaluate: Callable[[], float | None]) -> float | None:
        """The failing share."""
        return self._found(self._share, end, width, evaluate, None)

    def causes(self, end: float, width: float, evaluate: Callable[[], dict[Cause, Decision]]) -> dict[Cause, Decision]:
        """The rows of the decision table that held."""
        return self._found(self._causes, end, width, evaluate, {})

    def started(self, cause: Cause, end: float, width: float, evaluate: Callable[[], bool]) -> bool:
        """Whether what a cause begins with held."""
        return self._found(self._started.setdefault(cause, {}), end, width, evaluate, False)

    def shares(self, end: float, width: float, evaluate: Callable[[], Values]) -> Values:
        """The share of each stage and code."""
        return self._found(self._shares, end, width, evaluate, {})

    def forget_before(self, seconds: float) -> None:
        """Nobody asks for windows that ended before that any more."""
        _forget(self._share, seconds)
        _forget(self._causes, seconds)
        _forget(self._shares, seconds)
        for held in self._started.values():
            _forget(held, seconds)

    def _found(self, known: dict[float, Found], end: float, width: float, evaluate: Callable[[], Found], nothing: Found) -> Found:
        key = _key(end)
        if key not in known:
            if end - width < self.samples_from:
                return nothing
            known[key] = evaluate()
        return known[key]


def _key(end: float) -> float:
    return round(end, 3)


def _forget(known: dict[float, Found], before: float) -> None:
    for end in [end for end in known if end < before]:
        del known[end]
