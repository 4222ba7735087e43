"""The funnel: how many people got how far, and what became of them; at the sample's counts and at full size."""

from collections.abc import Sequence
from dataclasses import dataclass

from gelombang.attempt import Fate
from gelombang.record import RunRecord, StepTotals

FATES = tuple(fate.name.lower() for fate in Fate if fate is not Fate.OPEN)
ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class Lane:
    """One profile's people at one step."""

    people: int
    previous: int
    """People at the step before; 0 for the first."""
    arrived: int
    full_size: float

    @property
    def of_arrived_percent(self) -> float:
        return 100 * self.people / self.arrived if self.arrived else 0.0


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the funnel; a lane is None when that profile's journey has no such step."""

    step: str
    title: str
    lanes: tuple[Lane | None, ...]


@dataclass(frozen=True, slots=True)
class FateShare:
    fate: str
    people: int
    percent: float
    before_percent: float
    """Where its piece of the bar begins."""


def arrived(record: RunRecord) -> int:
    """People who left the generator."""
    return record.people_planned - record.fates.get(Fate.UNSENT.name.lower(), 0)


def full_size(record: RunRecord, count: float) -> float:
    """What a count of the sample is for everybody."""
    return record.scale.scale().stands_for(count)


def photo_steps(record: RunRecord) -> tuple[StepTotals, ...]:
    """The steps that send a photo, in the order of the journey."""
    return tuple(step for step in record.steps if step.form == "photo")


def funnel(records: Sequence[RunRecord], arrived_title: str) -> tuple[Rung, ...]:
    """Everybody who arrived, then the milestones in the order of the journey."""
    titles: dict[str, str] = {ARRIVED: arrived_title}
    for record in records:
        titles |= {step.step: step.title for step in record.steps if step.milestone and step.step not in titles}
    columns = [_column(record) for record in records]
    return tuple(Rung(step, title, tuple(column.get(step) for column in columns)) for step, title in titles.items())


def fates(record: RunRecord) -> tuple[FateShare, ...]:
    """Fates that somebody met, in a fixed order."""
    total = max(record.people_planned, 1)
    shares: list[FateShare] = []
    before = 0
    for fate in FATES:
        people = record.fates.get(fate, 0)
        if people:
            shares.append(FateShare(fate, people, 100 * people / total, 100 * before / total))
        before += people
    return tuple(shares)


def _column(record: RunRecord) -> dict[str, Lane]:
    first = arrived(record)
    column = {ARRIVED: Lane(first, 0, first, full_size(record, first))}
    previous = first
    for step in record.steps:
        if step.milestone:
            column[step.step] = Lane(step.people_passed, previous, first, full_size(record, step.people_passed))
            previous = step.people_passed
    return column
