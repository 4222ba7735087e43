"""The modelled store in machine code: `gelombang.sharing.SharedStore`, the same numbers in the same order, so that it can be compared bit
for bit with it.

A job is a row in a table of twice as many rows as there are turns and places in line; the line is a list through the rows; the turns are a
heap of virtual finish times (`gelombang.sharing` explains them). A job that leaves is taken out of the heap when it comes up.
"""

import math

import numpy as np
from numpy.typing import NDArray

from gelombang_capacity.jit import compiled, compiled_entry

FREE, IN_LINE, IN_TURN, GONE = 0, 1, 2, 3
NO_JOB = -1
_NOISE_US = 1e-3

JOB = np.dtype(
    [
        ("work", "<f8"),
        ("bytes", "<i8"),
        ("proxy", "<i8"),
        ("person", "<i4"),
        ("state", "<i4"),
        ("before", "<i4"),
        ("after", "<i4"),
        ("is_awaited", "<i4"),
        ("copy", "<i4"),
    ]
)
"""`is_awaited`: its person still waits for it; `copy`: which photo it is; `proxy`: until when an answer passes."""
TURN = np.dtype([("finish", "<f8"), ("order", "<i8"), ("job", "<i4"), ("pad", "<i4")])
STORE = np.dtype(
    [
        ("now", "<f8"),
        ("virtual", "<f8"),
        ("ratio", "<f8"),
        ("bytes_per_us", "<f8"),
        ("change", "<i8"),
        ("heap", "<i8"),
        ("sharing", "<i8"),
        ("turns", "<i8"),
        ("waiting", "<i8"),
        ("order", "<i8"),
        ("first", "<i8"),
        ("last", "<i8"),
        ("free", "<i8"),
        ("done", "<i8"),
        ("used", "<i8"),
    ]
)
"""The store's own numbers; `done` counts the jobs in `finished` that nobody has asked about yet, `used` the bytes stored or promised."""


@compiled_entry
def make_store(store: NDArray[np.void], jobs: NDArray[np.void], bytes_per_us: float) -> None:
    """An empty store over tables of zeros."""
    s = store[0]
    s.bytes_per_us = bytes_per_us
    s.now = -math.inf
    s.ratio = 1.0
    s.first = NO_JOB
    s.last = NO_JOB
    s.free = 0
    for i in range(len(jobs)):
        jobs[i].after = i + 1 if i + 1 < len(jobs) else NO_JOB


@compiled
def new_job(store: NDArray[np.void], jobs: NDArray[np.void], person: int, photo_bytes: int, work_bytes: float, copy: int) -> int:
    """A row for a job that is about to get a turn or a place in line."""
    s = store[0]
    j = s.free
    s.free = jobs[j].after
    job = jobs[j]
    job.work = work_bytes
    job.bytes = photo_bytes
    job.person = person
    job.is_awaited = 1
    job.copy = copy
    s.used += photo_bytes
    return int(j)


@compiled
def free_job(store: NDArray[np.void], jobs: NDArray[np.void], j: int) -> None:
    """Give the row back. Its turn, if it had one, is out of the heap."""
    jobs[j].state = FREE
    jobs[j].after = store[0].free
    store[0].free = j


@compiled
def catch_up(
    store: NDArray[np.void],
    turns: NDArray[np.void],
    jobs: NDArray[np.void],
    changes: NDArray[np.float64],
    finished: NDArray[np.int32],
    now_us: float,
) -> None:
    """Move finish by finish and change by change up to now; what finished is in `finished`, in order."""
    s = store[0]
    while s.change < len(changes) and changes[s.change, 0] <= now_us:
        _evenly(store, turns, jobs, finished, changes[s.change, 0])
        s.ratio = changes[s.change, 1]
        s.change += 1
    _evenly(store, turns, jobs, finished, now_us)


@compiled
def _evenly(store: NDArray[np.void], turns: NDArray[np.void], jobs: NDArray[np.void], finished: NDArray[np.int32], until_us: float) -> None:
    s = store[0]
    _drop_gone(store, turns, jobs)
    while s.heap > 0:
        share = s.bytes_per_us * s.ratio / s.sharing
        finish_us = s.now + (turns[0].finish - s.virtual) / share
        if finish_us > until_us + _NOISE_US:
            if until_us > s.now:
                s.virtual += (until_us - s.now) * share
                s.now = until_us
            return
        s.now = max(s.now, finish_us)
        s.virtual = turns[0].finish
        finished[s.done] = turns[0].job
        s.done += 1
        s.sharing -= 1
        _pop(store, turns)
        _drop_gone(store, turns, jobs)
    s.now = max(s.now, until_us)


