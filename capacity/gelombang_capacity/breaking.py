"""Whether a run at one load was carried, and if not, which step and which stage of the site broke first.

Besides the scenario's objectives one thing is judged: whether the people inside a step grow in number without end. Of arrivals that are
open and of constant rate a site that carries them keeps a constant number inside, apart from chance; one that does not keeps the
difference, and the number grows in proportion to time. The trend of the second part of the hold is fitted, and is growth when it is more
than a share of the arrivals and beyond chance. People inside come and go slowly, so neighbouring windows resemble each other and an
ordinary standard error would be far too small; in its place stands the square root law of the arrivals themselves, which a queue's length
can't beat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gelombang.record import RunRecord, Validity
from gelombang.scenario import Scenario

GROWTH_RATIO = 0.04
"""Of the arrivals: what may stay inside without being called growth."""
DEVIATIONS = 2.5
WARM_UP_RATIO = 1 / 3
"""Of the hold: people come in and nobody has had the time to leave."""
THINKS_SHORT_OF_WARM_UP = 4
_HARMLESS = frozenset({"none", "photo_too_large"})
"""Codes of uploads that did not fail: the acknowledged ones, and people's own too large photos."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Of the people inside a step, per second of people's time and as sent."""

    step: str
    per_second: float
    arrivals_per_second: float
    deviation_per_second: float

    @property
    def is_growth(self) -> bool:
        beyond = self.per_second > DEVIATIONS * self.deviation_per_second
        return beyond and self.per_second > GROWTH_RATIO * self.arrivals_per_second

    @property
    def words(self) -> str:
        share = self.per_second / self.arrivals_per_second
        return f"the number of people at {self.step} grows by {share:.0%} of those who come to it"


def growths(record: RunRecord, scenario: Scenario) -> list[Growth]:
    """For each step: who passed the step before it and has not passed it yet. People who give up there count as if they were still there:
    a step that they don't get through is not carried. Left out are steps before which people think for longer than the warm-up lasts: as
    many as that takes gather there at any load."""
    windows = record.windows
    patient = WARM_UP_RATIO * record.for_seconds / THINKS_SHORT_OF_WARM_UP
    thinks = [0.0 if step.think_seconds is None else step.think_seconds.quantile(0.5) for step in scenario.journey]
    width = windows.window_seconds
    first, past = _steady(record)
    found = []
    before = windows.started
    for step, think in zip(record.steps, thinks, strict=True):
        if step.step not in windows.passed:
            continue
        come, before = np.array(before, dtype=np.float64), windows.passed[step.step]
        if step.form == "message" or not step.people_reached or think > patient:
            continue
        inside = np.cumsum(come - np.array(windows.passed[step.step], dtype=np.float64))[first:past]
        seconds = width * np.arange(past - first)
        arrivals = float(come[first:past].sum()) / (width * (past - first))
        if len(inside) < 4 or arrivals <= 0:
            continue
        slope = float(np.polyfit(seconds, inside, 1)[0])
        # What comes in over the stretch varies by its square root; over the stretch that is this much of a slope.
        deviation = float(np.sqrt(come[first:past].sum())) / (width * (past - first))
        found.append(Growth(step.step, slope, arrivals, deviation))
    return found


def _steady(record: RunRecord) -> tuple[int, int]:
    """Windows after the warm-up, while arrivals were due."""
    covered = min(record.for_seconds, record.stopped_seconds or record.for_seconds)
    past = min(len(record.windows.offered), int(covered / record.windows.window_seconds + 0.5))
    return min(int(past * WARM_UP_RATIO), max(past - 4, 0)), past


def broken_words(record: RunRecord, scenario: Scenario) -> list[str]:
    """Objectives that were not met, then what grows."""
    missed = [f"{judged.name}: {judged.found}" for judged in record.objectives if judged.passed is False]
    return missed + [growth.words for growth in growths(record, scenario) if growth.is_growth]


def doubt_words(record: RunRecord, stopped_by_us: bool) -> list[str]:
    """Why the run does not count; that the search itself cut it short is no doubt."""
    return [
        f"{doubt.name}: {doubt.evidence}"
        for doubt in record.doubts
        if doubt.severity is not Validity.VALID and not (stopped_by_us and doubt.name == "cut-short")
    ]


def first_broken(record: RunRecord, scenario: Scenario) -> str:
    """The step that broke first, when, and the stage in which most of its failed attempts ended."""
    first, past = _steady(record)
    earliest: tuple[float, str] | None = None
    for step in record.steps:
        at = _breaks_at(record, step.step, first, past) if step.form != "message" else None
        if at is not None and (earliest is None or at < earliest[0]):
            earliest = (at, step.step)
    grown = sorted((growth for growth in growths(record, scenario) if growth.is_growth), key=lambda growth: -growth.per_second)
    if earliest is None and grown:
        return f"{grown[0].step}: {grown[0].words}"
    if earliest is None:
        return _first_late(record, scenario)
    at, name = earliest
    return f"{name}, {at:,.0f} s after the start{_stage_words(record, name)}"


FAILING_RATIO = 0.05


def _first_late(record: RunRecord, scenario: Scenario) -> str:
    """Nothing failed and nothing grew: the steps of the first objective that was missed."""
    missed = {judged.name: judged for judged in record.objectives if judged.passed is False}
    found = next((each for each in scenario.objective if each.name in missed and each.step), None)
    return f"{', '.join(found.step or ())}: {missed[found.name].found}" if found is not None else ""


def _breaks_at(record: RunRecord, step: str, first: int, past: int) -> float | None:
    """When at least a twentieth of the attempts at a step begins to end badly: the first of two windows in a row with samples."""
    windows = record.windows
    bad: list[tuple[int, bool]] = []
    for i in range(past):
        ended = windows.ended[step][i] - windows.too_large.get(step, [0] * past)[i]
        if ended > 0:
            bad.append((i, windows.ok[step][i] < (1 - FAILING_RATIO) * ended))
    for (i, is_bad), (_, next_bad) in pairwise(bad):
        if is_bad and next_bad and i >= min(first, past):
            return i * windows.window_seconds
    return None


def _stage_words(record: RunRecord, step: str) -> str:
    forms = {found.step: found.form for found in record.steps}
    if forms[step] != "photo" or record.uploads is None:
        outcomes = next(found.outcomes for found in record.steps if found.step == step)
        bad = {name: count for name, count in outcomes.items() if name not in ("ok", "conflict", "cut", "not_read")}
        if not bad:
            return ""
        name = max(bad, key=lambda key: bad[key])
        return f"; most of what failed there was {name} ({bad[name]:,} attempts)"
    places = [place for place in record.uploads.where if place.code not in _HARMLESS and place.outcome != "completed"]
    if not places:
        return ""
    worst = max(places, key=lambda place: place.attempts)
    share = worst.attempts / sum(place.attempts for place in places)
    return f"; {share:.0%} of the uploads that failed ended in stage {worst.stage} ({worst.code})"


def busiest(record: RunRecord) -> str:
    """What was used most: the declared store, the server's processes, the machine."""
    host, used = record.host, []
    if record.uploads is not None and record.uploads.store_used_ratio is not None:
        used.append((record.uploads.store_used_ratio, "of what the store can move was used"))
    if host.server_cpu_ratio is not None and host.server_processes:
        used.append((host.server_cpu_ratio / host.server_processes, f"of a core for each of {host.server_processes} server processes"))
    return "; ".join(f"{share:.0%} {what}" for share, what in _by_use(used))


def _by_use(used: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    return sorted(used, key=lambda found: -found[0])
