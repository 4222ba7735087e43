"""The decision table: which measurements show which cause.

A cause shows itself in its own measurements, not in the failures that it makes, because one symptom (a time-out at the store) has many
causes. Each row is a list of alternatives, each of them conditions that must all hold; `unless` names causes that explain the same
symptom better. Among few attempts any share is large by chance, so a row compares what chance cannot explain, the near end of the
share's interval (`gelombang.intervals`), with its limit. The rows are expressions over the catalogue of metrics, so the same table is
evaluated on a run's own series, written as recording rules for Prometheus, and printed in `docs/drill.md`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gelombang import telemetry
from gelombang.diagnosis.causes import Cause
from gelombang.panels.expression import (
    Answered,
    Expression,
    Extreme,
    Longer,
    LowestBefore,
    Minus,
    Over,
    Plus,
    Read,
    ShareBound,
    counted,
    lowest,
    now,
    per_second,
    quantile,
    share,
)
from gelombang.panels.uploads_page import COMPLETED, NOT_COMPLETED, TAKEN_IN, attempts
from gelombang.telemetry import Side

FAILING_RATIO = 0.10
"""Of the uploads taken in; below it nothing is called failing."""
LATE_SECONDS = 0.1
"""p90 of lateness, wall time. A run draws no verdict from a p99 of 50 ms on; here one start of ten is twice as late."""
LAG_SECONDS = 0.1
"""p90 of a loop's lag, wall time: ten times what a busy and healthy process shows."""
UNEVEN_RATIO = 1 / 3
"""A process that is slow alone: the quickest one's lag, of its own."""
ANSWERED_RATIO = 0.5
SYNC_SECONDS = 0.25
"""p90 of one sync, wall time: a disk that works takes some milliseconds."""
LOCK_SECONDS = 0.25
REGISTRY_WAIT_PEOPLE_SECONDS = 300.0
"""How long the registry's line is, at its cap, in the people's time."""
RISE_WINDOWS = 3
"""A rise is looked for over so many windows: one holds too few photos to tell it from chance."""
CHANCE = 0.005
"""What the interval of a share may miss by. Where nothing differs, the intervals of two times lie apart, the later above, in 4 of 100,000
(z sqrt(2) = 4.0, one side); a day of the people's time has 288 windows, each compared with twelve before it: one in eight days."""
REPEATED = 2.0
"""Attempts of one person resemble each other: so many are counted as one, where a person may repeat them."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One measurement beyond its limit."""

    expression: Expression
    is_above: bool
    limit: float
    words: str

    def holds(self, value: float | None) -> bool:
        return value is not None and (value > self.limit if self.is_above else value < self.limit)


@dataclass(frozen=True, slots=True)
class Decision:
    """One row: the cause is there when all conditions of one alternative hold, and none of `unless` is there."""

    cause: Cause
    alternatives: tuple[tuple[Condition, ...], ...]
    unless: tuple[Cause, ...] = ()
    which: Expression | None = None
    """Names the instance that is meant: the largest by it."""
    began_by: tuple[Condition, ...] = ()
    """Where certainty takes longer than a window: what all held already since it began."""


def of_taken_in(*where: str) -> Over:
    """The share of attempts like this, of those that the site took in."""
    return share(attempts(*where, TAKEN_IN), attempts(TAKEN_IN))


def _counts(*where: str) -> Read:
    return counted(telemetry.UPLOAD_ATTEMPTS, *where)


FAILED_SHARE = of_taken_in(NOT_COMPLETED)


def _rose(others: Read, words: str, is_sure: bool = True) -> Condition:
    """Over against others there are more photos over the limit than in the last good time, and not by chance.

    A photo is refused for its size once, after which the person sends a smaller copy: each is counted as itself. As in a ratio of two
    rates (`gelombang.intervals.rate_ratio`), the share is that of both together. Unless it must be sure, the share of one window counts
    as it is, which tells the moment sooner.
    """
    together = Plus(_TOO_LARGE, others)
    low, high = (Longer(ShareBound(_TOO_LARGE, together, is_upper, CHANCE), RISE_WINDOWS) for is_upper in (False, True))
    measured = low if is_sure else share(_TOO_LARGE, together)
    return _above(Minus(measured, LowestBefore(high)), 0.0, f"photos over the limit rose against {words}, beyond chance")


