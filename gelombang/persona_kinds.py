"""Kinds of people to begin a persona from, as what they change in the patience of a scenario, at full size and in the people's time.

- `patient`: stays, tries often, comes back when told.
- `impatient`: waits a third as long as others and then reloads at once, again and again, whatever the site says.
- `stock-tus`: a page with tus-js-client as it comes: retries after 0, 1, 3 and 5 s without jitter (its default `retryDelays`), told time
  or not; then the person decides as everybody.
- `well-behaved`: backs off with full jitter (Brooker, "Exponential Backoff And Jitter", 2015), keeps every told time, and has a budget
  of 6 tries at a step.
- `back-in-an-hour`: leaves at the first failure and comes back fresh an hour later.
"""

from collections.abc import Mapping
from enum import StrEnum


class PersonaKind(StrEnum):
    """What a persona begins from."""

    PATIENT = "patient"
    IMPATIENT = "impatient"
    STOCK_TUS = "stock-tus"
    WELL_BEHAVED = "well-behaved"
    BACK_IN_AN_HOUR = "back-in-an-hour"


_CHANGES: Mapping[str, Mapping[str, object]] = {
    PersonaKind.PATIENT: {
        "page_seconds": {"median": 40.0, "sigma": 0.4},
        "upload_seconds": {"median": 180.0, "sigma": 0.4},
        "persist_ratio": 0.99,
        "persist_later_ratio": 0.97,
        "return_ratio": 1.0,
        "leave_when_refused_ratio": 0.0,
    },
    PersonaKind.IMPATIENT: {
        "page_seconds": {"median": 4.0, "sigma": 0.4},
        "upload_seconds": {"median": 15.0, "sigma": 0.4},
        "persist_ratio": 0.97,
        "persist_later_ratio": 0.9,
        "retry_seconds": {"low": 0.0, "high": 2.0},
        "obeys_told_time": False,
    },
    PersonaKind.STOCK_TUS: {"retry_delays_seconds": [0.0, 1.0, 3.0, 5.0], "obeys_told_time": False},
    PersonaKind.WELL_BEHAVED: {
        "backoff": {"first_seconds": 2.0, "times": 2.0, "longest_seconds": 300.0},
        "obeys_told_time": True,
        "persist_ratio": 1.0,
        "persist_later_ratio": 1.0,
        "leave_when_refused_ratio": 0.0,
        "attempts_limit": 6,
    },
    PersonaKind.BACK_IN_AN_HOUR: {
        "persist_ratio": 0.0,
        "persist_later_ratio": 0.0,
        "return_ratio": 1.0,
        "away_seconds": {"value": 3_600.0},
    },
}
_INSTEAD_OF_EACH_OTHER = ("retry_delays_seconds", "backoff")


def with_whole_personas(data: object) -> object:
    """A scenario's tables with every persona's patience made whole: the scenario's, changed by its kind, changed by its own.

    What is no table is left for the check to find. Doing it again changes nothing.
    """
    if not isinstance(data, dict) or not isinstance(data.get("persona"), list) or not isinstance(data.get("patience"), dict):
        return data
    return {**data, "persona": [_whole(persona, data["patience"]) for persona in data["persona"]]}


def _whole(persona: object, patience: Mapping[str, object]) -> object:
    if not isinstance(persona, dict):
        return persona
    kind, own = _CHANGES.get(str(persona.get("kind")), {}), persona.get("patience", {})
    if not isinstance(own, dict):
        return persona
    found = dict(patience)
    for changes in (kind, own):
        # Who names one way to retry does not want the other one that stands below.
        for one, other in (_INSTEAD_OF_EACH_OTHER, _INSTEAD_OF_EACH_OTHER[::-1]):
            if changes.get(one) is not None and changes.get(other) is None:
                found.pop(other, None)
        found |= changes
    return {**persona, "patience": found}
