"""What of the wanted numbers is proven, what is only estimated, and how long the proof would still take.

Promise: "proven" is said only of a one-sided 95 % bound over comparisons that share no block, and of no study so short that its longest
comparisons could not be finished; an estimate is called one; where the estimate itself is outside what is wanted, no hours are named.
Idea: every wanted number is a share of comparisons that go badly and must stay at or below a limit, so one rule judges all. The hours
follow from what the comparisons so far took, and hold if the rest goes as the estimate says. Left out: a wish for the time that one
comparison takes, which is measured and not bounded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from gate_study.judge import Found, Row

from gelombang_gates.comparing import Outcome
from gelombang_gates.health import upper_bound

COMPARISONS_LIMIT = 3_000
"""In a row; a proof that takes more is not worth naming the hours."""
_STEP = 20
"""The search for how many are needed goes on by a twentieth."""
SECONDS_PER_HOUR = 3_600.0

Count = Callable[[Row, bool], int]
"""How many comparisons of a row went badly, of those in a row or of those that were drawn."""


class Standing(StrEnum):
    """What is known of a wanted number."""

    PROVEN = "proven"
    ESTIMATED = "only estimated"
    OUTSIDE = "estimated, and outside what is wanted"
    MISSED = "shown to be missed"
    UNKNOWN = "not measured yet"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A share of the comparisons of one row that must not be exceeded."""

    words: str
    row: int
    limit: float
    bad: Count


@dataclass(frozen=True, slots=True)
class Stood:
    """A wanted number and what these blocks say of it."""

    wanted: Wanted
    standing: Standing
    bad: int
    of: int
    drawn_bad: int
    drawn_of: int
    bound: float
    """The bad share is at most this, with 95 % confidence; 1 without a comparison."""
    more: int | None
    """Comparisons in a row that are still needed; None where no number of them would do."""
    more_blocks: int | None


def _failed(row: Row, drawn: bool) -> int:
    return (row.drawn if drawn else row.in_a_row)[Outcome.FAIL]


def _undecided(row: Row, drawn: bool) -> int:
    outcomes = row.drawn if drawn else row.in_a_row
    return outcomes[Outcome.UNFIT] + outcomes[Outcome.INCONCLUSIVE]


def _uncaught(row: Row, drawn: bool) -> int:
    return row.drawn.total() - row.drawn_named if drawn else row.in_a_row.total() - row.named


WANTED = (
    Wanted("of equal revisions at most 1 % fail", 0, 0.01, _failed),
    Wanted("of equal revisions at most a quarter are undecided", 0, 0.25, _undecided),
    Wanted("of 3 % on one route at least 90 % are caught, all routes gated", 1, 0.10, _uncaught),
    Wanted("of 3 % on one route at least 90 % are caught, it alone gated", 2, 0.10, _uncaught),
    Wanted("of 1.5 % on one route at least 50 % are caught, it alone gated", 3, 0.50, _uncaught),
)


def stood(found: Found) -> list[Stood]:
    """All wanted numbers, in their order."""
    return [_stood(wanted, found.rows[wanted.row], found.missing) for wanted in WANTED]


def hours_more(found: Found, blocks: int) -> float:
    """How long so many blocks take, at the time that one took here."""
    return blocks * found.block_seconds / SECONDS_PER_HOUR


def needed(bad: int, of: int, share: float, limit: float) -> int | None:
    """After how many comparisons in all the bound is at the limit, when of those to come this share goes badly. None where it never is, or
    only after more than COMPARISONS_LIMIT."""
    if share >= limit:
        return None

    def holds(size: int) -> bool:
        return upper_bound(bad + ceil(share * (size - of)), size) <= limit

    size = below = max(of, 1)
    while not holds(size):
        below, size = size, size + max(1, size // _STEP)
        if size > COMPARISONS_LIMIT:
            return None
    return next(own for own in range(below, size + 1) if holds(own))


def _stood(wanted: Wanted, row: Row, missing: int) -> Stood:
    bad, of = wanted.bad(row, False), row.in_a_row.total()
    drawn_bad, drawn_of = wanted.bad(row, True), row.drawn.total()
    bound = upper_bound(bad, of)

    def so(standing: Standing, more: int | None) -> Stood:
        blocks = max(missing, ceil(more * row.blocks / of)) if more is not None and of else None
        return Stood(wanted, standing, bad, of, drawn_bad, drawn_of, bound, more, blocks)

    if not of:
        return so(Standing.UNKNOWN, None)
    if bound <= wanted.limit and not missing:
        return so(Standing.PROVEN, 0)
    if 1 - upper_bound(of - bad, of) > wanted.limit:
        return so(Standing.MISSED, None)
    share = drawn_bad / drawn_of if drawn_of else bad / of
    if share > wanted.limit:
        return so(Standing.OUTSIDE, None)
    enough = needed(bad, of, share, wanted.limit)
    return so(Standing.ESTIMATED, None if enough is None else enough - of)
