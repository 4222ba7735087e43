"""Everything that a compiled run reads and writes: a handful of arrays, so that the loop's functions can share them.

Per-person state is one row (a cache line or two); numbers of the whole site are one row; what is counted is counted per step, per place and
per window while the run goes on, so that memory does not grow with the number of attempts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Fate, Outcome
from gelombang.histogram import BUCKETS
from gelombang.windows import WindowGrid
from gelombang_capacity.endings import Ending
from gelombang_capacity.events import NEAR, NODE, QUEUE, slices_for
from gelombang_capacity.site import SitePlan
from gelombang_capacity.store import JOB, STORE, TURN, make_store

PERSON = np.dtype(
    [
        ("due", "<i8"),
        ("leaves", "<i8"),
        ("done", "<i8"),
        ("uplink", "<f8"),
        ("round_trip", "<i8"),
        ("ticket", "<i4"),
        ("job", "<i4"),
        ("bytes", "<i4"),
        ("number", "<u2"),
        ("failures", "<u2"),
        ("is_sized", "u1"),
        ("persona", "u1"),
        ("step", "u1"),
        ("state", "u1"),
        ("copies", "u1", (2,)),
        ("stored", "u1", (2,)),
        ("mail", "<i8"),
        ("code", "<i8"),
        ("code_ends", "<i8"),
        ("nik", "<i8"),
        ("waits_until", "<i8"),
        ("told_at", "<i8"),
        ("passed", "<u4"),
        ("did", "u1"),
        ("is_known", "u1"),
        ("pad", "u1", (10,)),
    ]
)
"""One person. `due`: of the current attempt; `leaves`: when their patience with it ends; `done`: when the work at the store will be;
`number`: of tries at the current step; `is_sized`: `bytes` is the size of the photo that this step sends; `persona`: a row of `patience`;
`copies`: 0 the first photo, c the c-th smaller copy; `stored`: 0 none, else the copy that the site has, plus 1; `mail`, `code`, `nik`: when
that message is there (0: not sent); `did`: bit 0 account, bit 1 data, bit 2 code confirmed; `told_at`: when it is looked whether they are
overdue. What an attempt at a photo touches fills the first of two cache lines, because the millions of people do not fit any cache and each
line is waited for."""
CACHE_LINE_BYTES = 64
assert PERSON.itemsize == 2 * CACHE_LINE_BYTES
assert PERSON.fields is not None
assert PERSON.fields["mail"][1] == CACHE_LINE_BYTES

BETWEEN, PARKED, BODY, LEAVES_BODY, AT_STORE, HEARS, GONE = range(7)
"""What a person's next event means: an attempt begins; a wait for a message ends; the body is whole; patience ends while the body is sent;
patience (the person's or the proxy's) ends at the store; the good news is heard. GONE: no event."""

SITE = np.dtype(
    [
        ("bodies", "<i8"),
        ("received", "<i8"),
        ("admitted", "<i8"),
        ("open", "<i8"),
        ("refusals", "<i8"),
        ("people_waiting", "<i8"),
        ("messages", "<i8"),
        ("mail_free", "<f8"),
        ("sms_free", "<f8"),
        ("registry_free", "<f8"),
        ("ring_first", "<i8"),
        ("ring_last", "<i8"),
        ("next_person", "<i8"),
        ("events", "<i8"),
        ("traced", "<i8"),
        ("latest", "<i8"),
        ("commit_begins", "<i8"),
        ("commit_ends", "<i8"),
        ("stored_unheard_bytes", "<i8"),
        ("people_at", "<i8"),
        ("tries_at", "<i8"),
        ("nodes_at", "<i8"),
    ]
)
"""The site's own numbers; `commit_begins`, `commit_ends`: of the database's last transaction; `people_at`, `tries_at`, `nodes_at` are where
those rows begin in memory."""

ANSWER = np.dtype([("at", "<i8"), ("person", "<i8")])
TRACE = np.dtype(
    [("person", "<i8"), ("step", "<i8"), ("number", "<i8"), ("ending", "<i8"), ("due", "<i8"), ("done", "<i8"), ("bytes", "<i8")]
)
"""An attempt, for comparing with the slow simulator."""

PASSED, OK, ENDED, TOO_LARGE = range(4)
"""Rows of `by_step`: people who passed for the first time; attempts that ended ok; that were decided; photos over the limit."""
STARTED, CHANGE, RECEIVED, KEPT = range(4)
"""Rows of `by_window`: people who started; change of the number of people who wait; bytes."""


class World(NamedTuple):
    """See the module."""

    p: NDArray[np.void]
    """PARAMETERS."""
    steps: NDArray[np.void]
    patience: NDArray[np.void]
    delays: NDArray[np.float64]
    next: NDArray[np.int16]
    distributions: NDArray[np.void]
    due: NDArray[np.int64]
    people: NDArray[np.void]
    tries: NDArray[np.uint16]
    """At the steps that a person is not at."""
    site: NDArray[np.void]
    queue: NDArray[np.void]
    near: NDArray[np.void]
    nodes: NDArray[np.void]
    slices: NDArray[np.int32]
    store: NDArray[np.void]
    jobs: NDArray[np.void]
    turns: NDArray[np.void]
    changes: NDArray[np.float64]
    finished: NDArray[np.int32]
    ring: NDArray[np.void]
    """Look-ups under way, in the order in which they are answered: nobody asks twice."""
    told: NDArray[np.void]
    """The queue of those who were told to come back, and when each of them is overdue."""
    told_near: NDArray[np.void]
    told_nodes: NDArray[np.void]
    told_slices: NDArray[np.int32]
    spreads: NDArray[np.float64]
    """Measured times in µs, a row of quantiles each."""
    api_free: NDArray[np.int64]
    upload_free: NDArray[np.int64]
    """The same array where uploads have no process of their own."""
    hash_free: NDArray[np.int64]
    outcomes: NDArray[np.int64]
    reached: NDArray[np.int64]
    fates: NDArray[np.int64]
    endings: NDArray[np.int64]
    """Upload attempts by ending and window."""
    by_step: NDArray[np.int64]
    by_window: NDArray[np.int64]
    response: NDArray[np.int32]
    """step, window, bucket."""
    longest: NDArray[np.int64]
    shortest: NDArray[np.int64]
    trace: NDArray[np.void]


def _lined_up(people: int) -> NDArray[np.void]:
    """Zeroed rows that begin where cache lines begin."""
    raw = np.zeros(people * PERSON.itemsize + CACHE_LINE_BYTES, dtype=np.uint8)
    first = -raw.ctypes.data % CACHE_LINE_BYTES
    return raw[first : first + people * PERSON.itemsize].view(PERSON)


def make_world(plan: SitePlan, grid: WindowGrid, trace_rows: int) -> World:
    """The arrays of one run, before anybody has come."""
    people, steps = len(plan.due_us), len(plan.steps)
    parameters = plan.parameters.copy()
    parameters[0]["window_count"] = grid.count
    parameters[0]["window_us"] = grid.seconds / grid.speed * 1e6
    row = parameters[0]
    places = int(row["turns"] + row["queue"])
    queue = np.zeros(1, dtype=QUEUE)
    queue[0]["free"] = queue[0]["ahead"] = -1
    slices = slices_for(people)
    queue[0]["width"] = plan.end_us // slices + 1
    store = np.zeros(1, dtype=STORE)
    jobs = np.zeros(2 * places + 32, dtype=JOB)
    make_store(store, jobs, float(row["bytes_per_us"]))
    room = people + people // 4 + 4_096
    told = room if row["ticketed"] else 1
    api_free = np.zeros(int(row["api_processes"]), dtype=np.int64)
    upload_processes = int(row["upload_processes"])
    return World(
        p=parameters,
        steps=plan.steps,
        patience=plan.patience,
        delays=plan.delays,
        next=plan.next,
        distributions=plan.distributions,
        due=plan.due_us,
        people=_lined_up(people),
        tries=np.zeros((people, steps), dtype=np.uint16),
        site=np.zeros(1, dtype=SITE),
        queue=queue,
        near=np.empty(room, dtype=NEAR),
        nodes=np.empty(room, dtype=NODE),
        slices=np.full(slices + 1, -1, dtype=np.int32),
        store=store,
        jobs=jobs,
        turns=np.zeros(len(jobs), dtype=TURN),
        changes=plan.changes,
        finished=np.zeros(len(jobs), dtype=np.int32),
        ring=np.empty(people, dtype=ANSWER),
        told=queue.copy(),
        told_near=np.empty(told, dtype=NEAR),
        told_nodes=np.empty(told, dtype=NODE),
        told_slices=np.full(slices + 1 if row["ticketed"] else 1, -1, dtype=np.int32),
        spreads=plan.spreads,
        api_free=api_free,
        upload_free=np.zeros(upload_processes, dtype=np.int64) if upload_processes else api_free,
        hash_free=np.zeros(int(row["hash_threads"]), dtype=np.int64),
        outcomes=np.zeros((steps, len(Outcome)), dtype=np.int64),
        reached=np.zeros(steps, dtype=np.int64),
        fates=np.zeros(len(Fate), dtype=np.int64),
        endings=np.zeros((len(Ending), grid.count), dtype=np.int64),
        by_step=np.zeros((4, steps, grid.count), dtype=np.int64),
        by_window=np.zeros((4, grid.count), dtype=np.int64),
        response=np.zeros((steps, grid.count, BUCKETS), dtype=np.int32),
        longest=np.zeros(steps, dtype=np.int64),
        shortest=np.full(steps, 1 << 40, dtype=np.int64),
        trace=np.zeros(trace_rows, dtype=TRACE),
    )
