"""Scores the diagnosis on recorded drills: was the cause named that was set off, with its owner, since when, and what to turn?

A drill is judged from the series up to `JUDGED_AFTER_SECONDS` of wall time after its fault began; nothing later is looked at, and nothing
of what the drill knows of itself is given to the diagnosis. One fault counts when its cause leads; of two at once both must be named;
where nothing was set off, nothing may be named. The moment counts when it is within one window of the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gelombang.diagnosis.causes import KNOB_OF, OWNER_OF, Cause
from gelombang.diagnosis.diagnose import Diagnosis, diagnose, window_seconds
from gelombang.drill_file import StoredRun

JUDGED_AFTER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Scored:
    """One drill and what the diagnosis said."""

    title: str
    expected: tuple[Cause, ...]
    found: Diagnosis
    fault_seconds: float | None
    speed: float

    @property
    def named(self) -> tuple[Cause, ...]:
        return tuple(finding.cause for finding in self.found.findings)

    @property
    def is_named(self) -> bool:
        if len(self.expected) > 1:
            return set(self.expected) <= set(self.named)
        return self.named[:1] == self.expected

    @property
    def since_error_seconds(self) -> float | None:
        """The largest error of the moment over the causes that were expected and named, wall time."""
        if self.fault_seconds is None:
            return None
        errors = [abs(f.since_seconds - self.fault_seconds) for f in self.found.findings if f.cause in self.expected]
        return max(errors, default=None)

    @property
    def is_right(self) -> bool:
        """Cause, owner and knob as the table has them, and the moment within a window."""
        error = self.since_error_seconds
        told = all(f.owner is OWNER_OF[f.cause] and f.knob == KNOB_OF[f.cause] for f in self.found.findings)
        return self.is_named and told and (not self.expected or (error is not None and error <= window_seconds(self.speed)))


def score(run: StoredRun) -> Scored:
    """Judge one recorded drill. A control is judged as late as if its fault had begun where others begin."""
    table = run.table()
    at_seconds = run.fault_seconds + JUDGED_AFTER_SECONDS if run.fault_seconds is not None else table.ends_seconds
    expected = tuple(Cause(name) for name in run.expected)
    return Scored(run.title, expected, diagnose(table, at_seconds, run.speed), run.fault_seconds, run.speed)


def singles(scored: Sequence[Scored]) -> list[Scored]:
    """The drills with one fault."""
    return [each for each in scored if len(each.expected) == 1]
