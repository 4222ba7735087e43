"""What people waited, retries included: the question that a response time per attempt can't answer.

At a step a person waits from when they were first due there until they had passed it: every failed try, every pause before the next
one and all time away are in it, thinking beforehand is not. A journey's waiting is the sum over the steps that the person passed. Who never
passed a step has no end to count to and is in no figure of it: read these beside the share that passed.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Fate
from gelombang.evidence import Evidence
from gelombang.histogram import Histogram
from gelombang.record import JourneyTotals, Quantiles
from gelombang.step_totals import quantiles
from gelombang.steps import Step


def journey_totals(evidence: Evidence, steps: Sequence[Step], speed: float) -> JourneyTotals:
    """Of a run, in the people's time."""
    people = np.sort(evidence.people, order="person")
    waited = np.zeros(len(people), dtype=np.int64)
    by_step: dict[str, Quantiles] = {}
    for index, step in enumerate(steps):
        place, first_due_us = _first_due(evidence.generator, index, people["person"])
        passed_us = people["passed"][place, index]
        there = passed_us > 0
        step_us = np.maximum(passed_us[there] - first_due_us[there], 0)
        waited[place[there]] += step_us
        by_step[step.step] = quantiles(Histogram.of(step_us), speed)
    finished = people["fate"] == Fate.FINISHED
    return JourneyTotals(
        finished_waited=quantiles(Histogram.of(waited[finished]), speed),
        finished_whole=quantiles(Histogram.of(np.maximum(people["done"] - people["due"], 0)[finished]), speed),
        step_waited=by_step,
    )


def _first_due(rows: NDArray[np.void], step: int, people: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For everybody who tried a step: their place among `people` (ascending), and when their first try there was due."""
    first = rows[(rows["step"] == step) & (rows["number"] == 1) & (rows["tab"] == 0)]
    place = np.searchsorted(people, first["person"])
    known = place < len(people)
    place, first = place[known], first[known]
    same = people[place] == first["person"]
    return place[same], first["due"][same]
