"""What one password takes in a server that works: the price by which a processor's limit is foretold.

The same hash alone in an idle process is some 20 % cheaper than in a thread of a server whose event loop, database and kernel work on the
other core while a generator sends: caches and memory are shared. So it is measured there, in a short run far below the limit, from
requests that found no other password under way: such a one has waited for nobody. What such a request takes beside its hash is taken off.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from gelombang.clock import MICROSECONDS
from gelombang.evidence import SERVER_LEDGERS
from gelombang.ledger import SERVER_ROW, read_all
from gelombang.scenario import Scenario
from gelombang_capacity.demand import PASSWORD_STEPS

SAMPLES_LEAST = 30
BESIDE_SECONDS = 0.0012
"""Of the server's time for a sign-up, what is no hash: event loop, hand-over to the thread and back, the transaction. Measured where a hash
takes 0.3 ms (opening hours 60 times as fast: 1.5 ms in all); a twentieth of the price here, so that it need not be measured again."""


class PasswordPrice(NamedTuple):
    """Seconds of a password thread for one hash: the middle of what was measured, and its quartiles."""

    low: float
    median: float
    high: float


def password_price(folder: Path, scenario: Scenario) -> PasswordPrice | None:
    """From a run's server ledgers; None when too few had the password threads for themselves."""
    steps = [number for number, step in enumerate(scenario.journey) if step.step in PASSWORD_STEPS]
    rows = read_all(folder, SERVER_LEDGERS, SERVER_ROW)
    rows = rows[np.isin(rows["step"], steps) & (rows["ended"] > 0)]
    rows = rows[np.argsort(rows["began"], kind="stable")]
    ends = np.maximum.accumulate(rows["ended"])
    found_nobody = np.concatenate(([True], rows["began"][1:] > ends[:-1]))[: len(rows)]
    took = (rows["ended"] - rows["began"])[found_nobody] / MICROSECONDS - BESIDE_SECONDS
    if len(took) < SAMPLES_LEAST:
        return None
    low, median, high = (max(0.0, float(value)) for value in np.quantile(took, [0.25, 0.5, 0.75]))
    return PasswordPrice(low, median, high)
