"""What a run left behind, read once: both ledgers, people, acknowledged photos, on one clock.

A process that closes its ledger cuts the file to the rows that it began; a killed one leaves a tail of zeros. So an open row in a file
with a tail is read as `process_died`, and an open row in a file without one stays open: its writer forgot it, and the join says so.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gelombang.attempt import Outcome, ServerOutcome
from gelombang.attempt_id import PAGE_PEOPLE
from gelombang.host_cuts import HostCut, read_host_cuts
from gelombang.ledger import (
    ACKNOWLEDGED_ROW,
    EVERYBODY,
    GENERATOR_ROW,
    PERSON_ROW,
    SERVER_ROW,
    Share,
    begun_rows,
    concatenate,
    read_all,
    read_rows,
    read_share,
)
from gelombang.resumed import fold
from gelombang.runplan import SERVER_FILE, RunPlan, ServerPlan, read_model
from gelombang.server_deaths import ServerDeath, ServerDrain, placed, placed_drain, read_server_deaths
from gelombang.striping import Death, read_deaths

GENERATOR_LEDGERS = "ledger-generator-*.bin"
SERVER_LEDGERS = "ledger-server-*.bin"
PEOPLE_LEDGERS = "people-*.bin"
ACKNOWLEDGED_LEDGERS = "acknowledged-*.bin"
PART_BYTES = 400_000_000
"""Ledgers of this size are looked at in one go; what is worked out of them takes about twice as much again."""
SERVICE_FILE = "service.json"
"""Stands in a run's folder when the ledgers of the operator's own service were taken in."""


class Service(BaseModel):
    """What is known of ledgers that the reference server did not write."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    requests_from: int
    """How many files they came from."""
    uncovered_steps: list[int]
    """Steps that the service never saw: they went elsewhere, and nothing is said about them."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All rows of a run; times are wall µs from the run's zero."""

    generator: NDArray[np.void]
    server: NDArray[np.void]
    people: NDArray[np.void]
    people_process: NDArray[np.int64]
    """The generator process that each row of `people` is of."""
    acknowledged: NDArray[np.void]
    has_server: bool
    """Whether the target was the reference server, whose ledger must be there, or a service whose ledgers were taken in."""
    generators_died: int
    servers_died: int
    deaths: tuple[Death, ...] = ()
    """Generator processes that died while the run was followed, and who went on."""
    uncovered_steps: tuple[int, ...] = ()
    """Steps that `server` can't speak of."""
    server_deaths: tuple[ServerDeath, ...] = ()
    """Server processes whose kill was noted and whose ledger says the same."""
    server_drains: tuple[ServerDrain, ...] = ()
    """Those that were told to end for it, and closed their ledgers."""
    host_cuts: tuple[HostCut, ...] = ()
    """Server hosts that nobody could reach for a while."""


