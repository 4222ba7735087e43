"""Processor sharing on a virtual clock: what a store does when many move bytes at once, time in and finished jobs out.

Everybody in progress gets the same share of the bandwidth. One idea makes that cheap: count the bytes that *each* job has moved since
the clock began (the virtual time); it rises at bandwidth / jobs in progress, the same for all, so a job that begins at virtual time V
with work B finishes at V + B, whatever happens meanwhile. A heap of those finish times is all the state: O(log n) for each change. The
construction is that of Parekh and Gallager, "A generalized processor sharing approach to flow control", 1993, section III, with equal
weights. `SharedStore` puts a bounded number of turns and a bounded line in front of it.

Nothing here asks what time it is: a caller that comes late is told the true finish times, and whoever stood in line began at them. Only
one thing is left out: jobs of unequal weight.
"""

import heapq
import math
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gelombang.admission import Place, place_for_turn
from gelombang.clock import MICROSECONDS

Job = TypeVar("Job", bound=Hashable)

_NOISE_US = 1e-3
"""Float noise in a finish time: without it a job that is done on the microsecond would sometimes be reported one later."""


@dataclass(frozen=True, slots=True)
class Slowdown:
    """From `from_us` to `until_us` only `bandwidth_ratio` (above 0) of the bandwidth is there. Where windows meet, the lowest holds."""

    from_us: int
    until_us: int
    bandwidth_ratio: float


@dataclass(slots=True)
class _Entry(Generic[Job]):
    """A job's place in the heap; `job` is None once it has left."""

    finish_bytes: float
    order: int
    began_bytes: float
    job: Job | None

    def __lt__(self, other: "_Entry[Job]") -> bool:
        return (self.finish_bytes, self.order) < (other.finish_bytes, other.order)


class ProcessorSharing(Generic[Job]):
    """Jobs that share one bandwidth equally. Times are microseconds and never run backwards; a job is begun once at a time."""

    def __init__(self, bandwidth_bytes_per_second: float, slowdowns: Sequence[Slowdown] = ()) -> None:
        assert bandwidth_bytes_per_second > 0
        assert all(0 < s.bandwidth_ratio <= 1 and s.from_us < s.until_us for s in slowdowns)
        self.moved_bytes = 0.0
        """Bytes moved up to the last call, for jobs that finished and for jobs that left."""
        self._bytes_per_us = bandwidth_bytes_per_second / MICROSECONDS
        self._changes = _changes(slowdowns)
        self._ratio = 1.0
        self._now_us = -math.inf
        self._virtual_bytes = 0.0
        self._heap: list[_Entry[Job]] = []
        self._entries: dict[Job, _Entry[Job]] = {}
        self._finished: list[tuple[int, Job]] = []
        self._order = 0

    @property
    def in_progress(self) -> int:
        """Jobs begun and neither finished nor left, as of the last call."""
        return len(self._entries)

    def begin(self, now_us: int, job: Job, work_bytes: float) -> None:
        """A job joins with `work_bytes` above 0 to move."""
        assert work_bytes > 0
        self._catch_up(now_us)
        assert job not in self._entries, "a job begins once"
        if not self._entries:
            # An idle clock starts again from zero, so that virtual time stays small and floats exact over a long run.
            self._virtual_bytes = 0.0
            self._heap.clear()
        self._order += 1
        entry = _Entry(self._virtual_bytes + work_bytes, self._order, self._virtual_bytes, job)
        self._entries[job] = entry
        heapq.heappush(self._heap, entry)

    def leave(self, now_us: int, job: Job) -> float | None:
        """A job gives up: the bytes that were moved for it in vain; None when it had finished by then (`advance` reports it)."""
        self._catch_up(now_us)
        entry = self._entries.pop(job, None)
        if entry is None:
            return None
        entry.job = None
        if len(self._heap) > 2 * len(self._entries) + 16:
            self._heap = [kept for kept in self._heap if kept.job is not None]
            heapq.heapify(self._heap)
        return self._virtual_bytes - entry.began_bytes

    def advance(self, now_us: int) -> list[tuple[int, Job]]:
        """What has finished up to now and was not reported yet, in order, each with the microsecond in which it was done."""
        self._catch_up(now_us)
        finished, self._finished = self._finished, []
        return finished

    def next_finish_us(self) -> int | None:
        """When the next job will be done if nobody joins or leaves; None when nothing is in progress."""
        if self._finished:
            return self._finished[0][0]
        head = self._head()
        if head is None:
            return None
        at_us, ratio, missing = self._now_us, self._ratio, head.finish_bytes - self._virtual_bytes
        for change_us, change_ratio in self._changes:
            can_move = (change_us - at_us) * self._share(ratio)
            if can_move >= missing:
                break
            missing -= can_move
            at_us, ratio = change_us, change_ratio
        return math.ceil(at_us + missing / self._share(ratio) - _NOISE_US)

    def _share(self, ratio: float) -> float:
        return self._bytes_per_us * ratio / len(self._entries)

    def _head(self) -> _Entry[Job] | None:
        while self._heap and self._heap[0].job is None:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def _catch_up(self, now_us: int) -> None:
        """Move finish by finish and change by change up to now."""
        while self._changes and self._changes[0][0] <= now_us:
            change_us, ratio = self._changes[0]
            self._catch_up_evenly(change_us)
            self._ratio = ratio
            self._changes.pop(0)
        self._catch_up_evenly(now_us)

    def _catch_up_evenly(self, until_us: float) -> None:
        while (head := self._head()) is not None:
            finish_us = self._now_us + (head.finish_bytes - self._virtual_bytes) / self._share(self._ratio)
            if finish_us > until_us + _NOISE_US:
                self._move(until_us)
                return
            self.moved_bytes += (head.finish_bytes - self._virtual_bytes) * len(self._entries)
            self._now_us = max(self._now_us, finish_us)
            self._virtual_bytes = head.finish_bytes
            heapq.heappop(self._heap)
            assert head.job is not None
            del self._entries[head.job]
            self._finished.append((math.ceil(self._now_us - _NOISE_US), head.job))
        self._now_us = max(self._now_us, until_us)

    def _move(self, until_us: float) -> None:
        if until_us > self._now_us:
            each = (until_us - self._now_us) * self._share(self._ratio)
            self._virtual_bytes += each
            self.moved_bytes += each * len(self._entries)
            self._now_us = until_us


