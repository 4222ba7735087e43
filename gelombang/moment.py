"""A moment as a file writes it: ISO 8601 with its zone, so that no reader has to guess whose clock it was."""

from datetime import datetime
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
