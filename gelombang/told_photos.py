"""What people were told is stored, and which stored photo each of it stands for.

An acknowledgement (a row of ACKNOWLEDGED_ROW) stands for the photo of the same person, step and try, when that has the digest that was
sent. One that was told again (`"stored": true`, under a later try) stands for the photo of an earlier try: the one of the same person, step
and digest. Where several photos have the same of these, the last counts. Photos come a batch at a time and are forgotten; what is kept of
an acknowledgement beside its row is 32 bytes. With arrays only, because a run may have millions of them.
"""

import numpy as np
from numpy.typing import NDArray

NO_PHOTO = -1
JUDGED_ROWS = 65_536
"""At once, when all photos were seen: what is worked out on the way is larger than what is kept."""


class ToldPhotos:
    """The acknowledgements of a run."""

    def __init__(self, rows: NDArray[np.void]) -> None:
        self._rows = rows
        self._order = np.argsort(rows["person"], kind="stable")
        self._person = rows["person"][self._order]
        self._by_number = np.full(len(rows), NO_PHOTO, np.int64)
        """Twice the photo's number, and one more where it has the digest, too."""
        self._by_digest = np.full(len(rows), NO_PHOTO, np.int64)

    def match(self, first: int, stored: NDArray[np.void]) -> None:
        """Look at stored photos (fields `person`, `step`, `number`, `sha256`), which are numbered from `first` on."""
        low = np.searchsorted(self._person, stored["person"])
        told_each = np.searchsorted(self._person, stored["person"], "right") - low
        # Every acknowledgement of a person beside every photo of theirs in this batch, in the order of the photos.
        photo = np.repeat(np.arange(len(stored)), told_each)
        nth = np.arange(len(photo)) - np.repeat(np.cumsum(told_each) - told_each, told_each)
        at = self._order[low[photo] + nth]
        same_step = self._rows["step"][at] == stored["step"][photo]
        at, photo = at[same_step], photo[same_step]
        same_digest = (self._rows["sha256"][at] == stored["sha256"][photo]).all(axis=1)
        same_number = self._rows["number"][at] == stored["number"][photo]
        # The last is the one with the largest number: what an assignment to a repeated index leaves behind is not defined.
        np.maximum.at(self._by_number, at[same_number], (2 * (first + photo) + same_digest)[same_number])
        np.maximum.at(self._by_digest, at[same_digest], first + photo[same_digest])

    def found(self, is_whole: NDArray[np.bool_], sizes: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Of each acknowledgement the number of its photo, when that is whole and as long as was sent, else NO_PHOTO: it is lost."""
        found = np.empty(len(self._rows), np.int64)
        for first in range(0, len(found), JUDGED_ROWS):
            part = slice(first, first + JUDGED_ROWS)
            by_number = self._by_number[part]
            photo = np.where((by_number >= 0) & (by_number % 2 == 1), by_number // 2, self._by_digest[part])
            chosen = photo != NO_PHOTO
            chosen[chosen] = is_whole[photo[chosen]] & (sizes[photo[chosen]] == self._rows["bytes"][part][chosen])
            found[part] = np.where(chosen, photo, NO_PHOTO)
        return found
