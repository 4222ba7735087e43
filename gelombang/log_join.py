"""The join of a run with an access log: each attempt beside the requests that the log has of it.

The log stands between person and service, so it can say less than a ledger: which answer it handed over, and how long that took with
everything before it. Attempts at steps that the log never saw went elsewhere and are left out.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gelombang.access_log import LOG_ROW, AccessLog, LogFormat
from gelombang.attempt import Outcome
from gelombang.clock import MICROSECONDS
from gelombang.histogram import Histogram
from gelombang.joined_log import JoinedLog, LogCell, LoggedQuantiles, LoggedStep
from gelombang.row_match import NOT_JOINED, match
from gelombang.steps import Step

_CLIENT_CLOSED = 499
"""nginx: the client closed the connection before it was answered."""
_NOT_READ = (Outcome.TIMED_OUT, Outcome.RESET, Outcome.CUT, Outcome.PROCESS_DIED, Outcome.PROTOCOL, Outcome.OPEN)
_GROUP = ("person", "step", "number", "tab")


def attempts_of(rows: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """One row per attempt, in the order of identity, and how many requests it had: the last one's status, all their time."""
    if not len(rows):
        return rows, np.empty(0, dtype=np.int64)
    order = np.lexsort((rows["at_us"], *(rows[name] for name in reversed(_GROUP))))
    ranked = rows[order]
    begins = np.ones(len(ranked), dtype=np.bool_)
    begins[1:] = np.logical_or.reduce([ranked[name][1:] != ranked[name][:-1] for name in _GROUP])
    starts = np.flatnonzero(begins)
    counts = np.diff(np.append(starts, len(ranked)))
    merged = ranked[starts + counts - 1].copy()
    merged["request_us"] = np.add.reduceat(ranked["request_us"], starts)
    known = ranked["upstream_us"] >= 0
    merged["upstream_us"] = np.add.reduceat(np.where(known, ranked["upstream_us"], 0), starts)
    merged["upstream_us"][~np.logical_or.reduceat(known, starts)] = -1
    return merged, counts


def join_log(generator: NDArray[np.void], steps: Sequence[Step], log: AccessLog, form: LogFormat, speed: float) -> JoinedLog:
    """Join the attempts of a run with its lines of a log."""
    rows, requests = attempts_of(log.rows)
    generator = generator[generator["step"] < len(steps)]
    log_of, _, _, _ = match(generator, rows)
    seen = log_of != NOT_JOINED
    exchanged = np.isin(generator["step"], [i for i, step in enumerate(steps) if step.form != "message"])
    covered = exchanged & np.isin(generator["step"], np.unique(generator["step"][seen]))
    beside = rows[log_of[seen]] if seen.any() else np.empty(0, dtype=LOG_ROW)
    status = np.full(len(generator), -1, dtype=np.int64)
    status[seen] = beside["status"]
    cells = Counter(zip(*(values[covered].tolist() for values in (generator["outcome"], generator["status"], status)), strict=True))
    told = [_cell(Outcome(outcome), own, None if logged < 0 else logged, attempts) for (outcome, own, logged), attempts in cells.items()]
    told.sort(key=lambda cell: (cell.agrees, -cell.attempts))
    logged_steps = []
    for index, step in enumerate(steps):
        if step.form == "message":
            continue
        own = generator["step"] == index
        lines = log_of[own & seen]
        upstream = rows["upstream_us"][lines]
        logged_steps.append(
            LoggedStep(
                step=step.step,
                title=step.title or step.step,
                attempts=int(own.sum()),
                seen=len(lines),
                covered=len(lines) > 0,
                requests=int(requests[lines].sum()),
                request=_quantiles(rows["request_us"][lines], speed),
                upstream=_quantiles(upstream[upstream >= 0], speed),
            )
        )
    return JoinedLog(
        format=form.value,
        lines=log.lines,
        other_lines=log.other_lines,
        unreadable_lines=log.unreadable_lines,
        seen=int((seen & covered).sum()),
        unseen=int((covered & ~seen).sum()),
        cells=told,
        steps=logged_steps,
    )


def _cell(outcome: Outcome, status: int, logged: int | None, attempts: int) -> LogCell:
    agrees, meaning = _meaning(outcome, status, logged)
    return LogCell(
        client_outcome=outcome.name.lower(), client_status=status, log_status=logged, attempts=attempts, agrees=agrees, meaning=meaning
    )


def _meaning(outcome: Outcome, status: int, logged: int | None) -> tuple[bool, str]:
    if logged is None:
        return False, "the log has no line of it: it never arrived, or another door let it in"
    if status and status == logged:
        return True, "both say the same"
    if not status and outcome in _NOT_READ:
        if logged == _CLIENT_CLOSED:
            return True, "the person left before the answer"
        return True, f"answered with {logged}, but the person never read it"
    return False, "the two ends speak of different answers"


def _quantiles(microseconds: NDArray[np.int64], speed: float) -> LoggedQuantiles:
    if not len(microseconds):
        return LoggedQuantiles(samples=0)
    histogram = Histogram.of(microseconds)
    p50, p99, largest = (float(histogram.quantile_us(q) or 0) * speed / MICROSECONDS for q in (0.5, 0.99, 1.0))
    return LoggedQuantiles(samples=histogram.samples, p50_seconds=p50, p99_seconds=p99, max_seconds=largest)
