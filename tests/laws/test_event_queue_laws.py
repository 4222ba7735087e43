"""The compiled queue of what is due beside Python's own sort: (time, when it was put in) is the whole order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gelombang_capacity.events import NEAR, NEVER_US, NODE, QUEUE, SLICES_LIMIT, SLICES_MIN, next_us, put, slices_for, take
from gelombang_capacity.jit import compiled_entry

END_US = 1_000


@compiled_entry
def _put_and_take(
    queue: NDArray[np.void],
    near: NDArray[np.void],
    nodes: NDArray[np.void],
    slices: NDArray[np.int32],
    first_us: NDArray[np.int64],
    later_us: NDArray[np.int64],
    taken: NDArray[np.int64],
) -> None:
    """Everybody is put in at `first_us`; whoever is taken for the first time is put in again, `later_us` after that."""
    for person in range(len(first_us)):
        put(queue, near, nodes, slices, first_us[person], person)
    for i in range(len(taken)):
        taken[i, 0] = next_us(queue, near, nodes, slices, NEVER_US)
        take(queue, near)
        person = queue[0].person
        taken[i, 1], taken[i, 2] = person, queue[0].ticket
        if later_us[person] >= 0:
            put(queue, near, nodes, slices, taken[i, 0] + later_us[person], person)
            later_us[person] = -1


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=1, max_size=200), st.integers(1, 700))
def test_what_is_due_leaves_the_queue_in_order_of_time_and_of_when_it_was_put_in(dues: list[tuple[int, int]], width: int) -> None:
    people = len(dues)
    queue = np.zeros(1, dtype=QUEUE)
    queue[0]["free"] = queue[0]["ahead"] = -1
    queue[0]["width"] = width
    first, later = (np.array(each, dtype=np.int64) for each in zip(*dues, strict=True))
    slices = np.full(END_US // width + 2, -1, dtype=np.int32)
    taken = np.zeros((2 * people, 3), dtype=np.int64)
    _put_and_take(queue, np.empty(2 * people, dtype=NEAR), np.empty(2 * people, dtype=NODE), slices, first, later.copy(), taken)
    assert [tuple(row[[0, 2]]) for row in taken] == sorted(tuple(row[[0, 2]]) for row in taken)
    expected = sorted((int(at), person) for person in range(people) for at in (first[person], first[person] + later[person]))
    assert sorted((int(row[0]), int(row[1])) for row in taken) == expected
    assert queue[0]["full"] == 0


@given(st.integers(0, 10_000_000))
def test_there_are_as_many_slices_as_people_within_bounds(people: int) -> None:
    assert SLICES_MIN <= slices_for(people) <= SLICES_LIMIT
    assert slices_for(people) >= min(people, SLICES_LIMIT)
