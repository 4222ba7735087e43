"""The ledger of predictions: what was expected before a run, what came, and how wrong it was. Nothing is ever taken out of it.

A prediction stands under a key that a run can be looked up by: scenario, profile, scale and length, whatever its seed. Only predictions
that were made before a run began are scored with it. The history says two things: how far off predictions were in the mean, and how often
what came lay in the interval that was promised. Both files hold one JSON object a line and are only ever added to.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gelombang.errors import HostError, RecordError
from gelombang.profile import Profile
from gelombang.record import RunRecord
from gelombang.runplan import ScaleNumbers
from gelombang.scenario import Scenario

PREDICTIONS_FILE = "predictions.jsonl"
SCORES_FILE = "scores.jsonl"
LIMIT = "limit"
"""The name of the quantity that `find` answers: arrivals per second at full size."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Quantity(_Part):
    """One expected number with its interval."""

    name: str
    value: float
    low: float
    high: float


class Prediction(_Part):
    """What was expected, before it was tried."""

    made_at: str
    """UTC, ISO 8601."""
    by: str
    """`simulate`, `find` or `plan`."""
    key: str
    scenario: str
    profile: str
    confidence: float
    quantities: list[Quantity] = Field(min_length=1)
    commit: str | None = None


class Score(_Part):
    """One quantity of one prediction beside what came."""

    made_at: str
    by: str
    key: str
    scenario: str
    profile: str
    run_id: str
    name: str
    expected: float
    low: float
    high: float
    confidence: float
    came: float

    @property
    def is_inside(self) -> bool:
        return self.low <= self.came <= self.high

    @property
    def error_ratio(self) -> float | None:
        """How far off it was, of what came; None when nothing came and nothing can be divided by it."""
        if self.came == 0:
            return 0.0 if self.expected == 0 else None
        return (self.expected - self.came) / abs(self.came)


def run_key(scenario: Scenario, profile: Profile, scale: ScaleNumbers, for_seconds: float) -> str:
    """What a run and a prediction of it have in common."""
    return _digest(scenario, profile, scale.model_dump(mode="json") | {"for_seconds": for_seconds})


def limit_key(scenario: Scenario, profile: Profile, scale: ScaleNumbers, hold_seconds: float) -> str:
    """The same for a search, whose load is what is looked for."""
    return _digest(scenario, profile, scale.model_dump(mode="json") | {"load": LIMIT, "for_seconds": hold_seconds})


def _digest(scenario: Scenario, profile: Profile, rest: dict[str, object]) -> str:
    parts = [scenario.model_dump(mode="json", by_alias=True, exclude_none=True), profile.model_dump(mode="json"), rest]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:20]


def counted(record: RunRecord) -> dict[str, float]:
    """The numbers of a run that are predicted: people past each milestone at full size per second, and the share of uploads that failed."""
    stands = record.scale.scale().stands_for
    found = {f"people past {step.step}": stands(step.people_passed) for step in record.steps if step.milestone}
    if record.uploads is not None:
        decided = record.uploads.attempts - record.uploads.too_large - record.uploads.cut
        if decided:
            found["share of uploads failed"] = record.uploads.failed / decided
        found["upload attempts"] = stands(record.uploads.attempts)
    return found


def add_line(path: Path, model: BaseModel) -> None:
    """Add one entry to a ledger. Raises HostError when the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(model.model_dump_json() + "\n")
    except OSError as error:
        raise HostError(f"{path} can't be written ({error.strerror}); want a folder that exists and has room") from error


M = TypeVar("M", bound=BaseModel)


def read_lines(path: Path, model: type[M]) -> list[M]:
    """All entries of a ledger; none when there is no such file. Raises RecordError for a line that is none."""
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            found.append(model.model_validate_json(line))
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise RecordError(f"{path}:{number} is no {model.__name__.lower()} ({reason}); want a line as the command wrote it") from None
    return found


def scores(predictions: Iterable[Prediction], key: str, run_id: str, began_at: str, came: dict[str, float]) -> list[Score]:
    """The youngest prediction by each command that was made before the run began, quantity by quantity."""
    youngest: dict[str, Prediction] = {}
    for each in predictions:
        if each.key == key and each.made_at <= began_at and (each.by not in youngest or youngest[each.by].made_at <= each.made_at):
            youngest[each.by] = each
    return [
        Score(
            made_at=each.made_at,
            by=each.by,
            key=key,
            scenario=each.scenario,
            profile=each.profile,
            run_id=run_id,
            name=quantity.name,
            expected=quantity.value,
            low=quantity.low,
            high=quantity.high,
            confidence=each.confidence,
            came=came[quantity.name],
        )
        for each in youngest.values()
        for quantity in each.quantities
        if quantity.name in came
    ]


def mean_error_ratio(told: Sequence[Score]) -> float | None:
    """Mean of the errors' sizes."""
    sizes = [abs(ratio) for score in told if (ratio := score.error_ratio) is not None]
    return sum(sizes) / len(sizes) if sizes else None


def coverage_ratio(told: Sequence[Score]) -> float | None:
    """How often what came lay in the interval."""
    return sum(score.is_inside for score in told) / len(told) if told else None
