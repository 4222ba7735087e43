"""What a generator process says of its own run while it lasts: the doubts of `gelombang.validity` that don't have to wait for the end.

Limits are those of the record, so that the last word of a live run and its record agree; a record looks at all processes at once and at
more (unsent people, roundings), so it can be stricter, never milder.
"""

from dataclasses import dataclass

from gelombang.clock import MICROSECONDS
from gelombang.host_samples import GENERATOR_BUSY_RATIO, MACHINE_BUSY_RATIO
from gelombang.record import Validity
from gelombang.validity import (
    BUSY_GENERATOR_SECONDS,
    BUSY_MACHINE_RATIO,
    LATE_INVALID_SECONDS,
    LATE_SUSPECT_SECONDS,
    STALL_SUSPECT_RATIO,
)


@dataclass(frozen=True, slots=True)
class Second:
    """What a process saw of itself in about a second."""

    lasted_seconds: float
    lateness_p99_us: float
    """Of all first steps so far."""
    loop_late_max_us: int
    cpu_ratio: float
    """Of one core."""
    machine_cpu_ratio: float


class LiveJudge:
    """Takes one second after the other; `page_wall_seconds` is how long half of the people wait for a page, in wall time."""

    def __init__(self, page_wall_seconds: float) -> None:
        self._page_wall_seconds = page_wall_seconds
        self._busy_seconds = 0.0
        self._busy_longest_seconds = 0.0
        self._stall_max_us = 0
        self._seconds = 0
        self._machine_busy = 0
        self._lateness_p99_us = 0.0

    def take(self, second: Second) -> None:
        """The next second is over."""
        self._lateness_p99_us = second.lateness_p99_us
        self._stall_max_us = max(self._stall_max_us, second.loop_late_max_us)
        self._busy_seconds = self._busy_seconds + second.lasted_seconds if second.cpu_ratio > GENERATOR_BUSY_RATIO else 0.0
        self._busy_longest_seconds = max(self._busy_longest_seconds, self._busy_seconds)
        self._seconds += 1
        self._machine_busy += second.machine_cpu_ratio > MACHINE_BUSY_RATIO

    @property
    def doubts(self) -> dict[str, Validity]:
        """The doubts there are, by the record's names, and how bad each is."""
        late_seconds = self._lateness_p99_us / MICROSECONDS
        found: dict[str, Validity] = {}
        if late_seconds > LATE_SUSPECT_SECONDS:
            found["late-generator"] = Validity.INVALID if late_seconds > LATE_INVALID_SECONDS else Validity.SUSPECT
        if self._stall_max_us / MICROSECONDS > STALL_SUSPECT_RATIO * self._page_wall_seconds:
            found["stalled-generator"] = Validity.SUSPECT
        if self._busy_longest_seconds > BUSY_GENERATOR_SECONDS:
            found["busy-generator"] = Validity.SUSPECT
        if self._seconds and self._machine_busy / self._seconds > BUSY_MACHINE_RATIO:
            found["busy-machine"] = Validity.SUSPECT
        return found

    @property
    def validity(self) -> Validity:
        """The worst of them; VALID without any."""
        doubts = self.doubts.values()
        return Validity.INVALID if Validity.INVALID in doubts else Validity.SUSPECT if doubts else Validity.VALID
