"""The folders that the servers of one site left on several hosts, taken into the folder of a run that was sent to them.

Each server writes its ledgers into a folder of its own, on its machine's monotonic clock. Here they become what the join reads: the ledgers
of one site, numbered through, on the run's clock, beside the orders that name the database and the bucket which all of them share. Where
photos lie in a folder of one host's, nothing can be audited, so that is refused. Notes of killed processes are not taken: what those had
under way stays unexplained.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import ServerOutcome
from gelombang.errors import InputError
from gelombang.evidence import SERVER_LEDGERS
from gelombang.ledger import SERVER_ROW, concatenate
from gelombang.runplan import SERVER_FILE, RunPlan, ServerPlan, read_model, write_model
from gelombang.service_ledger import ended_rows, onto_clock_us


def take_site_hosts(folder: Path, sites: Sequence[Path], plan: RunPlan, generator: NDArray[np.void]) -> int:
    """Copy the ledgers of all hosts into the run's folder; how many rows they have. Raises InputError for a folder that is not of this
    run's site, RecordError for a file that can't be read."""
    orders = [read_model(site / SERVER_FILE, ServerPlan) for site in sites]
    for site, order in zip(sites, orders, strict=True):
        _require_shared(site, order, orders[0], plan)
    count = slot = 0
    for site, order in zip(sites, orders, strict=True):
        parts = [ended_rows(path) for path in sorted(site.glob(SERVER_LEDGERS))]
        shift_us = onto_clock_us(concatenate(parts, SERVER_ROW), order.zero_us - plan.zero_us, generator)
        for rows in parts:
            rows["began"] += shift_us
            rows["ended"][rows["outcome"] != ServerOutcome.OPEN] += shift_us
            (folder / f"ledger-server-{slot}.bin").write_bytes(rows.tobytes())
            count, slot = count + len(rows), slot + 1
    # On the run's clock now, so the orders that stand beside them have its zero.
    processes = sum(order.processes for order in orders)
    write_model(folder / SERVER_FILE, orders[0].model_copy(update={"zero_us": plan.zero_us, "processes": processes}))
    return count


def _require_shared(site: Path, order: ServerPlan, first: ServerPlan, plan: RunPlan) -> None:
    if order.run != plan.run:
        raise InputError(f"{site} is of run {order.run} and this is run {plan.run}; want servers and generator with the same --run-number")
    if order.profile.database.url is None or order.profile.objects is None:
        raise InputError(f"{site} has a database or photos of its own; want a site on several hosts, with --database and --objects")
    if (order.profile.database, order.profile.objects) != (first.profile.database, first.profile.objects):
        raise InputError(f"{site} shares no database and bucket with the first folder; want servers of one site")
    if next(site.glob(SERVER_LEDGERS), None) is None:
        raise InputError(f"{site} has no ledger; want the folder of a server that has ended")
