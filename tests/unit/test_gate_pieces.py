"""A batch that is asked in pieces is what it would be in one: made-up services that cost what they are asked."""

from collections import Counter
from typing import cast

import pytest

from gelombang_gates.asking import Asker, Batch
from gelombang_gates.gate_file import GateRoute
from gelombang_gates.lane_batch import LaneBatch, Spent, pieces_of
from gelombang_gates.running import Costs
from gelombang_gates.side import Running

ROUTE = GateRoute(name="items")


class Machine:
    """Service and asker in one: each request costs 2 ms of CPU and 3 calls, and what stands between two looks is somebody else's."""

    def __init__(self, sees: bool = True) -> None:
        self.asked: list[int] = []
        self.sees = sees
        self.others = 0.0

    def batch(self, route: GateRoute, requests: int) -> Batch:
        self.asked.append(requests)
        return Batch(requests, 0.005 * requests, Counter({"200": requests}))

    def costs(self) -> Costs:
        return Costs(0.002 * sum(self.asked) + self.others, 3 * sum(self.asked)) if self.sees else Costs(None, None)


def asked(machine: Machine, counted: int, delay: float, counts: bool = True) -> LaneBatch:
    batch = LaneBatch(counts, counted, delay, cast(Running, machine), cast(Asker, machine))
    for piece in range(pieces_of(counted)):
        batch.ask(ROUTE, piece, pieces_of(counted))
        machine.others += 1.0
    return batch


@pytest.mark.parametrize("counted", [34, 40, 71])
def test_pieces_add_up_to_the_batch_and_what_happens_between_them_is_not_in_it(counted: int) -> None:
    machine = Machine()
    batch = asked(machine, counted, 0.0)
    assert sum(machine.asked) == counted == batch.outcomes.total()
    assert max(machine.asked) <= 10
    assert batch.spent() == Spent(pytest.approx(0.002), pytest.approx(3.0), pytest.approx(0.005))


def test_the_known_delay_is_exact_and_really_sent() -> None:
    machine = Machine()
    batch = asked(machine, 34, 0.03)
    assert sum(machine.asked) == 35
    assert batch.spent().cpu_seconds == pytest.approx(0.002 * 1.03)


def test_a_batch_that_does_not_count_is_asked_all_the_same() -> None:
    machine = Machine()
    batch = asked(machine, 34, 0.0, counts=False)
    assert sum(machine.asked) == 34
    assert batch.outcomes.total() == 0


def test_what_can_not_be_seen_is_none_and_not_nothing() -> None:
    spent = asked(Machine(sees=False), 34, 0.0).spent()
    assert (spent.cpu_seconds, spent.calls) == (None, None)
