"""What people waited, retries included: the question that a response time per attempt can't answer.

At a step a person waits from when they were first due there until they had passed it: every failed try, every pause before the next
one and all time away are in it, thinking beforehand is not. A journey's waiting is the sum over the steps that the person passed. Who never
passed a step has no end to count to and is in no figure of it: read these beside the share that passed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Fate
from gelombang.evidence import Evidence
from gelombang.histogram import Histogram
from gelombang.record import JourneyTotals
from gelombang.step_totals import quantiles
from gelombang.steps import Step


@dataclass(slots=True, eq=False)
class JourneyWaits:
    """Waits in wall µs, of a run or of some of its people."""

    finished_waited: Histogram
    finished_whole: Histogram
    step_waited: dict[str, Histogram]

    @classmethod
    def of(cls, evidence: Evidence, steps: Sequence[Step]) -> "JourneyWaits":
        """Of people whose attempts are all there."""
        people = np.sort(evidence.people, order="person")
        waited = np.zeros(len(people), dtype=np.int64)
        by_step: dict[str, Histogram] = {}
        for index, step in enumerate(steps):
            place, first_due_us = _first_due(evidence.generator, index, people["person"])
            passed_us = people["passed"][place, index]
            there = passed_us > 0
            step_us = np.maximum(passed_us[there] - first_due_us[there], 0)
            waited[place[there]] += step_us
            by_step[step.step] = Histogram.of(step_us)
        finished = people["fate"] == Fate.FINISHED
        whole = np.maximum(people["done"] - people["due"], 0)[finished]
        return cls(Histogram.of(waited[finished]), Histogram.of(whole), by_step)

    def merge(self, other: "JourneyWaits") -> None:
        """Count what `other` counted, too: the same steps, of other people."""
        self.finished_waited.merge(other.finished_waited)
        self.finished_whole.merge(other.finished_whole)
        for name, histogram in other.step_waited.items():
            self.step_waited[name].merge(histogram)

    def totals(self, speed: float) -> JourneyTotals:
        """The record's part, in the people's time."""
        return JourneyTotals(
            finished_waited=quantiles(self.finished_waited, speed),
            finished_whole=quantiles(self.finished_whole, speed),
            step_waited={name: quantiles(histogram, speed) for name, histogram in self.step_waited.items()},
        )


def _first_due(rows: NDArray[np.void], step: int, people: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For everybody who tried a step: their place among `people` (ascending), and when their first try there was due."""
    first = rows[(rows["step"] == step) & (rows["number"] == 1) & (rows["tab"] == 0)]
    place = np.searchsorted(people, first["person"])
    known = place < len(people)
    place, first = place[known], first[known]
    same = people[place] == first["person"]
    return place[same], first["due"][same]
