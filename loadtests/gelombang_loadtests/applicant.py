"""An applicant between two attempts: a small row, because hundreds of thousands of them wait while few are in an exchange.

Name, NIK and patience are not held here: they are drawn from the seed when an attempt needs them.
"""

from array import array
from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

import orjson

from gelombang.person import Person

if TYPE_CHECKING:
    from gelombang_loadtests.cookies import Jar
    from gelombang_loadtests.pool import PersonConnections

NO_ROW = -1
_NO_VALUES = b"{}"


class State(IntEnum):
    """Where an applicant is for the engine."""

    BETWEEN = 0
    """A next attempt is due some time."""
    IN_FLIGHT = 1
    PARKED = 2
    """Waiting for a message; the next wake-up is the message or the end of the wait."""
    RETIRED = 3


class Applicant:
    """One person who has started. `tries[step]` counts attempts and never falls, because it is part of an attempt's identity."""

    __slots__ = (
        "_tries",
        "_values",
        "attempt_row",
        "attempts",
        "connections",
        "cookies",
        "copies",
        "due_us",
        "failures_in_row",
        "filling",
        "index",
        "message",
        "parked_us",
        "passed_steps",
        "person",
        "person_row",
        "state",
        "step",
        "ticket",
        "uploads",
    )

    tab = 0
    is_tab = False

    def __init__(self, index: int, due_us: int, steps: int) -> None:
        self.index = index
        self.due_us = due_us
        """When the next attempt is due; of a first step, by the plan."""
        self.step = 0
        self.state = State.BETWEEN
        self.ticket = 0
        """The engine's number of the wake-up that counts; older ones are void."""
        self._tries: array[int] | bytes = array("H", bytes(2 * steps))
        self.attempts = 0
        self.failures_in_row = 0
        self.passed_steps = 0
        """Bit i: step i was passed."""
        self.copies = 0
        """Byte i: at step i, 0 for the first photo, c for the c-th smaller copy."""
        self.connections: PersonConnections | None = None
        self.cookies: Jar | None = None
        self.person: Person | None = None
        """Drawn from the seed when first needed, and dropped while the person is away for long."""
        self.filling: Mapping[str, str] | None = None
        """What placeholders stand for; made with `person`, and dropped with it."""
        self._values: dict[str, str] | bytes = {}
        self.uploads: dict[tuple[int, int, int], str] | None = None
        """Uploads by tus that were begun and are not done: by step, request of the step, and copy, where the site keeps them."""
        self.message: dict[str, str] | None = None
        """The message that ended a wait, until the walker has read it."""
        self.parked_us = 0
        """When the wait for a message began; 0 outside one."""
        self.person_row = NO_ROW
        self.attempt_row = NO_ROW
        """The ledger row of the attempt that is open."""

    @property
    def tries(self) -> "array[int]":
        """Attempts at each step so far."""
        if isinstance(self._tries, bytes):
            self._tries = array("H", self._tries)
        return self._tries

    @property
    def values(self) -> dict[str, str]:
        """What earlier steps captured."""
        if isinstance(self._values, bytes):
            self._values = orjson.loads(self._values)
        return self._values  # type: ignore[return-value]  # orjson's is what was packed

    @values.setter
    def values(self, captured: dict[str, str]) -> None:
        self._values = captured

    def has_passed(self, step: int) -> bool:
        return bool(self.passed_steps >> step & 1)

    def copy(self, step: int) -> int:
        """Which photo the person sends at a step: 0 the first one, c the c-th smaller copy."""
        return self.copies >> (8 * step) & 0xFF

    def switch_to_smaller(self, step: int, again: bool) -> None:
        """Send a smaller copy from now on; `again` when the copy itself was too large, and another one is made."""
        copy = self.copy(step)
        if copy == 0 or (again and copy < 0xFF):
            self.copies += 1 << (8 * step)

    def leave_line(self) -> None:
        """Give up idle connections, and what can be drawn again: the person is gone, or waits, maybe for long. What must stay is packed."""
        self.person = self.filling = None
        if not isinstance(self._values, bytes):
            # Copied: what orjson gives keeps the 4 KB that it began with.
            self._values = bytes(memoryview(orjson.dumps(self._values))) if self._values else _NO_VALUES
        if not isinstance(self._tries, bytes):
            self._tries = self._tries.tobytes()
        if self.connections is not None:
            self.connections.close()
            self.connections = None
