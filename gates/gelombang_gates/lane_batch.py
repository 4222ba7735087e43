"""The requests of one route that one lane of a pair gets in one round, asked in pieces and counted as one.

Promise: a batch is the sum of its pieces, whoever was asked between them. Idea: all lanes are asked in turns, a piece each. What disturbs
a machine (a neighbour, a change of frequency) lasts longer than a piece, so it is in all of them and their ratio does not see it. With 13
other processes that wanted to run on two cores, the middle of the ratios of 480 requests to each of two processes, piece by piece,
deviated by 1.4 % in pieces of 10, by 2.8 % in pieces of 40, by 7.8 % of 160 and by 5.1 % in one (`upload-page` of this repository's own
gate; 4.9, 7.8, 13.5 and 16.1 % for `health`). The pieces of a batch are added up before the middle is taken, so that a cost that comes
once in forty requests is in every batch.
"""

from collections import Counter
from dataclasses import dataclass
from math import ceil

from gelombang_gates.asking import Asker
from gelombang_gates.gate_file import GateRoute
from gelombang_gates.side import Running

PIECE_REQUESTS = 10


@dataclass(frozen=True, slots=True)
class Spent:
    """One batch of one route, per counted request; None is what can't be seen."""

    cpu_seconds: float | None
    calls: float | None
    seconds: float


def pieces_of(counted: int) -> int:
    """In how many pieces so many requests are asked."""
    return ceil(counted / PIECE_REQUESTS)


class LaneBatch:
    """`counted` requests, and by `delay` more that are sent and not counted. One that does not count is asked and costs nothing."""

    def __init__(self, counts: bool, counted: int, delay: float, service: Running, asker: Asker) -> None:
        self.counts = counts
        self.outcomes: Counter[str] = Counter()
        self._sent = round(counted * (1 + delay))
        # So that the delay is the known one to the last digit, whatever the number of requests rounds to.
        self._each = self._sent / (1 + delay) if delay else float(counted)
        self._service, self._asker = service, asker
        self._cpu_seconds: float | None = 0.0
        self._calls: float | None = 0.0
        self._seconds = 0.0

    def ask(self, route: GateRoute, piece: int, pieces: int) -> None:
        """The requests of this piece."""
        requests = self._sent * (piece + 1) // pieces - self._sent * piece // pieces
        if not self.counts:
            self._asker.batch(route, requests)
            return
        before = self._service.costs()
        batch = self._asker.batch(route, requests)
        after = self._service.costs()
        self._cpu_seconds = _added(self._cpu_seconds, before.cpu_seconds, after.cpu_seconds)
        self._calls = _added(self._calls, before.calls, after.calls)
        self._seconds += batch.seconds
        self.outcomes.update(batch.outcomes)

    def spent(self) -> Spent:
        """Per counted request."""
        cpu, calls = (None if used is None else used / self._each for used in (self._cpu_seconds, self._calls))
        return Spent(cpu, calls, self._seconds / self._each)


def _added(known: float | None, before: float | None, after: float | None) -> float | None:
    return None if known is None or before is None or after is None else known + after - before
