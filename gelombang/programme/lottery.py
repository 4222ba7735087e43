"""The draw: of those who joined a wave, exactly as many as there are places, each set of people as likely as any other.

Everybody on the list gets a number from the recorded seed and their own id (`gelombang.seeds`), and the smallest numbers win. So the
result follows from seed and list alone, whatever order the list is read in, and anybody who has both can repeat it. A number says nothing
about another person's, hence nobody's chance depends on who else joined, on when, or on how low an id is.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gelombang.seeds import Purpose, draw_array

SEED_LIMIT = 1 << 63
"""Seeds lie below it, so that a database keeps them as they are."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What a draw leaves behind; seed and list are enough to make it again."""

    seed: int
    joined: int
    list_sha256: str
    """Of the ids of all who joined, ascending, as 64-bit integers with the lowest byte first."""
    selected: NDArray[np.int64]
    """Their ids, ascending."""


def hold_draw(joined: NDArray[np.int64], quota: int, seed: int) -> Draw:
    """Draw `quota` of those who joined, or all when there are fewer. Ids are different from each other; their order means nothing."""
    assert quota >= 0
    assert 0 <= seed < SEED_LIMIT
    ids = np.sort(joined)
    assert not len(ids) or (np.diff(ids) > 0).all(), "somebody joined twice"
    numbers = draw_array(seed, ids, Purpose.PLACE_IN_WAVE)
    digest = hashlib.sha256(ids.astype("<i8").tobytes()).hexdigest()
    return Draw(seed, len(ids), digest, ids[_smallest(numbers, quota)])


def _smallest(numbers: NDArray[np.uint64], count: int) -> NDArray[np.int64]:
    """Where the `count` smallest numbers stand, ascending; of equal ones the first."""
    if count >= len(numbers):
        return np.arange(len(numbers))
    if count == 0:
        return np.empty(0, dtype=np.int64)
    limit = np.partition(numbers, count - 1)[count - 1]
    below = np.flatnonzero(numbers < limit)
    level = np.flatnonzero(numbers == limit)
    return np.sort(np.concatenate((below, level[: count - len(below)])))
