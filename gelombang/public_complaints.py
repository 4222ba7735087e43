"""Complaints in public: who writes that it fails, when, and which step made them.

A person complains at most once, some time after their n-th failed try, counted over all steps and tabs in order of time. What is a failure
is what uses up patience (`gelombang.patience`): not a photo that was too large, not a told time to come back. Whether, after how many and
how much later are counter-based draws, made when the run is over from what the generator's ledger holds, so no person's way depends on
them. Left out: that complaints bring others to complain, to come or to stay away.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS
from gelombang.complaint_form import Complaints
from gelombang.patience import FAILURES
from gelombang.seeds import Purpose, unit_array

FAILURES_LIMIT = 1_000_000_000
"""More failed tries than anybody can have."""
DELAY_LIMIT_SECONDS = 1e9
"""Later than any run ends."""
_WHETHER, _AFTER, _DELAY = range(3)
"""The draws of one person."""


class Complained(NamedTuple):
    """One entry for each person who complains, in the order of their numbers."""

    person: NDArray[np.int64]
    step: NDArray[np.int64]
    """Of the try that was one too many."""
    at_us: NDArray[np.int64]
    """Wall time from the run's zero."""


def complaints(table: Complaints, seed: int, rows: NDArray[np.void]) -> Complained:
    """Who complains, by a table under the scale and all rows of the generators, in any order."""
    failed = rows[np.isin(rows["outcome"], list(FAILURES)) & (rows["done"] > 0)]
    failed = failed[np.lexsort([failed[name] for name in ("tab", "number", "step", "done", "person")])]
    people, first, failures = np.unique(failed["person"].astype(np.int64), return_index=True, return_counts=True)
    wanted = _failures_wanted(table, seed, people)
    complain = (unit_array(seed, people, Purpose.COMPLAINT, _WHETHER) < table.ratio) & (failures >= wanted)
    people, last = people[complain], failed[(first + wanted - 1)[complain]]
    at_us = last["done"] + _delay_us(table, seed, people)
    return Complained(people, last["step"].astype(np.int64), at_us)


def _failures_wanted(table: Complaints, seed: int, people: NDArray[np.int64]) -> NDArray[np.int64]:
    shares = unit_array(seed, people, Purpose.COMPLAINT, _AFTER).tolist()
    found = (table.after_failures.quantile(share) for share in shares)
    return np.array([max(1, math.ceil(min(n, FAILURES_LIMIT))) for n in found], dtype=np.int64)


def _delay_us(table: Complaints, seed: int, people: NDArray[np.int64]) -> NDArray[np.int64]:
    shares = unit_array(seed, people, Purpose.COMPLAINT, _DELAY).tolist()
    found = (table.delay_seconds.quantile(share) for share in shares)
    return np.array([round(min(seconds, DELAY_LIMIT_SECONDS) * MICROSECONDS) for seconds in found], dtype=np.int64)