def _surely(limit: float, words: str, *where: str) -> Condition:
    """More of the attempts taken in are like this than the limit, and not by chance."""
    part, whole = _counts(*where, TAKEN_IN), _counts(TAKEN_IN)
    return _above(ShareBound(part, whole, False, CHANCE, REPEATED), limit, f"{words}, beyond chance")


def _above(expression: Expression, limit: float, words: str) -> Condition:
    return Condition(expression, True, limit, words)


def _below(expression: Expression, limit: float, words: str) -> Condition:
    return Condition(expression, False, limit, words)


_LAG = quantile(0.9, telemetry.LOOP_LAG_SECONDS, by=("instance",))
_STORE_BUSY = _above(lowest(telemetry.STORE_TURNS), 0.5, "a turn was in progress at every sample")
_STORE_USED = Over(per_second(telemetry.STORE_MOVED_BYTES), now(telemetry.STORE_BANDWIDTH_BYTES_PER_SECOND))
_TOO_LARGE = _counts('code="photo_too_large"')
_PHOTOS_AND_PEOPLE = (
    (_counts(COMPLETED), "photos kept"),
    (counted(telemetry.PEOPLE_STEPS, 'step="nik"'), "people who come to the photos"),
)
"""Against either alone they rise for other reasons: fewer are kept when the store is slow, more are sent when a line drains."""
_BENEATH = (
    Cause.GENERATOR_STARVED,
    Cause.PROCESS_SLOW,
    Cause.SERVER_STARVED,
    Cause.DISK_STALLED,
    Cause.DATABASE_LOCKED,
    Cause.STORE_FULL,
    Cause.STORE_SLOW,
    Cause.STORE_OVERLOADED,
)
"""Causes that make uploads time out by themselves."""


