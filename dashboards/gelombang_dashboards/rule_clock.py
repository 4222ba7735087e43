"""The clock of the rules: windows named in the people's time, written in the wall's.

An hour of the opening lasts a minute at 60 times the speed, and an alert that looks back an hour must look back that minute. Names of
recorded series say the people's time (`rate1h`), so that a rehearsal and the real day have the same names.
"""

from dataclasses import dataclass

from gelombang.diagnosis.diagnose import window_seconds
from gelombang.errors import InputError

SCRAPES_IN_WINDOW = 4
"""A rate needs samples: no window is shorter than so many scrapes."""
EVALUATED_EVERY_SECONDS = 120.0
"""Of the people's time."""
EVALUATED_SECONDS_MOST = 15.0


@dataclass(frozen=True, slots=True)
class RuleClock:
    """Of a rehearsal at some speed, or of the real day at 1."""

    speed: float
    scrape_seconds: float = 1.0
    is_rehearsal: bool = True
    is_drill: bool = False
    """A rehearsal whose alerts go out to the people on duty all the same."""

    def __post_init__(self) -> None:
        if not 1 <= self.speed <= 3_600:
            raise InputError(f"the rules' speed is {self.speed:g}; want 1 (the real day) to 3600")
        if not 0.1 <= self.scrape_seconds <= 300:
            raise InputError(f"the rules' scrape interval is {self.scrape_seconds:g} s; want 0.1 to 300")

    def window(self, people_seconds: float) -> str:
        """A window of the people's time, in the wall's."""
        return duration(max(people_seconds / self.speed, SCRAPES_IN_WINDOW * self.scrape_seconds))

    def wall_seconds(self, people_seconds: float) -> float:
        return people_seconds / self.speed

    def lasting(self, people_seconds: float) -> str:
        """How long a condition must hold before an alert fires."""
        return duration(people_seconds / self.speed)

    @property
    def interval_seconds(self) -> float:
        """How often rules are evaluated."""
        return min(max(EVALUATED_EVERY_SECONDS / self.speed, self.scrape_seconds), EVALUATED_SECONDS_MOST)

    @property
    def interval(self) -> str:
        return duration(self.interval_seconds)

    @property
    def diagnosis(self) -> float:
        """Wall seconds of a window of the diagnosis."""
        return max(window_seconds(self.speed), SCRAPES_IN_WINDOW * self.scrape_seconds)


def duration(seconds: float) -> str:
    """As Prometheus writes it."""
    milliseconds = max(1, round(seconds * 1_000))
    for unit, length in (("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if milliseconds % length == 0:
            return f"{milliseconds // length}{unit}"
    return f"{milliseconds}ms"
