"""An upload that was gone on with is one attempt of its person and several rows of the server: here they become one again.

Each request of tus has a row of its own, in the ledger of whichever process answered it, because a client goes on after almost any answer.
What the person was told at last is what the last row says (by when it began); what the rows before it received, and the time that each
stage took, belongs to the attempt as well. Rows of an attempt that came by other routes are left as they are: two of those are a fault of
the book, and the join says so.
"""

import numpy as np
from numpy.typing import NDArray

TICKET_ROUTE = 21
TUS_ROUTES = frozenset({24, 25, 26, 27})
"""create, head, patch, delete: numbers of the reference server's routes, which are part of its ledger."""

_SUMS = (
    "exchanges",
    "bytes_received",
    "admission_us",
    "body_us",
    "digest_us",
    "inspect_us",
    "store_wait_us",
    "store_us",
    "commit_us",
)


def fold(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Server rows with each resumed upload in one row, at the place of its last; all others as they are, in their order."""
    is_tus = np.isin(rows["route"], list(TUS_ROUTES))
    if not is_tus.any():
        return rows
    order = np.lexsort((rows["began"], rows["number"], rows["step"], rows["tab"], rows["person"]))
    same = np.ones(len(rows), dtype=np.bool_)
    same[:1] = False
    for name in ("person", "tab", "step", "number"):
        ranked = rows[name][order]
        same[1:] &= ranked[1:] == ranked[:-1]
    starts = np.flatnonzero(~same)
    resumable = is_tus | (rows["route"] == TICKET_ROUTE)
    whole = np.logical_and.reduceat(resumable[order], starts)
    sizes = np.diff(np.append(starts, len(rows)))
    several = whole & (sizes > 1)
    in_several = np.repeat(several, sizes)
    group, first = order[in_several], np.concatenate(([0], np.cumsum(sizes[several])[:-1]))
    if not len(group):
        return rows
    last = group[first + sizes[several] - 1]
    merged = rows.copy()
    merged["began"][last] = rows["began"][group[first]]
    for name in _SUMS:
        sums = np.add.reduceat(rows[name][group].astype(np.int64), first)
        merged[name][last] = np.minimum(sums, np.iinfo(rows.dtype[name]).max)
    dropped = np.zeros(len(rows), dtype=np.bool_)
    dropped[group] = True
    dropped[last] = False
    return merged[~dropped]