def decisions(speed: float) -> tuple[Decision, ...]:
    """The table for a run whose clock runs `speed` times as fast as the wall's, in the order of looking."""
    return (
        Decision(
            Cause.GENERATOR_STARVED,
            (
                (_above(quantile(0.9, telemetry.LATENESS_SECONDS), LATE_SECONDS, "p90 of lateness above 100 ms"),),
                (
                    _above(
                        Extreme(quantile(0.9, telemetry.GENERATOR_LOOP_LAG_SECONDS, by=("instance",)), True),
                        LAG_SECONDS,
                        "p90 of the generator's loop lag above 100 ms",
                    ),
                ),
                (_below(Answered(Side.GENERATOR), ANSWERED_RATIO, "a generator process answered fewer than half of its scrapes"),),
            ),
        ),
        Decision(
            Cause.BACKLOG_TOO_SMALL,
            (
                (
                    _above(
                        per_second(telemetry.SERVER_MACHINE.listen_overflows), 0.2, "the kernel found an accept queue full, 0.2/s or more"
                    ),
                ),
            ),
        ),
        Decision(
            Cause.PROCESS_SLOW,
            (
                (
                    _above(Extreme(_LAG, True), LAG_SECONDS, "p90 of one process's loop lag above 100 ms"),
                    _below(Over(Extreme(_LAG, False), Extreme(_LAG, True)), UNEVEN_RATIO, "another's below a third of that"),
                ),
                (_below(Answered(Side.SERVER), ANSWERED_RATIO, "one process answered fewer than half of its scrapes"),),
            ),
            which=_LAG,
        ),
        Decision(Cause.SERVER_STARVED, ((_above(Extreme(_LAG, False), LAG_SECONDS, "p90 of every process's loop lag above 100 ms"),),)),
        Decision(
            Cause.DISK_STALLED,
            (
                (_above(quantile(0.9, telemetry.SYNC_SECONDS, 'target="file"'), SYNC_SECONDS, "p90 of a photo's sync above 250 ms"),),
                (
                    _above(
                        Over(lowest(telemetry.COMMIT_THREADS_BUSY), now(telemetry.COMMIT_THREADS_LIMIT)),
                        0.99,
                        "all threads that sync were busy at every sample",
                    ),
                    _above(lowest(telemetry.COMMIT_QUEUE), 0.5, "photos waited for one at every sample"),
                ),
                (
                    _above(
                        Over(lowest(telemetry.COMMIT_THREADS_BUSY), now(telemetry.COMMIT_PLACES_LIMIT)),
                        0.99,
                        "as many photos were being made durable as the disk takes at once",
                    ),
                    _above(lowest(telemetry.COMMIT_QUEUE), 0.5, "photos stood in line for it at every sample"),
                ),
            ),
        ),
        Decision(
            Cause.DATABASE_LOCKED,
            (
                (
                    _above(
                        quantile(0.9, telemetry.DATABASE_LOCK_SECONDS), LOCK_SECONDS, "p90 of the wait for the writer's lock above 250 ms"
                    ),
                ),
                (
                    _above(lowest(telemetry.DATABASE_QUEUE), 0.5, "operations waited at every sample"),
                    _below(per_second(telemetry.DATABASE_COMMITS), 1.0, "fewer than one commit per second"),
                ),
            ),
            unless=(Cause.PROCESS_SLOW,),
        ),
        Decision(Cause.STORE_FULL, ((_surely(0.02, "2 % of uploads are refused with store_full", 'code="store_full"'),),)),
        Decision(
            Cause.STORE_SLOW,
            ((_STORE_BUSY, _below(_STORE_USED, 0.7, "it moved less than 70 % of its bandwidth")),),
            unless=(Cause.PROCESS_SLOW, Cause.SERVER_STARVED),
        ),
        Decision(
            Cause.STORE_OVERLOADED,
            (
                (
                    _STORE_BUSY,
                    _above(_STORE_USED, 0.9, "it moved 90 % of its bandwidth or more"),
                    _surely(FAILING_RATIO, "more than 10 % of uploads fail", NOT_COMPLETED),
                ),
            ),
        ),
        Decision(
            Cause.REGISTRY_CAPPED,
            (
                (
                    _above(
                        Over(now(telemetry.REGISTRY_WAITING), now(telemetry.REGISTRY_LIMIT_PER_SECOND)),
                        REGISTRY_WAIT_PEOPLE_SECONDS / speed,
                        "its line is longer than 5 minutes of the people's time",
                    ),
                ),
            ),
        ),
        Decision(
            Cause.BODY_LIMIT_LOW,
            (tuple(_rose(others, words) for others, words in _PHOTOS_AND_PEOPLE),),
            began_by=tuple(_rose(others, words, is_sure=False) for others, words in _PHOTOS_AND_PEOPLE),
        ),
        Decision(
            Cause.TIME_OUT_SHORT,
            (
                (_surely(0.05, "5 % of uploads time out at the site's own limit", 'code="upload_timed_out"'),),
                (_surely(FAILING_RATIO, "10 % of people leave at the store or commit", 'code="client_left"', 'stage=~"store|commit"'),),
            ),
            unless=_BENEATH,
        ),
        Decision(
            Cause.LINES_SLOW,
            ((_surely(0.2, "20 % of uploads end while they are sent", 'code=~"client_left|body_too_slow"', 'stage="body"'),),),
            unless=_BENEATH,
        ),
    )


def holding(table: tuple[Decision, ...], value_of: Callable[[Expression], float | None]) -> dict[Cause, Decision]:
    """The rows that hold, in the table's order, `unless` applied."""
    shown = {
        row.cause: row
        for row in table
        if any(all(condition.holds(value_of(condition.expression)) for condition in every) for every in row.alternatives)
    }
    return {cause: row for cause, row in shown.items() if not shown.keys() & set(row.unless)}


def words_of(row: Decision) -> str:
    """A row in words, for a page."""
    return "; or ".join(", and ".join(condition.words for condition in every) for every in row.alternatives)
