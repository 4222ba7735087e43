"""Complaints in public, whatever the ledger holds and in whatever order."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gelombang.attempt import Outcome
from gelombang.complaint_form import Complaints
from gelombang.distribution import Fixed, Uniform
from gelombang.ledger import GENERATOR_ROW, concatenate
from gelombang.patience import FAILURES
from gelombang.public_complaints import complaints

OUTCOMES = st.one_of(st.sampled_from(sorted(FAILURES)), st.sampled_from(Outcome))
TRIES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 1), OUTCOMES, st.integers(0, 20)),
    max_size=40,
)
"""Person, step, tab, outcome, moment."""


@given(TRIES, st.floats(0, 6), st.sampled_from([0.5, 1.0]), st.integers(0, 1 << 32), st.integers(0, 60), st.data())
def test_each_person_complains_at_most_once_after_enough_failures_whatever_the_order_of_rows_and_files(
    tries: list[tuple[int, int, int, Outcome, int]], after: float, ratio: float, seed: int, cut: int, data: st.DataObject
) -> None:
    table = Complaints(ratio=ratio, after_failures=Fixed(value=after), delay_seconds=Uniform(low=0.0, high=9.0), noticed_per_minute=1.0)
    rows = np.zeros(len(tries), GENERATOR_ROW)
    for number, (row, (person, step, tab, outcome, done)) in enumerate(zip(rows, tries, strict=True), 1):
        row["person"], row["step"], row["tab"], row["outcome"], row["done"], row["number"] = person, step, tab, outcome, done, number
    found = complaints(table, seed, rows)
    assert len(set(found.person.tolist())) == len(found.person)
    failures = Counter(person for person, _, _, outcome, done in tries if outcome in FAILURES and done > 0)
    assert all(failures[person] >= max(1.0, after) for person in found.person.tolist())

    mixed = rows[data.draw(st.permutations(range(len(rows))))] if len(rows) else rows
    in_parts = concatenate([mixed[cut:], mixed[:cut]], GENERATOR_ROW)
    assert all(np.array_equal(a, b) for a, b in zip(found, complaints(table, seed, in_parts), strict=True))