@dataclass(frozen=True, slots=True)
class Finished(Generic[Job]):
    """A job that has had its turn."""

    job: Job
    asked_us: int
    began_us: int
    finished_us: int


@dataclass(slots=True)
class _Asked:
    asked_us: int
    began_us: int
    work_bytes: float


class SharedStore(Generic[Job]):
    """Processor sharing with at most `turns_limit` turns in progress and a first-come line of at most `queue_limit` before them."""

    def __init__(self, bandwidth_bytes_per_second: float, turns_limit: int, queue_limit: int, slowdowns: Sequence[Slowdown] = ()) -> None:
        assert turns_limit > 0
        assert queue_limit >= 0
        self._sharing: ProcessorSharing[Job] = ProcessorSharing(bandwidth_bytes_per_second, slowdowns)
        self._turns_limit = turns_limit
        self._queue_limit = queue_limit
        self._line: OrderedDict[Job, _Asked] = OrderedDict()
        self._turns: dict[Job, _Asked] = {}
        self._finished: list[Finished[Job]] = []

    @property
    def turns(self) -> int:
        """Turns in progress as of the last call."""
        return len(self._turns)

    @property
    def waiting(self) -> int:
        """Jobs in line as of the last call."""
        return len(self._line)

    @property
    def moved_bytes(self) -> float:
        """Bytes moved up to the last call."""
        return self._sharing.moved_bytes

    def ask(self, now_us: int, job: Job, work_bytes: float) -> Place:
        """A job asks for a turn. FULL means that it was turned away and nothing is kept of it."""
        self._catch_up(now_us)
        place = place_for_turn(len(self._turns), self._turns_limit, len(self._line), self._queue_limit)
        asked = _Asked(now_us, now_us, work_bytes)
        match place:
            case Place.TURN:
                self._give_turn(now_us, job, asked)
            case Place.QUEUE:
                self._line[job] = asked
            case Place.FULL:
                pass
        return place

    def leave(self, now_us: int, job: Job) -> bool:
        """A job gives up its place, in line or in a turn; False when it had finished by then (`advance` reports it)."""
        self._catch_up(now_us)
        if self._line.pop(job, None) is not None:
            return True
        if self._turns.pop(job, None) is None:
            return False
        self._sharing.leave(now_us, job)
        self._fill(now_us)
        return True

    def advance(self, now_us: int) -> list[Finished[Job]]:
        """Turns that are over and were not reported yet, in order."""
        self._catch_up(now_us)
        finished, self._finished = self._finished, []
        return finished

    def next_finish_us(self) -> int | None:
        """When `advance` will next have something to report if nobody asks or leaves; None when nothing is in progress."""
        return self._finished[0].finished_us if self._finished else self._sharing.next_finish_us()

    def _catch_up(self, now_us: int) -> None:
        """Turn by turn: whoever is next in line begins when the turn before was over, not when the caller came round to ask."""
        while True:
            next_us = self._sharing.next_finish_us()
            at_us = now_us if next_us is None else min(next_us, now_us)
            finished = self._sharing.advance(at_us)
            for finished_us, job in finished:
                asked = self._turns.pop(job)
                self._finished.append(Finished(job, asked.asked_us, asked.began_us, finished_us))
                self._fill(finished_us)
            if at_us == now_us and not finished:
                return

    def _fill(self, now_us: int) -> None:
        while self._line and len(self._turns) < self._turns_limit:
            job, asked = self._line.popitem(last=False)
            self._give_turn(now_us, job, asked)

    def _give_turn(self, now_us: int, job: Job, asked: _Asked) -> None:
        asked.began_us = now_us
        self._turns[job] = asked
        self._sharing.begin(now_us, job, asked.work_bytes)


def _changes(slowdowns: Sequence[Slowdown]) -> list[tuple[int, float]]:
    """The moments at which the bandwidth changes, in order, each with the ratio that holds from then on."""
    moments = sorted({moment for s in slowdowns for moment in (s.from_us, s.until_us)})
    return [(at, min((s.bandwidth_ratio for s in slowdowns if s.from_us <= at < s.until_us), default=1.0)) for at in moments]
