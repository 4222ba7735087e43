"""The ledgers that a service of somebody's own wrote (`gelombang.middleware`), taken into a run's folder.

The middleware leaves a row per request, a file per worker process, and its machine's own monotonic time. Here they become what the join
reads: one row per attempt, in one file, on the run's clock. Steps that the service never saw went to another host and are not judged.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import ServerOutcome
from gelombang.errors import InputError
from gelombang.evidence import SERVER_LEDGERS, SERVICE_FILE, Service
from gelombang.ledger import SERVER_ROW, concatenate, read_rows
from gelombang.row_match import NOT_JOINED, match
from gelombang.runplan import RunPlan, write_model
from gelombang.steps import Step

LEDGER_FILE = "ledger-server-0.bin"
SAME_CLOCK_US = (-1_000_000, 60_000_000)
"""How far a request may begin after its attempt was sent, in the middle, for both machines' clocks to be one."""
_GROUP = ("person", "step", "number", "tab")


def take_service_ledgers(folder: Path, ledgers: Path, plan: RunPlan, generator: NDArray[np.void], steps: Sequence[Step]) -> int:
    """Copy the rows of a run from the middleware's folder into the run's; how many attempts they are. Raises InputError when there are
    none, RecordError for a file that can't be read."""
    source = ledgers / f"{plan.run:010x}"
    paths = sorted(source.glob(SERVER_LEDGERS)) if source.is_dir() else sorted(ledgers.glob(SERVER_LEDGERS))
    rows = merged(concatenate((ended_rows(path) for path in paths), SERVER_ROW))
    if not len(rows):
        raise InputError(f"{source} holds no row of this run; want the folder that the middleware writes, whose service saw its requests")
    shift_us = onto_clock_us(rows, -plan.zero_us, generator)
    rows["began"] += shift_us
    rows["ended"][rows["ended"] != 0] += shift_us
    (folder / LEDGER_FILE).write_bytes(rows.tobytes())
    seen = set(np.unique(rows["step"]).tolist())
    uncovered = [i for i, step in enumerate(steps) if step.form != "message" and i not in seen]
    write_model(folder / SERVICE_FILE, Service(requests_from=len(paths), uncovered_steps=uncovered))
    return len(rows)


def merged(rows: NDArray[np.void]) -> NDArray[np.void]:
    """One row per attempt: it ended as its last request did, and had all their bytes."""
    if not len(rows):
        return rows
    order = np.lexsort((rows["began"], *(rows[name] for name in reversed(_GROUP))))
    ranked = rows[order]
    begins = np.ones(len(ranked), dtype=np.bool_)
    begins[1:] = np.logical_or.reduce([ranked[name][1:] != ranked[name][:-1] for name in _GROUP])
    starts = np.flatnonzero(begins)
    counts = np.diff(np.append(starts, len(ranked)))
    found: NDArray[np.void] = ranked[starts + counts - 1].copy()
    found["began"] = ranked["began"][starts]
    found["exchanges"] = np.minimum(np.add.reduceat(ranked["exchanges"].astype(np.int64), starts), 255)
    found["bytes_received"] = np.minimum(np.add.reduceat(ranked["bytes_received"].astype(np.int64), starts), 0xFFFF_FFFF)
    return found


def onto_clock_us(rows: NDArray[np.void], shift_us: int, generator: NDArray[np.void]) -> int:
    """What brings `rows` onto the generator's clock: `shift_us` where both had one clock, else what the rows say themselves."""
    server_of, _, _, _ = match(generator, rows)
    known = server_of != NOT_JOINED
    if known.any():
        late_us = int(np.median(rows["began"][server_of[known]] + shift_us - generator["sent"][known]))
        if not SAME_CLOCK_US[0] <= late_us <= SAME_CLOCK_US[1]:
            # Another machine has another monotonic clock: the middle request is taken to begin when its attempt was sent.
            return shift_us - late_us
    return shift_us


def ended_rows(path: Path) -> NDArray[np.void]:
    """Rows of a ledger. A file of a process that runs, or was killed, has a tail; what is open in it will not be heard of any more."""
    rows = read_rows(path, SERVER_ROW)
    if path.stat().st_size > rows.nbytes:
        rows["outcome"][rows["outcome"] == ServerOutcome.OPEN] = ServerOutcome.PROCESS_DIED
    return rows
