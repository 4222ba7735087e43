"""Deaths of server processes, as their supervisor noted them, and which requests were in flight on the dead process.

A connection that a process accepted (or that the kernel held for it) and whose request it never read has no row in any ledger; when the
process is killed, the kernel ends the connection. A death explains such a request only where all of this holds: the supervisor noted the
kill, the process left its ledger as a killed one does, the step is one that this process serves, and the person was waiting between the
last sign of life in that ledger and the moment of the note.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gelombang.clock import MICROSECONDS
from gelombang.runplan import ServerPlan, read_model, write_model
from gelombang.scale import FixedInt
from gelombang.steps import Step, is_upload

SERVER_DEATHS_FILE = "server-deaths.json"
"""In a run's folder, when a server process was killed."""
NOTED_WITHIN_SECONDS = 1.0
"""Wall time in which the supervisor notes a kill: a process that was idle before gave its last sign of life longer ago."""
HEARD_WITHIN_SECONDS = 1.0
"""Wall time in which a generator notices that the kernel ended a connection."""


class NotedDeath(BaseModel):
    """A server process was killed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    slot: FixedInt = Field(ge=0)
    how: str
    at_us: FixedInt
    """When the supervisor noted it, wall µs from the server's zero."""


class NotedDeaths(BaseModel):
    """All of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    deaths: tuple[NotedDeath, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerDeath:
    """When a process that left its ledger open died, and what it had served; times are wall µs from the run's zero."""

    alive_us: int
    """Its last sign of life."""
    at_us: int
    serves_uploads: bool
    serves_others: bool

    def in_flight(self, rows: NDArray[np.void], uploads: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which of the generator's rows were waiting for this process when it died; `uploads` says which of them are upload attempts."""
        from_us = max(self.alive_us, self.at_us - int(NOTED_WITHIN_SECONDS * MICROSECONDS))
        until_us = self.at_us + int(HEARD_WITHIN_SECONDS * MICROSECONDS)
        served = uploads & self.serves_uploads | ~uploads & self.serves_others
        found: NDArray[np.bool_] = served & (rows["sent"] <= self.at_us) & (rows["done"] >= from_us) & (rows["done"] <= until_us)
        return found


def write_server_deaths(folder: Path, deaths: Sequence[NotedDeath]) -> None:
    """Write `server-deaths.json`."""
    write_model(folder / SERVER_DEATHS_FILE, NotedDeaths(deaths=tuple(deaths)))


def read_server_deaths(folder: Path) -> tuple[NotedDeath, ...]:
    """What the supervisor noted; nothing without a file. Raises RecordError."""
    path = folder / SERVER_DEATHS_FILE
    return read_model(path, NotedDeaths).deaths if path.exists() else ()


def placed(noted: NotedDeath, alive_us: int, shift_us: int, server: ServerPlan) -> ServerDeath:
    """The death on the run's clock; `alive_us` is on it already, `shift_us` brings the server's times there."""
    own_process = server.profile.uploads.own_process
    is_upload_process = noted.slot >= server.processes
    return ServerDeath(alive_us, noted.at_us + shift_us, is_upload_process or not own_process, not is_upload_process)


def in_flight_at_death(rows: NDArray[np.void], deaths: Sequence[ServerDeath], steps: Sequence[Step]) -> NDArray[np.bool_]:
    """Which of the generator's rows were waiting for a server process when it died."""
    found = np.zeros(len(rows), dtype=np.bool_)
    uploads = np.isin(rows["step"], [i for i, step in enumerate(steps) if is_upload(step)])
    for death in deaths:
        found |= death.in_flight(rows, uploads)
    return found
