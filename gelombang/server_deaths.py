"""Deaths of server processes, as their supervisor noted them, and which requests were in flight on a process that ended by one.

A connection that a process accepted (or that the kernel held for it) and whose request it never read has no row in any ledger; when the
process is killed, the kernel ends the connection. A death explains such a request only where all of this holds: the supervisor noted the
kill, the process left its ledger as a killed one does, the step is one that this process serves, and the person was waiting between the
last sign of life in that ledger and the moment of the note.

A death ends the site: the other processes are drained. A request that comes over a kept connection just when its process closes it, or
waits behind the last that is let in, is reset by the kernel and in no ledger either (RFC 9112, section 9.6, knows no way around it). A
drain explains it where the supervisor noted it, the process closed its ledger, and the person was waiting between the order and the end.
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


class NotedDrain(BaseModel):
    """A server process was told to end because another one had been killed, and did; wall µs from the server's zero."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    slot: FixedInt = Field(ge=0)
    told_us: FixedInt
    ended_us: FixedInt
    """When the supervisor knew of its end."""


class NotedDeaths(BaseModel):
    """All of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    deaths: tuple[NotedDeath, ...] = ()
    drains: tuple[NotedDrain, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerDeath:
    """When a process that left its ledger open died, and what it had served; times are wall µs from the run's zero."""

    alive_us: int
    """Its last sign of life."""
    at_us: int
    serves_uploads: bool
    serves_others: bool

    @property
    def from_us(self) -> int:
        """Before it, nobody lost anything by this death."""
        return max(self.alive_us, self.at_us - int(NOTED_WITHIN_SECONDS * MICROSECONDS))


@dataclass(frozen=True, slots=True)
class ServerDrain:
    """From when to when a process was drained for another's death, and what it served; times are wall µs from the run's zero."""

    from_us: int
    at_us: int
    """Its end."""
    serves_uploads: bool
    serves_others: bool


def write_server_deaths(folder: Path, deaths: Sequence[NotedDeath], drains: Sequence[NotedDrain] = ()) -> None:
    """Write `server-deaths.json`."""
    write_model(folder / SERVER_DEATHS_FILE, NotedDeaths(deaths=tuple(deaths), drains=tuple(drains)))


def read_server_deaths(folder: Path) -> NotedDeaths:
    """What the supervisor noted; nothing without a file. Raises RecordError."""
    path = folder / SERVER_DEATHS_FILE
    return read_model(path, NotedDeaths) if path.exists() else NotedDeaths()


def placed(noted: NotedDeath, alive_us: int, shift_us: int, server: ServerPlan) -> ServerDeath:
    """The death on the run's clock; `alive_us` is on it already, `shift_us` brings the server's times there."""
    return ServerDeath(alive_us, noted.at_us + shift_us, *_served(noted.slot, server))


def placed_drain(noted: NotedDrain, shift_us: int, server: ServerPlan) -> ServerDrain:
    """The drain on the run's clock."""
    return ServerDrain(noted.told_us + shift_us, noted.ended_us + shift_us, *_served(noted.slot, server))


def in_flight(rows: NDArray[np.void], ends: Sequence[ServerDeath] | Sequence[ServerDrain], steps: Sequence[Step]) -> NDArray[np.bool_]:
    """Which of the generator's rows were waiting for a server process when it ended."""
    found = np.zeros(len(rows), dtype=np.bool_)
    uploads = np.isin(rows["step"], [i for i, step in enumerate(steps) if is_upload(step)])
    for end in ends:
        until_us = end.at_us + int(HEARD_WITHIN_SECONDS * MICROSECONDS)
        served = uploads & end.serves_uploads | ~uploads & end.serves_others
        found |= served & (rows["sent"] <= end.at_us) & (rows["done"] >= end.from_us) & (rows["done"] <= until_us)
    return found


def _served(slot: int, server: ServerPlan) -> tuple[bool, bool]:
    """Whether the process of this slot takes uploads, and whether it takes everything else."""
    is_upload_process = slot >= server.processes
    return is_upload_process or not server.profile.uploads.own_process, not is_upload_process
