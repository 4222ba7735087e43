"""A moment as a file writes it: ISO 8601 with its zone, so that no reader has to guess whose clock it was."""

from datetime import datetime, time
from typing import Annotated

from pydantic import AfterValidator


def _zoned(text: str) -> str:
    try:
        zoned = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        zoned = False
    if not zoned:
        raise ValueError(f'{text!r}; want a moment with its zone such as "2020-04-11T19:00:00+07:00"')
    return text


Moment = Annotated[str, AfterValidator(_zoned)]


def _clock(text: str) -> str:
    try:
        found = time.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or found.microsecond or ":" not in text:
        raise ValueError(f'{text!r}; want a time of the day at the opening\'s place such as "19:40" or "19:40:30"')
    return text


ClockTime = Annotated[str, AfterValidator(_clock)]
"""A time of the day, on the clock of the moment at which a scenario opens."""


def seconds_after(opens_at: str, clock: str) -> float:
    """From the opening to the next time at which its clock shows this."""
    opens, wanted = datetime.fromisoformat(opens_at), time.fromisoformat(clock)
    at = wanted.hour * 3_600 + wanted.minute * 60 + wanted.second
    return float((at - (opens.hour * 3_600 + opens.minute * 60 + opens.second)) % 86_400)
