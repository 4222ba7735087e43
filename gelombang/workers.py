"""Generator processes on other machines: what each says of itself before it may join, and what the record keeps of it.

The plan is made by each worker for itself, so all must start from the same code, scenario and curve. Each announces the digests of its own;
the master compares them with its own and refuses a difference before anybody is sent.
"""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gelombang.runplan import read_model, write_model
from gelombang.scale import FixedFloat, FixedInt
from gelombang.scenario import Scenario

WORKERS_FILE = "workers.json"
"""In a run's folder, when its generator processes were Locust's workers."""


class Announcement(BaseModel):
    """What a process would walk by: equal on all machines of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: str
    scenario_digest: str
    """SHA-256 of the scenario as it was loaded, arrivals apart; where its files lie is no part."""
    curve_digest: str
    """SHA-256 of its arrivals: the curve's rows, or phases, and the window."""


class Worker(BaseModel):
    """One worker of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    process: FixedInt = Field(ge=0)
    host: str
    clock_error_seconds: FixedFloat = Field(ge=0)
    """By how much its clock may be off from the master's: half of the fastest round trip."""


class Workers(BaseModel):
    """All workers of a run, in the order of their numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    workers: tuple[Worker, ...] = ()


def announce(scenario: Scenario) -> Announcement:
    """What this process says of itself; the scenario is the one that was loaded, at full size."""
    whole = scenario.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_ELSEWHERE)
    arrivals = whole.pop("arrivals")
    arrivals.pop("curve", None)  # its name: what the file holds is in `rows`
    return Announcement(version=version("gelombang"), scenario_digest=_digest(whole), curve_digest=_digest(arrivals))


def differences(master: Announcement, worker: Announcement) -> list[str]:
    """Why a worker may not join, each with both sides; empty when it may."""
    named = (("version", "version"), ("scenario", "scenario_digest"), ("curve", "curve_digest"))
    return [
        f"the worker's {what} is {getattr(worker, field)}; want {getattr(master, field)}, the master's"
        for what, field in named
        if getattr(worker, field) != getattr(master, field)
    ]


def write_workers(folder: Path, workers: list[Worker]) -> None:
    """Write `workers.json`."""
    write_model(folder / WORKERS_FILE, Workers(workers=tuple(sorted(workers, key=lambda worker: worker.process))))


def read_workers(folder: Path) -> tuple[Worker, ...]:
    """The workers of a run; none where the generator processes were the command's own. Raises RecordError."""
    return read_model(folder / WORKERS_FILE, Workers).workers if (folder / WORKERS_FILE).exists() else ()


_ELSEWHERE: Any = {"feed": {"__all__": {"content": {"path"}}}}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