@compiled
def next_finish_us(store: NDArray[np.void], turns: NDArray[np.void], jobs: NDArray[np.void], changes: NDArray[np.float64]) -> int:
    """When the next turn will be over if nobody joins or leaves; a moment beyond every run when nothing is in progress."""
    s = store[0]
    _drop_gone(store, turns, jobs)
    if s.heap == 0:
        return 1 << 62
    at_us, ratio, missing = s.now, s.ratio, turns[0].finish - s.virtual
    for i in range(s.change, len(changes)):
        can_move = (changes[i, 0] - at_us) * (s.bytes_per_us * ratio / s.sharing)
        if can_move >= missing:
            break
        missing -= can_move
        at_us, ratio = changes[i, 0], changes[i, 1]
    return int(math.ceil(at_us + missing / (s.bytes_per_us * ratio / s.sharing) - _NOISE_US))


@compiled
def give_turn(store: NDArray[np.void], turns: NDArray[np.void], jobs: NDArray[np.void], j: int) -> None:
    """A job joins those who share; the store has caught up."""
    s = store[0]
    if s.sharing == 0:
        while s.heap > 0:  # only rows of jobs that have left
            s.heap -= 1
            free_job(store, jobs, int(turns[s.heap].job))
        s.virtual = 0.0
    jobs[j].state = IN_TURN
    s.turns += 1
    s.sharing += 1
    s.order += 1
    _push(store, turns, s.virtual + jobs[j].work, s.order, j)


@compiled
def stand_in_line(store: NDArray[np.void], jobs: NDArray[np.void], j: int) -> None:
    """A job goes to the end of the line."""
    s = store[0]
    jobs[j].state = IN_LINE
    jobs[j].before = s.last
    jobs[j].after = NO_JOB
    if s.last >= 0:
        jobs[s.last].after = j
    else:
        s.first = j
    s.last = j
    s.waiting += 1


@compiled
def leave_line(store: NDArray[np.void], jobs: NDArray[np.void], j: int) -> None:
    """A job goes out of the line."""
    s = store[0]
    before, after = jobs[j].before, jobs[j].after
    if before >= 0:
        jobs[before].after = after
    else:
        s.first = after
    if after >= 0:
        jobs[after].before = before
    else:
        s.last = before
    s.waiting -= 1


@compiled
def fill(store: NDArray[np.void], turns: NDArray[np.void], jobs: NDArray[np.void], turns_limit: int) -> None:
    """Whoever is next in line gets a free turn."""
    s = store[0]
    while s.first >= 0 and s.turns < turns_limit:
        j = int(s.first)
        leave_line(store, jobs, j)
        give_turn(store, turns, jobs, j)


@compiled
def give_up_turn(store: NDArray[np.void], turns: NDArray[np.void], jobs: NDArray[np.void], j: int) -> None:
    """A job in a turn leaves: its row stays taken until the heap has come to it, or until most of the heap is such rows."""
    s = store[0]
    jobs[j].state = GONE
    s.turns -= 1
    s.sharing -= 1
    if s.heap <= 2 * s.sharing + 16:
        return
    length, s.heap = s.heap, 0
    for i in range(length):
        if jobs[turns[i].job].state == GONE:
            free_job(store, jobs, int(turns[i].job))
        else:
            _push(store, turns, turns[i].finish, turns[i].order, int(turns[i].job))


@compiled
def _drop_gone(store: NDArray[np.void], turns: NDArray[np.void], jobs: NDArray[np.void]) -> None:
    s = store[0]
    while s.heap > 0 and jobs[turns[0].job].state == GONE:
        j = int(turns[0].job)
        _pop(store, turns)
        free_job(store, jobs, j)


@compiled
def _push(store: NDArray[np.void], turns: NDArray[np.void], finish: float, order: int, j: int) -> None:
    i = store[0].heap
    store[0].heap += 1
    while i > 0:
        parent = (i - 1) >> 1
        if turns[parent].finish < finish or (turns[parent].finish == finish and turns[parent].order < order):
            break
        turns[i].finish, turns[i].order, turns[i].job = turns[parent].finish, turns[parent].order, turns[parent].job
        i = parent
    turns[i].finish, turns[i].order, turns[i].job = finish, order, j


@compiled
def _pop(store: NDArray[np.void], turns: NDArray[np.void]) -> None:
    s = store[0]
    s.heap -= 1
    n = s.heap
    if n == 0:
        return
    finish, order, job = turns[n].finish, turns[n].order, turns[n].job
    i = 0
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        right = child + 1
        if right < n and (
            turns[right].finish < turns[child].finish
            or (turns[right].finish == turns[child].finish and turns[right].order < turns[child].order)
        ):
            child = right
        if finish < turns[child].finish or (finish == turns[child].finish and order < turns[child].order):
            break
        turns[i].finish, turns[i].order, turns[i].job = turns[child].finish, turns[child].order, turns[child].job
        i = child
    turns[i].finish, turns[i].order, turns[i].job = finish, order, job
