"""The class that a user class of your own gets before its Locust class: one instance is one arriving person."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import gevent

from gelombang_loadtests.open_book import Guest
from gelombang_loadtests.open_settings import PEOPLE_LIMIT, ArrivalsSetting
from gelombang_loadtests.open_visit import live

GUEST = "gelombang_guest"
"""Where the context of Locust's `request` event says whose request it was."""
_PILOT_LOOKS_SECONDS = 1.0


class OpenUser:
    """Makes a Locust user class a description of one arriving person. Stands before Locust's class among the bases."""

    arrivals: ClassVar[ArrivalsSetting]
    """A CSV file beside the locustfile (`seconds_since_opening,registrations_per_second`), or phases one after the other."""
    tasks_per_person: ClassVar[int | None] = None
    """Tasks of a visit; without it, as many as the class has different ones."""
    drain_seconds: ClassVar[float] = 30.0
    """After the last arrival, how long people who are inside may take."""
    people_limit: ClassVar[int] = PEOPLE_LIMIT
    """People inside at once; more wait at the door, and lateness shows it."""
    objectives: ClassVar[Sequence[Mapping[str, object]]] = ()
    """What `[[objective]]` takes; steps are named after requests: `GET /items` is `get-items`."""

    # What Locust's own class has, which stands behind.
    host: ClassVar[str | None]
    weight: ClassVar[float]
    tasks: ClassVar[Sequence[Any]]

    fixed_count = 1
    guest: Guest | None = None

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)  # type: ignore[call-arg]  # of Locust's class

    def run(self) -> None:
        """Locust's own instance sleeps: people are not started by Locust."""
        while True:
            gevent.sleep(_PILOT_LOOKS_SECONDS)

    def live(self, tasks: int) -> bool:
        """One visit; whether the person stayed to its end."""
        return live(self, tasks)

    def context(self) -> dict[str, Any]:
        """Locust puts it beside each request."""
        return {**super().context(), GUEST: self.guest}  # type: ignore[misc]  # of Locust's class, which stands behind
