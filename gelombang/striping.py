"""Who walks whom: a pure function of the plan, the number of generator processes, and the deaths among them.

Person i belongs to process i mod W (epoch 0). When a process is dead, a new epoch begins at an instant that lies a dead-man delay ahead: of
the dead process's people, those who are due at or after that instant go to the living, in turn. An index never leaves a living process, so
whatever orders come late, twice or not at all, no two processes run the same person; who was due in between stays unsent.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gelombang.arrivals import ArrivalPlan
from gelombang.runplan import read_model, write_model
from gelombang.scale import FixedInt

DEATHS_FILE = "deaths.json"
"""In a run's folder, when a generator process died."""
DEATHS_LIMIT = 1_024


class Death(BaseModel):
    """A generator process is no more, and who goes on in its place."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    epoch: FixedInt = Field(ge=1, le=DEATHS_LIMIT)
    """The epoch that begins with it: 1 for the first death of a run."""
    process: FixedInt = Field(ge=0)
    how: str
    """`was killed by signal 9`, `was not heard of for 5 s`."""
    at_us: FixedInt
    """When it was noticed, wall µs from the run's zero."""
    from_us: FixedInt
    """Its people due from here on are walked by the living."""
    living: tuple[int, ...]
    """The processes that go on; empty when nobody is left."""


class Deaths(BaseModel):
    """All deaths of a run, in the order of their epochs."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    deaths: tuple[Death, ...] = ()


def write_deaths(folder: Path, deaths: Sequence[Death]) -> None:
    """Write `deaths.json`."""
    write_model(folder / DEATHS_FILE, Deaths(deaths=tuple(deaths)))


def read_deaths(folder: Path) -> tuple[Death, ...]:
    """The deaths of a run; none without a file. Raises RecordError."""
    return read_model(folder / DEATHS_FILE, Deaths).deaths if (folder / DEATHS_FILE).exists() else ()


def owners(due_us: NDArray[np.int64], processes: int, deaths: Sequence[Death]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The process that walks each person of a plan, and the epoch in which it was given them."""
    index = np.arange(len(due_us), dtype=np.int64)
    owner, turn = index % processes, index // processes
    epoch = np.zeros(len(due_us), dtype=np.int64)
    for death in deaths:
        if not death.living:
            continue
        moved = (owner == death.process) & (due_us >= death.from_us)
        owner[moved] = np.array(death.living, dtype=np.int64)[turn[moved] % len(death.living)]
        turn[moved] //= len(death.living)
        epoch[moved] = death.epoch
    return owner, epoch


class Stripe:
    """The people of one generator process, now and after each death that it is told of."""

    def __init__(self, plan: ArrivalPlan, process: int, processes: int) -> None:
        assert 0 <= process < processes
        self._plan = plan
        self._due_us = plan.due_us
        self._process = process
        self._processes = processes
        self._deaths: list[Death] = []

    @property
    def planned(self) -> int:
        """How many people the whole plan has: this process may come to walk as many."""
        return len(self._due_us)

    def own(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices and due times of those who are its own from the beginning."""
        return self._plan.stripe(self._process, self._processes)

    def take(self, death: Death) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices and due times of those whom the death gives to this process; nobody when it was told of before."""
        if any(known.epoch == death.epoch for known in self._deaths):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        self._deaths = sorted([*self._deaths, death], key=lambda each: each.epoch)
        owner, epoch = owners(self._due_us, self._processes, self._deaths)
        mine = np.flatnonzero((owner == self._process) & (epoch == death.epoch)).astype(np.int64)
        return mine, self._due_us[mine]

    def owner(self, index: int) -> tuple[int, int]:
        """The process that walks this person, and the epoch in which it was given them."""
        owner, turn, epoch = index % self._processes, index // self._processes, 0
        for death in self._deaths:
            if death.living and owner == death.process and self._due_us[index] >= death.from_us:
                owner, turn, epoch = death.living[turn % len(death.living)], turn // len(death.living), death.epoch
        return owner, epoch

    def epoch(self, index: int) -> int:
        """The epoch in which the person came to be walked by whom they are."""
        return self.owner(index)[1] if self._deaths else 0

    def owns(self, index: int) -> bool:
        """Whether this process walks the person."""
        if not self._deaths:
            return index % self._processes == self._process
        return 0 <= index < len(self._due_us) and self.owner(index)[0] == self._process
