"""The names of all photos that a store holds, to be crossed out one after the other: what is left are files that nobody knows.

A name is kept as bytes, all of one width, one after the other: a million and a half of them take 60 MB, where as many Python strings in a
set take three times that.
"""

import os
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

TAKEN_NAMES = 65_536
"""Made into bytes at once."""


class PhotoNames:
    """Names without the byte 0, each there once."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = np.empty(0, "S1")
        coming = iter(names)
        while some := list(islice(coming, TAKEN_NAMES)):
            self._take(_as_bytes(some))
        self._names.sort()
        self._is_known = np.zeros(len(self._names), np.bool_)

    def cross_out(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """These are known; of each whether it is there."""
        asked = _as_bytes(names)
        # A longer one is not there; compared as it is, it would have all names copied to its width.
        fits = np.char.str_len(asked) <= self._names.dtype.itemsize
        asked = asked.astype(self._names.dtype)
        place = np.searchsorted(self._names, asked)
        there = fits & (place < len(self._names))
        there[there] = self._names[place[there]] == asked[there]
        self._is_known[place[there]] = True
        return there

    def left(self, limit: int) -> tuple[int, list[str]]:
        """How many are not crossed out, and the first of them in order, at most so many."""
        places = np.flatnonzero(~self._is_known)
        return len(places), [os.fsdecode(name) for name in self._names[places[:limit]].tolist()]

    def _take(self, names: NDArray[np.bytes_]) -> None:
        if names.dtype.itemsize > self._names.dtype.itemsize:
            self._names = self._names.astype(names.dtype)
        count = len(self._names)
        # In place: a new array beside the old one would take the memory of both.
        self._names.resize(count + len(names), refcheck=False)
        self._names[count:] = names


def _as_bytes(names: Sequence[str]) -> NDArray[np.bytes_]:
    return np.array([os.fsencode(name) for name in names], np.bytes_)
