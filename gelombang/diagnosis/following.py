"""A diagnosis again and again while a run goes on, at the pace of the windows' steps.

It looks `SETTLED_SECONDS` behind the newest sample, so that every process has told of that moment, and only at whole steps, so that each
window is evaluated once.
"""

import math

from gelombang.diagnosis.decisions import RISE_WINDOWS
from gelombang.diagnosis.diagnose import LOOK_BACK_INSTANTS, STEPS_IN_WINDOW, TREND_WINDOWS, Diagnosis, diagnose, window_seconds
from gelombang.diagnosis.memory import Memory
from gelombang.panels.evaluation import EARLIER_WINDOWS
from gelombang.series import SeriesTable

SETTLED_SECONDS = 1.0
WINDOWS_KEPT = max(EARLIER_WINDOWS + RISE_WINDOWS, TREND_WINDOWS) + 2
"""Of samples: as far back as any window's evaluation looks."""


class Following:
    """Of one run, whose clock is `speed` times as fast as the wall's."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._step = window_seconds(speed) / STEPS_IN_WINDOW
        self._memory = Memory()
        self._looked_at = -math.inf

    @property
    def samples_kept(self) -> int:
        """Samples a second apart that a table must hold."""
        return math.ceil(WINDOWS_KEPT * window_seconds(self._speed))

    def is_due(self, newest_seconds: float) -> bool:
        """Whether a step has ended since the last look."""
        return self._moment(newest_seconds) > self._looked_at

    def look(self, table: SeriesTable, newest_seconds: float) -> Diagnosis | None:
        """What is wrong now; None while there is less than a window. `table` holds the first sample of each series and the last ones."""
        self._looked_at = at_seconds = self._moment(newest_seconds)
        self._memory.samples_from = max(at_seconds - WINDOWS_KEPT * window_seconds(self._speed), table.begins_seconds)
        self._memory.forget_before(at_seconds - LOOK_BACK_INSTANTS * self._step)
        try:
            return diagnose(table, at_seconds, self._speed, self._memory)
        except ValueError:
            return None

    def _moment(self, newest_seconds: float) -> float:
        return math.floor((newest_seconds - SETTLED_SECONDS) / self._step) * self._step
