"""What a user class of your own says about its arrivals, checked before anybody arrives, and the scenario that it amounts to.

The scenario exists so that a run of your own Locust code has the same plan, record, doubts, objectives and page as every other run. What it
says of patience, lines and photos is not used: your code decides these.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from gelombang.clock import utc_now
from gelombang.curve import rate_of, read_curve
from gelombang.errors import InputError
from gelombang.objective_form import Objective
from gelombang.scenario import Arrivals, CurveRows, Phase, Scenario
from gelombang.steps import RequestStep

if TYPE_CHECKING:
    from gelombang_loadtests.open_user import OpenUser

PROFILE = "locust"
PEOPLE_LIMIT = 20_000
"""People of one process at the same time, where a class does not say otherwise."""

ArrivalsSetting = str | Path | Sequence[Phase]
_NEVER_USED = {"value": 1.0}
_PEOPLE: Mapping[str, object] = {
    "nik_known_ratio": 1.0,
    "line": {
        "uplink_bytes_per_second": _NEVER_USED,
        "round_trip_seconds": _NEVER_USED,
        "fixed_line_ratio": 0.0,
        "fixed_uplink_bytes_per_second": _NEVER_USED,
        "fixed_round_trip_seconds": _NEVER_USED,
    },
}
_PATIENCE: Mapping[str, object] = {
    # Locust's clients wait for ever unless told; a minute is what "the generator stood still" is measured against.
    "page_seconds": {"value": 60.0},
    "upload_seconds": {"value": 60.0},
    "upload_progress_ratio": 1.0,
    "persist_ratio": 0.0,
    "persist_tries": 0,
    "persist_later_ratio": 0.0,
    "retry_seconds": _NEVER_USED,
    "away_seconds": _NEVER_USED,
    "return_ratio": 0.0,
    "leave_when_refused_ratio": 0.0,
    "smaller_copy_ratio": 0.0,
    "attempts_limit": 60_000,
}
_BEFORE_ANYBODY = RequestStep.model_validate({"step": "nothing-yet", "form": "request", "method": "GET", "path": "/"})


@dataclass(frozen=True, slots=True)
class OpenSettings:
    """One run's arrivals, without faults."""

    name: str
    arrivals: Arrivals
    drain_seconds: float
    people_limit: int
    objectives: tuple[Objective, ...]

    @property
    def for_seconds(self) -> float:
        """How long people arrive."""
        return rate_of(self.arrivals).duration_seconds

    def scenario(self, steps: Sequence[RequestStep]) -> Scenario:
        """The run as a scenario, with the steps that showed themselves."""
        return Scenario.model_validate(
            {
                "name": "own-locust-code",
                "title": f"Your own Locust code: {self.name}",
                "opens_at": utc_now().isoformat(timespec="seconds"),
                "profiles": [PROFILE],
                "drain_seconds": self.drain_seconds,
                "scale": {"sample": "1", "speed": 1.0, "bytes_ratio": 1.0},
                "arrivals": self.arrivals,
                "people": _PEOPLE,
                "patience": _PATIENCE,
                "journey": list(steps) or [_BEFORE_ANYBODY],
                "objective": [objective.model_dump(exclude_unset=True) for objective in self.objectives],
            }
        )


def settings_of(classes: Sequence["type[OpenUser]"]) -> OpenSettings:
    """What the classes agree on. Raises InputError for a setting that is wrong, or that two classes say differently."""
    assert classes
    names = ", ".join(each.__name__ for each in classes)
    for setting in ("arrivals", "drain_seconds", "people_limit", "objectives"):
        if any(getattr(each, setting, None) != getattr(classes[0], setting, None) for each in classes):
            raise InputError(f"{names} say different {setting}; want the same, said by a common class: they share one stream of arrivals")
    owner = classes[0]
    _require_number(owner, "drain_seconds", owner.drain_seconds, 0)
    _require_number(owner, "people_limit", owner.people_limit, 1)
    objectives = _objectives_of(owner.__name__, owner.objectives)
    return OpenSettings(names, _arrivals_of(owner), float(owner.drain_seconds), int(owner.people_limit), objectives)


def _require_number(owner: type, setting: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
        raise InputError(f"{owner.__name__}.{setting} is {value!r}; want a number, {least} or more")


def _arrivals_of(owner: "type[OpenUser]") -> Arrivals:
    said: ArrivalsSetting | None = getattr(owner, "arrivals", None)
    if isinstance(said, str | Path):
        path = Path(said)
        rows = read_curve(path if path.is_absolute() else _folder_of(owner) / path, str(said))
        return _whole_curve(rows, str(said))
    if said and not isinstance(said, str) and all(isinstance(phase, Phase) for phase in said):
        return Arrivals(phases=list(said))
    raise InputError(
        f"{owner.__name__}.arrivals is {said!r}; want a CSV file beside the locustfile, or phases such as [hold(20, for_seconds=60)]"
    )


def _whole_curve(rows: CurveRows, name: str) -> Arrivals:
    return Arrivals(curve=name, for_seconds=rows.seconds[-1], rows=rows)


def _folder_of(owner: type) -> Path:
    file = getattr(sys.modules.get(owner.__module__), "__file__", None)
    return Path(file).resolve().parent if file else Path.cwd()


def _objectives_of(owner: str, said: Sequence[Mapping[str, object]]) -> tuple[Objective, ...]:
    found = []
    for i, one in enumerate(said):
        try:
            found.append(Objective.model_validate(one))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(f"{owner}.objectives[{i}] {where}: {first['msg']}; want what [[objective]] takes") from None
    return tuple(found)
