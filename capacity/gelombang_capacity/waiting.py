"""Who is waiting to be let in, and when they shall come back: `gelombang.waiting` and the rules of `gelombang.admission`, compiled.

The admission rules are not written again: the very functions that the server calls are turned into machine code here.
"""

import numpy as np
from numpy.typing import NDArray

from gelombang import admission
from gelombang.seeds import Purpose
from gelombang_capacity.draws import quantile, unit
from gelombang_capacity.events import pop_row, push_row
from gelombang_capacity.jit import compiled, prefetch
from gelombang_capacity.world import CACHE_LINE_BYTES, PERSON

admission_for_ticket = compiled(admission.admission_for_ticket)
budget_ratio = compiled(admission.budget_ratio)
return_after_seconds = compiled(admission.return_after_seconds)
patience_end_us = compiled(admission.patience_end_us)
_JITTER = int(Purpose.SERVER_JITTER)
_PERSON_BYTES = PERSON.itemsize


@compiled
def come_back_seconds(
    p: NDArray[np.void],
    distributions: NDArray[np.void],
    site: NDArray[np.void],
    people: NDArray[np.void],
    told: NDArray[np.void],
    person: int,
    now_us: int,
) -> float:
    """How long this person is told to stay away; they count as waiting from now on."""
    q, s = p[0], site[0]
    _forget_overdue(site, people, told, now_us)
    is_counted = people[person].waits_until != 0
    jitter = quantile(distributions, q.jitter, unit(q.seed, 0, _JITTER, s.refusals))
    s.refusals += 1
    told_seconds = return_after_seconds(
        s.people_waiting + (0 if is_counted else 1),
        q.mean_photo,
        q.bandwidth,
        q.come_back_ratio,
        jitter,
        q.come_back_min,
        q.come_back_max,
    )
    if not is_counted:
        s.people_waiting += 1
    until_us = patience_end_us(now_us, told_seconds, q.come_back_min)
    people[person].waits_until = until_us
    push_row(told, s.waiting_heap, until_us, 0, person)
    s.waiting_heap += 1
    if s.waiting_heap > 2 * s.people_waiting + 64:
        _sift(site, people, told)
    return float(told_seconds)


@compiled
def is_admitted(site: NDArray[np.void], people: NDArray[np.void], person: int) -> None:
    """The person waits no more."""
    if people[person].waits_until != 0:
        people[person].waits_until = 0
        site[0].people_waiting -= 1


@compiled
def _forget_overdue(site: NDArray[np.void], people: NDArray[np.void], told: NDArray[np.void], now_us: int) -> None:
    s = site[0]
    while s.waiting_heap > 0 and told[0].at <= now_us:
        person, until_us = told[0].person, told[0].at
        s.waiting_heap -= 1
        pop_row(told, s.waiting_heap)
        if s.waiting_heap > 2:  # whoever is next to be overdue is one of these
            prefetch(s.people_at + told[0].person * _PERSON_BYTES + CACHE_LINE_BYTES)
            prefetch(s.people_at + told[1].person * _PERSON_BYTES + CACHE_LINE_BYTES)
            prefetch(s.people_at + told[2].person * _PERSON_BYTES + CACHE_LINE_BYTES)
        if people[person].waits_until == until_us:
            people[person].waits_until = 0
            s.people_waiting -= 1


@compiled
def _sift(site: NDArray[np.void], people: NDArray[np.void], told: NDArray[np.void]) -> None:
    """Drop what counts for nobody any more."""
    s = site[0]
    length, s.waiting_heap = s.waiting_heap, 0
    for i in range(length):
        at, person = told[i].at, told[i].person
        if people[person].waits_until == at:
            push_row(told, s.waiting_heap, at, 0, person)
            s.waiting_heap += 1
