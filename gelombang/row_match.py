"""Which rows of two ledgers are of one attempt: those with the same person, step, number and tab.

With arrays only, because a run may hold tens of millions of attempts. Rows that share their identity with another of the same end are
matched with nothing.
"""

import numpy as np
from numpy.typing import NDArray

PEOPLE_LIMIT = 1 << 24
"""Different people in one join: what fits into a 64-bit key beside tab, step and number."""
NOT_JOINED = -1
"""In place of a row: there is none on the other side."""


def match(
    generator: NDArray[np.void], server: NDArray[np.void]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """The server row of each generator row; which generator rows and which server rows share their identity with another of the same
    end (those are not matched); and which server rows no generator row names."""
    own, other = _keys(generator, server)
    twice, server_twice = _repeated(own), _repeated(other)
    order = np.argsort(other, kind="stable")
    ranked = other[order]
    place = np.minimum(np.searchsorted(ranked, own), max(len(ranked) - 1, 0))
    server_of = np.full(len(own), NOT_JOINED, dtype=np.int64)
    if len(ranked):
        hit = (ranked[place] == own) & ~twice
        hit[hit] = ~server_twice[order[place[hit]]]
        server_of[hit] = order[place[hit]]
    alone = ~_among(other, np.sort(own)) & ~server_twice
    return server_of, twice, server_twice, alone


def _keys(generator: NDArray[np.void], server: NDArray[np.void]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """64-bit keys, equal exactly when (person, step, number, tab) are: people are numbered densely first."""
    everybody, dense = np.unique(np.concatenate([generator["person"], server["person"]]), return_inverse=True)
    assert len(everybody) <= PEOPLE_LIMIT, f"{len(everybody)} people; the join can hold {PEOPLE_LIMIT}"
    split = len(generator)
    return _key(generator, dense[:split]), _key(server, dense[split:])


def _key(rows: NDArray[np.void], person: NDArray[np.intp]) -> NDArray[np.uint64]:
    key = person.astype(np.uint64) << np.uint64(40)
    key |= rows["tab"].astype(np.uint64) << np.uint64(32)
    key |= rows["step"].astype(np.uint64) << np.uint64(16)
    key |= rows["number"].astype(np.uint64)
    return key


def _among(keys: NDArray[np.uint64], ranked: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which keys are among the ranked ones: NumPy's `isin` takes ten times as long for millions of different keys."""
    if not len(ranked):
        return np.zeros(len(keys), dtype=np.bool_)
    found: NDArray[np.bool_] = ranked[np.minimum(np.searchsorted(ranked, keys), len(ranked) - 1)] == keys
    return found


def _repeated(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    same = ranked[1:] == ranked[:-1]
    repeated = np.zeros(len(keys), dtype=np.bool_)
    repeated[order[1:][same]] = True
    repeated[order[:-1][same]] = True
    return repeated
