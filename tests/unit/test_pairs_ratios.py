"""What a pair says of a route: the middle of its rounds."""

from math import log

import pytest

from gelombang.errors import InputError
from gelombang_gates.lane_batch import Spent
from gelombang_gates.pairs import Cost, Lane, Pair, log_ratios

ROUTE = "items"


def ratio_of(base: list[float], head: list[float]) -> float:
    """Of the CPU seconds of some rounds, as the gate reads them."""
    spent = {(lane, ROUTE): [Spent(seconds, None, 1.0) for seconds in base] for lane in (Lane.BASE, Lane.SAME, Lane.SLOW)}
    pair = Pair(spent={**spent, (Lane.HEAD, ROUTE): [Spent(seconds, None, 1.0) for seconds in head]})
    (value,) = log_ratios([pair], [ROUTE])[Lane.HEAD, ROUTE, Cost.CPU]
    return value


def test_the_middle_of_the_rounds_is_what_a_pair_says() -> None:
    assert ratio_of([1.0, 1.0, 1.0], [1.0, 2.0, 4.0]) == pytest.approx(log(2.0))


@pytest.mark.parametrize(("base", "head"), [([1.0, 0.0, 1.0], [2.0, 2.0, 2.0]), ([1.0, 1.0, 1.0], [2.0, 0.0, 2.0])])
def test_a_round_in_which_a_clock_did_not_move_says_nothing(base: list[float], head: list[float]) -> None:
    assert ratio_of(base, head) == pytest.approx(log(2.0))


def test_a_service_whose_clock_never_moves_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="the server used no cpu time for items; want a service whose own processes do the work"):
        ratio_of([1.0, 1.0], [0.0, 0.0])
