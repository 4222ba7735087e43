"""Whoever dies, in whatever order: everybody has one process, and no living process loses anybody."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gelombang.arrivals import ArrivalPlan
from gelombang.striping import Death, Stripe, owners

PROCESSES = 4


def plan_of(people: int) -> ArrivalPlan:
    return ArrivalPlan(np.arange(1, people + 1, dtype=np.int64) * 100, people * 100 + 100, "{}")


@st.composite
def deaths(draw: st.DrawFn) -> list[Death]:
    """Up to all processes die, one after the other."""
    order = draw(st.permutations(range(PROCESSES)))[: draw(st.integers(0, PROCESSES))]
    at_us, found = 0, []
    for epoch, process in enumerate(order, 1):
        at_us += draw(st.integers(0, 4_000))
        living = tuple(k for k in range(PROCESSES) if k not in order[:epoch])
        found.append(Death(epoch=epoch, process=process, how="died", at_us=at_us, from_us=at_us + 300, living=living))
    return found


@given(deaths(), st.integers(1, 200))
def test_everybody_has_one_owner_and_only_the_dead_lose_people_who_are_due_later(died: list[Death], people: int) -> None:
    due_us = plan_of(people).due_us
    before, _ = owners(due_us, PROCESSES, [])
    assert (before == np.arange(people) % PROCESSES).all()
    for many, death in enumerate(died, 1):
        after, epoch = owners(due_us, PROCESSES, died[:many])
        moved = after != before
        assert (before[moved] == death.process).all()
        assert (due_us[moved] >= death.from_us).all()
        assert (epoch[moved] == death.epoch).all()
        if death.living:
            assert not ((after == death.process) & (due_us >= death.from_us)).any()
            shares = [int(((epoch == death.epoch) & (after == k)).sum()) for k in death.living]
            assert many > 1 or max(shares) - min(shares) <= 1
        before = after


@given(deaths(), st.integers(1, 120))
def test_what_each_process_takes_is_what_the_plan_says_and_the_slow_way_says_the_same(died: list[Death], people: int) -> None:
    plan = plan_of(people)
    owner, epoch = owners(plan.due_us, PROCESSES, died)
    walked: list[int] = []
    for process in range(PROCESSES):
        stripe = Stripe(plan, process, PROCESSES)
        gone_us = min((death.from_us for death in died if death.process == process), default=1 << 60)
        own = [stripe.own()]
        for death in died:
            if process in death.living:
                own.append(stripe.take(death))
                assert not len(stripe.take(death)[0]), "a death that is told twice"
        mine = [int(i) for indices, due in own for i, at_us in zip(indices, due, strict=True) if at_us < gone_us]
        walked += mine
        if not any(death.process == process for death in died):
            assert sorted(mine) == np.flatnonzero(owner == process).tolist()
            for i in range(people):
                assert stripe.owns(i) == (owner[i] == process)
                assert stripe.owner(i) == (owner[i], epoch[i])
                assert stripe.epoch(i) == epoch[i]
    assert len(set(walked)) == len(walked)
