"""What a run left behind, read once: both ledgers, people, acknowledged photos, on one clock.

A process that closes its ledger cuts the file to the rows that it began; a killed one leaves a tail of zeros. So an open row in a file
with a tail is read as `process_died`, and an open row in a file without one stays open: its writer forgot it, and the join says so.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Outcome, ServerOutcome
from gelombang.ledger import ACKNOWLEDGED_ROW, GENERATOR_ROW, PERSON_ROW, SERVER_ROW, concatenate, read_all, read_rows
from gelombang.runplan import SERVER_FILE, RunPlan, ServerPlan, read_model

GENERATOR_LEDGERS = "ledger-generator-*.bin"
SERVER_LEDGERS = "ledger-server-*.bin"
PEOPLE_LEDGERS = "people-*.bin"
ACKNOWLEDGED_LEDGERS = "acknowledged-*.bin"


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All rows of a run; times are wall µs from the run's zero."""

    generator: NDArray[np.void]
    server: NDArray[np.void]
    people: NDArray[np.void]
    acknowledged: NDArray[np.void]
    has_server: bool
    """Whether the target was the reference server, whose ledger must be there; False for a foreign target."""
    generators_died: int
    servers_died: int


def read_evidence(folder: Path, plan: RunPlan) -> Evidence:
    """Read a run's folder. Raises RecordError for a ledger that can't be read."""
    generator, generators_died = _read_ended(folder, GENERATOR_LEDGERS, GENERATOR_ROW, Outcome.PROCESS_DIED)
    server, servers_died = _read_ended(folder, SERVER_LEDGERS, SERVER_ROW, ServerOutcome.PROCESS_DIED)
    has_server = (folder / SERVER_FILE).exists()
    if has_server:
        # The server is started before the run's zero is agreed, so its rows count from a zero of its own.
        shift_us = read_model(folder / SERVER_FILE, ServerPlan).zero_us - plan.zero_us
        server["began"] += shift_us
        server["ended"][server["outcome"] != ServerOutcome.OPEN] += shift_us
    return Evidence(
        generator=generator,
        server=server,
        people=read_all(folder, PEOPLE_LEDGERS, PERSON_ROW),
        acknowledged=read_all(folder, ACKNOWLEDGED_LEDGERS, ACKNOWLEDGED_ROW),
        has_server=has_server,
        generators_died=generators_died,
        servers_died=servers_died,
    )


def _read_ended(folder: Path, pattern: str, dtype: np.dtype[np.void], died_outcome: int) -> tuple[NDArray[np.void], int]:
    parts, died = [], 0
    for path in sorted(folder.glob(pattern)):
        rows = read_rows(path, dtype)
        if path.stat().st_size > rows.nbytes:
            died += 1
            rows["outcome"][rows["outcome"] == 0] = died_outcome
        parts.append(rows)
    return concatenate(parts, dtype), died
