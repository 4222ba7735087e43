"""What the engine asks of those around it: its bounds, an attempt, what comes after it, and a book of what became of people."""

from dataclasses import dataclass
from typing import Protocol

from gelombang.attempt import Fate
from gelombang_loadtests.applicant import Applicant


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Bounds of one process's engine."""

    in_flight_limit: int
    """Attempts in progress at once; a due attempt waits for a place and its lateness shows it."""
    steps: int


@dataclass(slots=True)
class RunEnd:
    """When open attempts are cut; arrivals are over before. A stop brings it forward."""

    us: int


@dataclass(slots=True)
class Again:
    """The next attempt (or the end of a wait for a message) is due then."""

    due_us: int
    parked: bool = False
    """Waiting for a message: `Engine.wake` may end it earlier."""


Next = Again | Fate
"""What comes after an attempt."""


class Attempt(Protocol):
    """One attempt of one applicant, from its due time to its outcome; blocks the calling task only. None: another tab says what is next."""

    def __call__(self, applicant: Applicant) -> Next | None: ...


class Book(Protocol):
    """Where the engine has written what became of people, when the attempts themselves did not."""

    def cut(self, applicant: Applicant, now_us: int) -> Fate:
        """The run ended while the applicant was in an attempt: CUT, or UNSENT when nothing had been sent yet."""
        ...

    def unsent(self, index: int, due_us: int) -> None:
        """A planned person was never started."""
        ...

    def waiting_at_the_end(self, now_us: int) -> int:
        """Everybody who has no fate yet is WAITING; how many they are."""
        ...
