"""When people were in an exchange: from when their try was sent until they went on from it, well or not.

A try that is open in two tabs is one exchange of its person: it begins with the first tab and ends with the one that decides, which is
the first to be answered well, or, when neither is, the last to fail. What is left behind in the other tab keeps the site busy, but its
person is elsewhere. The engine counts people in the same way while the run lasts.
"""

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Outcome

WELL = (Outcome.OK, Outcome.CONFLICT)
_NEVER_US = np.iinfo(np.int64).max


def went_on_us(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """For each row of the generators' ledgers, in the order in which they were begun: when its person was out of the exchange.

    0 for an exchange that did not end, and for a second tab: its exchange is that of the first.
    """
    went_on: NDArray[np.int64] = rows["done"].copy()
    if not rows["tab"].any():
        return went_on
    first, second = _pairs(rows)
    first_us, second_us = went_on[first], went_on[second]
    well_us = np.minimum(*(np.where(np.isin(rows["outcome"][tab], WELL), went_on[tab], _NEVER_US) for tab in (first, second)))
    both_us = np.where((first_us > 0) & (second_us > 0), np.maximum(first_us, second_us), 0)
    went_on[first] = np.where(well_us < _NEVER_US, well_us, both_us)
    went_on[rows["tab"] > 0] = 0
    return went_on


def _pairs(rows: NDArray[np.void]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and second tab of each try that had both: rows next to each other among their person's, who begins nothing in between."""
    order = np.argsort(rows["person"], kind="stable")
    place = np.flatnonzero(rows["tab"][order])
    place = place[place > 0]
    first, second = order[place - 1], order[place]
    pair = (rows["person"][first] == rows["person"][second]) & (rows["tab"][first] == 0)
    return first[pair], second[pair]
