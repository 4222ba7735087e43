"""The people of a dead worker, as the master can know them: what it told of, and by the plan whom it may have started besides."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Fate
from gelombang.ledger import PERSON_ROW, read_rows
from gelombang.runplan import RunPlan
from gelombang.striping import Death, owners


def account_for(
    folder: Path, plan: RunPlan, due_us: NDArray[np.int64], deaths: Sequence[Death], process: int, begun_by_us: int | None
) -> None:
    """Make its file of people whole: whom others walk are theirs, and who was due by `begun_by_us`, of whom it did not tell, was cut.

    `begun_by_us`, wall µs from the run's zero, is when it began the last one at the latest; None when it told of everybody.
    """
    owner, epoch = owners(due_us, plan.generator_processes, deaths)
    path = folder / f"people-{process}.bin"
    rows = read_rows(path, PERSON_ROW) if path.exists() else np.empty(0, dtype=PERSON_ROW)
    rows = rows[owner[rows["person"].astype(np.int64)] == process]
    untold = np.empty(0, dtype=np.int64)
    if begun_by_us is not None:
        untold = np.setdiff1d(np.flatnonzero((owner == process) & (due_us <= begun_by_us)), rows["person"].astype(np.int64))
    lost = np.zeros(len(untold), dtype=PERSON_ROW)
    lost["person"], lost["fate"], lost["epoch"] = untold, Fate.OPEN, epoch[untold]
    lost["due"] = lost["started"] = due_us[untold]
    path.write_bytes(np.concatenate((rows, lost)).tobytes())
