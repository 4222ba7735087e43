"""Feeds: values of the operator's own, one row of a CSV file for each person.

    [feed.accounts]
    file = "accounts.csv"          # beside the scenario; .gz is fine
    mode = "unique"

Which row a person has is a pure function of their arrival index and the seed: processes need no chatter, and a process that was killed
leaves no row that another one takes. `unique` gives row i to person i and nobody else, and asks for as many rows as people. `shuffle` is
a seeded order, begun anew in another order when the rows are used up; `circular` begins again at the top; `random` draws, rows may repeat.

The order of `shuffle` is a permutation that is computed and not held: a Feistel network over the smallest even power of two that holds
all rows, walked until it lands on a row (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002, section 4: cycle walking).
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from gelombang.errors import Fault, FileError
from gelombang.scale import FixedInt
from gelombang.seeds import Purpose, draw, mix

_ROUNDS = 4


class FeedMode(StrEnum):
    """Which row a person has."""

    UNIQUE = "unique"
    """Row i for person i: used by nobody else, in any process."""
    SHUFFLE = "shuffle"
    """Each row once in a seeded order, then again in another order."""
    CIRCULAR = "circular"
    """From the top to the end, and from the top again."""
    RANDOM = "random"
    """Any row; rows may repeat."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class FeedContent(_Part):
    """What the file held when the scenario was loaded."""

    path: str
    """Absolute; no part of the plan's identity, which the digest of the content is."""
    sha256: str
    """Of the bytes as they are on disk."""
    columns: tuple[str, ...]
    rows: FixedInt


class Feed(_Part):
    """A CSV file whose rows are given to people; `{feed.NAME.column}` stands for a value of the person's row."""

    file: str = Field(min_length=1)
    """CSV in UTF-8 with a header, beside this file; a name that ends in .gz is unpacked."""
    mode: FeedMode = FeedMode.UNIQUE
    spare_columns: tuple[str, ...] = ()
    """Columns that no step uses and that are meant to be there: any other unused column is a fault."""
    content: FeedContent | None = None
    """Never written by hand: what the file held when the scenario was loaded."""


def row_of(mode: FeedMode, person: int, rows: int, seed: int, feed: int) -> int:
    """The row, from 0, that a person has in the feed of that number. `unique` wants person < rows."""
    assert rows > 0
    match mode:
        case FeedMode.UNIQUE:
            assert person < rows, "the check before the run sees to it"
            return person
        case FeedMode.CIRCULAR:
            return person % rows
        case FeedMode.RANDOM:
            # A multiply and shift in place of a remainder: unbiased to one part in 2^64 / rows.
            return draw(seed, person, Purpose.FEED, feed) * rows >> 64
        case FeedMode.SHUFFLE:
            turn, place = divmod(person, rows)
            return permuted(place, rows, draw(seed, turn, Purpose.FEED_ORDER, feed))


def permuted(place: int, size: int, key: int) -> int:
    """Where a permutation of 0 to size - 1, chosen by a 64-bit key, puts `place`."""
    assert 0 <= place < size
    half_bits = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = (1 << half_bits) - 1
    value = place
    while True:
        left, right = value >> half_bits, value & mask
        for number in range(_ROUNDS):
            left, right = right, left ^ (mix(key ^ mix((number << 32) + right + 1)) & mask)
        value = left << half_bits | right
        if value < size:
            return value


def require_rows(feeds: dict[str, Feed], people: int) -> None:
    """Raises FileError for a unique feed with fewer rows than people are planned."""
    for name, feed in feeds.items():
        if feed.mode is FeedMode.UNIQUE and feed.content is not None and feed.content.rows < people:
            fault = Fault(
                f"row {feed.content.rows:,}",
                f"the last one, for {people:,} planned people, and feed.{name} is unique",
                "a row for each person, a smaller --sample, or another mode",
            )
            raise FileError(feed.file, [fault])