def read_evidence(folder: Path, plan: RunPlan, share: Share = EVERYBODY) -> Evidence:
    """Read a run's folder, or what of it is these people's. Raises RecordError for a ledger that can't be read."""
    generator, unclosed = _read_ended(folder, GENERATOR_LEDGERS, GENERATOR_ROW, Outcome.PROCESS_DIED, share)
    server, killed = _read_ended(folder, SERVER_LEDGERS, SERVER_ROW, ServerOutcome.PROCESS_DIED, share)
    of_pages = server["person"] >= PAGE_PEOPLE
    if of_pages.any():
        # What applicants' pages did in a browser has reports of its own, and no generator's rows.
        server = server[~of_pages]
    server = fold(server)
    deaths = read_deaths(folder)
    people = {int(path.stem.rpartition("-")[2]): read_rows(path, PERSON_ROW, share) for path in sorted(folder.glob(PEOPLE_LEDGERS))}
    has_server = (folder / SERVER_FILE).exists()
    server_deaths: tuple[ServerDeath, ...] = ()
    server_drains: tuple[ServerDrain, ...] = ()
    if has_server:
        # The server is started before the run's zero is agreed, so its rows count from a zero of its own.
        orders = read_model(folder / SERVER_FILE, ServerPlan)
        shift_us = orders.zero_us - plan.zero_us
        server["began"] += shift_us
        server["ended"][server["outcome"] != ServerOutcome.OPEN] += shift_us
        server_deaths = tuple(_server_deaths(folder, killed, shift_us, orders))
        server_drains = tuple(_server_drains(folder, killed, shift_us, orders)) if server_deaths else ()
    service = read_model(folder / SERVICE_FILE, Service) if (folder / SERVICE_FILE).exists() else None
    return Evidence(
        generator=generator,
        server=server,
        people=concatenate(people.values(), PERSON_ROW),
        people_process=np.repeat(np.array(list(people), dtype=np.int64), [len(rows) for rows in people.values()]),
        acknowledged=read_all(folder, ACKNOWLEDGED_LEDGERS, ACKNOWLEDGED_ROW, share),
        has_server=has_server or service is not None,
        generators_died=max(len(unclosed), len(deaths)),
        servers_died=len(killed),
        deaths=deaths,
        uncovered_steps=tuple(service.uncovered_steps) if service is not None else (),
        server_deaths=server_deaths,
        server_drains=server_drains,
        host_cuts=read_host_cuts(folder),
    )


def _server_deaths(folder: Path, killed: Collection[str], shift_us: int, orders: ServerPlan) -> Iterator[ServerDeath]:
    """Noted deaths of processes that left their ledger as killed ones do; what only one of the two says is none."""
    for noted in read_server_deaths(folder).deaths:
        name = f"ledger-server-{noted.slot}.bin"
        if name in killed:
            rows = (rows for rows in begun_rows(folder / name, SERVER_ROW) if len(rows))
            alive_us = max((int(part[when].max()) for part in rows for when in ("began", "ended")), default=0)
            yield placed(noted, alive_us + shift_us, shift_us, orders)


def _server_drains(folder: Path, killed: Collection[str], shift_us: int, orders: ServerPlan) -> Iterator[ServerDrain]:
    """Noted drains of processes that closed their ledgers."""
    for noted in read_server_deaths(folder).drains:
        name = f"ledger-server-{noted.slot}.bin"
        if name not in killed and (folder / name).exists():
            yield placed_drain(noted, shift_us, orders)


def shares(folder: Path, part_bytes: int = PART_BYTES) -> list[Share]:
    """The people of a run in parts whose ledgers are about so large; one part where all of it is no larger."""
    patterns = (GENERATOR_LEDGERS, SERVER_LEDGERS, PEOPLE_LEDGERS)
    size_bytes = sum(path.stat().st_size for pattern in patterns for path in folder.glob(pattern))
    parts = max(1, -(-size_bytes // part_bytes))
    return [Share(part, parts) for part in range(parts)]


def latest_us(folder: Path) -> int:
    """When the last attempt ended, or the last person left, in wall µs from the run's zero; 0 without any. Raises RecordError."""
    files = ((pattern, dtype) for pattern, dtype in ((GENERATOR_LEDGERS, GENERATOR_ROW), (PEOPLE_LEDGERS, PERSON_ROW)))
    parts = (rows for pattern, dtype in files for path in folder.glob(pattern) for rows in begun_rows(path, dtype))
    return max((int(rows["done"].max()) for rows in parts if len(rows)), default=0)


def _read_ended(
    folder: Path, pattern: str, dtype: np.dtype[np.void], died_outcome: int, share: Share
) -> tuple[NDArray[np.void], list[str]]:
    """The rows of all files, and the names of those that their writer did not close."""
    parts, died = [], []
    for path in sorted(folder.glob(pattern)):
        rows, begun = read_share(path, dtype, share)
        if path.stat().st_size > begun * dtype.itemsize:
            died.append(path.name)
            rows["outcome"][rows["outcome"] == 0] = died_outcome
        parts.append(rows)
    return concatenate(parts, dtype), died
