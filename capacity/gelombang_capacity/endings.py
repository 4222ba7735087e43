"""Where a simulated attempt ended, on both ends at once: a closed list, each entry a cell of the live join's table.

The compiled loop counts by these numbers; names, stages and codes are looked up afterwards, so a simulated record speaks the live words.
"""

from enum import IntEnum
from typing import NamedTuple

from gelombang.attempt import Code, Outcome, Phase, ServerOutcome, Stage
from gelombang.upload_places import Place, place_of


class Ending(IntEnum):
    """How an attempt ended in the model."""

    OK = 0
    CONFLICT = 1
    LEFT_PAGE = 2
    """Nobody waited for the answer to a small request, or to the wish for a ticket."""
    EXPIRED = 3
    INVALID = 4
    NO_MESSAGE = 5
    NOT_READ = 6
    REGISTRY_FULL = 7
    BODIES_FULL = 8
    """The site takes no more bodies."""
    BODY_TOO_LARGE = 9
    TOO_LARGE_AFTER_BODY = 10
    TOO_LARGE_BEFORE_BODY = 11
    BUSY = 12
    """No ticket, but a time to come back."""
    LEFT_BODY = 13
    PLACES_FULL = 14
    """Every turn and place in line at the store is taken; the person is told that the upload failed."""
    PLACES_FULL_TOLD = 15
    """The same, with a time to come back."""
    STORE_FULL = 16
    STORE_FULL_TOLD = 17
    NOT_IN_TIME = 18
    """The proxy answered 504."""
    LEFT_STORE = 19
    """The person left and the site let the work go."""
    UNHEARD = 20
    """The person left and the work goes on, or was done already."""
    CUT = 21


class Ends(NamedTuple):
    """An ending as both ledgers would tell it; `stage` None: the server saw nothing."""

    outcome: Outcome
    phase: Phase
    code: Code
    stage: Stage | None
    server_outcome: ServerOutcome
    server_code: Code


def _answered(outcome: Outcome, code: Code, stage: Stage, server: ServerOutcome) -> Ends:
    return Ends(outcome, Phase.RECEIVE, code, stage, server, code)


def _left(phase: Phase, stage: Stage, server: ServerOutcome = ServerOutcome.ABANDONED) -> Ends:
    return Ends(Outcome.TIMED_OUT, phase, Code.NONE, stage, server, Code.CLIENT_LEFT)


def _inbox(outcome: Outcome) -> Ends:
    return Ends(outcome, Phase.INBOX, Code.NONE, None, ServerOutcome.OPEN, Code.NONE)


ENDS: dict[Ending, Ends] = {
    Ending.OK: _answered(Outcome.OK, Code.NONE, Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED),
    Ending.CONFLICT: _answered(Outcome.CONFLICT, Code.ALREADY_DONE, Stage.HEADERS, ServerOutcome.REJECTED),
    Ending.LEFT_PAGE: _left(Phase.WAIT, Stage.ADMISSION),
    Ending.EXPIRED: _answered(Outcome.EXPIRED, Code.OTP_EXPIRED, Stage.HEADERS, ServerOutcome.REJECTED),
    Ending.INVALID: _inbox(Outcome.INVALID),
    Ending.NO_MESSAGE: _inbox(Outcome.NO_MESSAGE),
    Ending.NOT_READ: _inbox(Outcome.NOT_READ),
    Ending.REGISTRY_FULL: _answered(Outcome.REFUSED, Code.REGISTRY_QUEUE_FULL, Stage.HEADERS, ServerOutcome.REFUSED),
    Ending.BODIES_FULL: _answered(Outcome.FAILED, Code.UPLOAD_FAILED, Stage.ADMISSION, ServerOutcome.FAILED),
    Ending.BODY_TOO_LARGE: _answered(Outcome.TOO_LARGE, Code.BODY_TOO_LARGE, Stage.BODY, ServerOutcome.REJECTED),
    Ending.TOO_LARGE_AFTER_BODY: _answered(Outcome.TOO_LARGE, Code.PHOTO_TOO_LARGE, Stage.BODY, ServerOutcome.REJECTED),
    Ending.TOO_LARGE_BEFORE_BODY: _answered(Outcome.TOO_LARGE, Code.PHOTO_TOO_LARGE, Stage.ADMISSION, ServerOutcome.REJECTED),
    Ending.BUSY: _answered(Outcome.REFUSED, Code.UPLOADS_BUSY, Stage.ADMISSION, ServerOutcome.REFUSED),
    Ending.LEFT_BODY: _left(Phase.SEND, Stage.BODY),
    Ending.PLACES_FULL: _answered(Outcome.FAILED, Code.UPLOAD_FAILED, Stage.STORE, ServerOutcome.FAILED),
    Ending.PLACES_FULL_TOLD: _answered(Outcome.REFUSED, Code.UPLOAD_FAILED, Stage.STORE, ServerOutcome.REFUSED),
    Ending.STORE_FULL: _answered(Outcome.FAILED, Code.STORE_FULL, Stage.STORE, ServerOutcome.FAILED),
    Ending.STORE_FULL_TOLD: _answered(Outcome.REFUSED, Code.STORE_FULL, Stage.STORE, ServerOutcome.REFUSED),
    Ending.NOT_IN_TIME: _answered(Outcome.FAILED, Code.UPLOAD_TIMED_OUT, Stage.STORE, ServerOutcome.FAILED),
    Ending.LEFT_STORE: _left(Phase.WAIT, Stage.STORE),
    Ending.UNHEARD: _left(Phase.WAIT, Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED_UNHEARD),
    Ending.CUT: Ends(Outcome.CUT, Phase.NONE, Code.NONE, None, ServerOutcome.OPEN, Code.NONE),
}
OUTCOMES = tuple(int(ENDS[ending].outcome) for ending in Ending)
"""The outcome of each ending, by number: a tuple, so that compiled code can hold it."""


def place(ending: Ending) -> Place:
    """Where the record's upload part counts it."""
    return place_of(*ENDS[ending])
