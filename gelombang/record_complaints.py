"""The part of the record that says when people complained in public, and which step made them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS
from gelombang.public_complaints import complaints
from gelombang.record_uploads import RecordPart
from gelombang.scale import Scale, scaled
from gelombang.scenario import Scenario
from gelombang.windows import WindowGrid


class PublicComplaints(RecordPart):
    """Nobody complains twice, so these are people; counts of the sample."""

    windows: dict[str, list[int]]
    """Complaints by the step that made people complain, one entry per window of the record; steps that made nobody are left out."""
    later: int
    """People who would have complained after the last window."""
    noticed_per_minute: float
    """What the scenario says that a reader notices, at full size."""

    def plus(self, other: "PublicComplaints") -> "PublicComplaints":
        """With those of other people of the same run; steps stay in the order in which they are met here, and then there."""
        windows = {
            step: [sum(counts) for counts in zip(*(part[step] for part in (self.windows, other.windows) if step in part), strict=True)]
            for step in (self.windows | other.windows)
        }
        return self.model_copy(update={"windows": windows, "later": self.later + other.later})

    @property
    def per_window(self) -> list[int]:
        """Over all steps; empty when nobody complained before the end."""
        return [sum(counts) for counts in zip(*self.windows.values(), strict=True)]

    @property
    def people(self) -> int:
        """How many complained before the end."""
        return sum(self.per_window)


def public_complaints(scenario: Scenario, scale: Scale, seed: int, rows: NDArray[np.void], grid: WindowGrid) -> PublicComplaints | None:
    """Of a scenario at full size and the generators' rows; None for a scenario without the table."""
    if scenario.complaints is None:
        return None
    names = [step.step for step in scenario.journey]
    found = complaints(scaled(scenario.complaints, scale), seed, rows[rows["step"] < len(names)])
    is_written = found.at_us < grid.count * grid.seconds / grid.speed * MICROSECONDS
    windows = {names[step]: grid.counts(found.at_us[is_written & (found.step == step)]).tolist() for step in _steps(found.step[is_written])}
    return PublicComplaints(windows=windows, later=int((~is_written).sum()), noticed_per_minute=scenario.complaints.noticed_per_minute)


def _steps(found: NDArray[np.int64]) -> Sequence[int]:
    steps: list[int] = np.unique(found).tolist()
    return steps
