"""The queue of what is due, in machine code: in the order of (time, when it was put in), exactly.

Most people are away for hours while a few thousand act within the next second, and one heap of all of them would miss the processor's
caches at each level. So only the current slice of time is a heap; later slices are unordered lists, and a slice becomes the heap when its
time has come. What is void (the person's `ticket` moved on) stays inside and is skipped by whoever takes it.
"""

import numpy as np
from numpy.typing import NDArray

from gelombang_capacity.jit import compiled

NEVER_US = 1 << 62
SLICES_MIN, SLICES_LIMIT = 1 << 15, 1 << 21

NODE = np.dtype([("at", "<i8"), ("ticket", "<i4"), ("person", "<i4"), ("next", "<i4"), ("pad", "<i4")])
"""A place in a later slice's list."""
NEAR = np.dtype([("at", "<i8"), ("ticket", "<i4"), ("person", "<i4")])
"""A place in the heap."""
QUEUE = np.dtype(
    [
        ("near", "<i8"),
        ("used", "<i8"),
        ("free", "<i8"),
        ("slice", "<i8"),
        ("ahead", "<i8"),
        ("width", "<i8"),
        ("tickets", "<i8"),
        ("full", "<i8"),
        ("at", "<i8"),
        ("person", "<i8"),
        ("ticket", "<i8"),
    ]
)
"""The queue's own numbers. `ahead`: a node of the slice after the current one, -1 for none; `full`: 1 when something did not fit, and the
run is void; `at`, `person`, `ticket`: what was taken last."""


def slices_for(people: int) -> int:
    """Into how many slices the run's time is cut: some for each person, so that a slice holds a few dozen events at the busiest time."""
    return min(max(people, SLICES_MIN), SLICES_LIMIT)


@compiled
def put(queue: NDArray[np.void], near: NDArray[np.void], nodes: NDArray[np.void], slices: NDArray[np.int32], at: int, person: int) -> int:
    """Put a person in; their ticket, which rises with each call."""
    q = queue[0]
    q.tickets += 1
    ticket = int(q.tickets)
    slice_ = at // q.width
    if slice_ <= q.slice:
        _push(queue, near, at, ticket, person)
        return ticket
    if q.free >= 0:
        node = q.free
        q.free = nodes[node].next
    elif q.used < len(nodes):
        node = q.used
        q.used += 1
    else:
        q.full = 1
        return ticket
    nodes[node].at = at
    nodes[node].ticket = ticket
    nodes[node].person = person
    nodes[node].next = slices[slice_]
    slices[slice_] = node
    return ticket


@compiled
def next_us(queue: NDArray[np.void], near: NDArray[np.void], nodes: NDArray[np.void], slices: NDArray[np.int32], until_us: int) -> int:
    """When the first is due, NEVER_US when nobody is until `until_us`: a queue that looked further would have its slices behind it when the
    first of all comes, and be one heap from then on."""
    q = queue[0]
    while q.near == 0:
        if q.slice + 1 >= len(slices) or (q.slice + 1) * q.width > until_us:
            return NEVER_US
        q.slice += 1
        node = slices[q.slice]
        slices[q.slice] = -1
        while node >= 0:
            following = nodes[node].next
            _push(queue, near, nodes[node].at, nodes[node].ticket, nodes[node].person)
            nodes[node].next = q.free
            q.free = node
            node = following
        q.ahead = slices[q.slice + 1] if q.slice + 1 < len(slices) else -1
    return int(near[0].at)


@compiled
def take(queue: NDArray[np.void], near: NDArray[np.void]) -> None:
    """Take the first, which `next_us` has seen, into the queue's own row."""
    q = queue[0]
    q.at = near[0].at
    q.person = near[0].person
    q.ticket = near[0].ticket
    q.near -= 1
    pop_row(near, q.near)


@compiled
def _push(queue: NDArray[np.void], near: NDArray[np.void], at: int, ticket: int, person: int) -> None:
    q = queue[0]
    if q.near >= len(near):
        q.full = 1
        return
    push_row(near, q.near, at, ticket, person)
    q.near += 1


@compiled
def push_row(heap: NDArray[np.void], length: int, at: int, ticket: int, person: int) -> None:
    """Put a row into a heap of `length` rows, which then has one more."""
    i = length
    while i > 0:
        parent = (i - 1) >> 1
        if heap[parent].at < at or (heap[parent].at == at and heap[parent].ticket < ticket):
            break
        heap[i].at, heap[i].ticket, heap[i].person = heap[parent].at, heap[parent].ticket, heap[parent].person
        i = parent
    heap[i].at, heap[i].ticket, heap[i].person = at, ticket, person


@compiled
def pop_row(heap: NDArray[np.void], length: int) -> None:
    """Drop the first row of a heap, which has `length` rows afterwards."""
    n = length
    if n == 0:
        return
    at, ticket, person = heap[n].at, heap[n].ticket, heap[n].person
    i = 0
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        # Row n is still the row that goes down, so it may be compared; which child is first is a coin that no processor foresees.
        sooner = heap[child + 1].at - heap[child].at
        if sooner == 0:
            sooner = heap[child + 1].ticket - heap[child].ticket
        child -= sooner >> 63
        if at < heap[child].at or (at == heap[child].at and ticket < heap[child].ticket):
            break
        heap[i].at, heap[i].ticket, heap[i].person = heap[child].at, heap[child].ticket, heap[child].person
        i = child
    heap[i].at, heap[i].ticket, heap[i].person = at, ticket, person
