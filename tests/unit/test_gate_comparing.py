"""From pairs to a verdict, without a process: pairs are made up."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from gelombang.errors import InputError
from gelombang_gates.comparing import Comparison, Outcome, compare
from gelombang_gates.gate_file import Gate, GateRoute
from gelombang_gates.lane_batch import Spent
from gelombang_gates.pairs import KNOWN, KNOWN_DELAY, PROCESSES, Cost, Lane, Pair, StandIn, turns_of

PAIRS = 24
ROUTES = ["list", "search"]


def gate(**changes: object) -> Gate:
    return Gate.model_validate({"route": [{"name": name} for name in ROUTES]} | changes)


class Machine:
    """Makes pairs: `slower` by (lane, route), noise as a standard deviation of log CPU."""

    def __init__(self, slower: dict[tuple[Lane, str], float], noise: float = 0.008, seed: int = 1) -> None:
        self.slower, self.noise = slower, noise
        self.chance = np.random.default_rng(seed)
        self.numbers: list[int] = []
        self.asked: list[list[str]] = []
        self.answers: Callable[[Lane, str, int], Counter[str]] = lambda lane, route, number: Counter({"200": 10})

    def __call__(self, number: int, routes: Sequence[GateRoute]) -> Pair:
        self.numbers.append(number)
        self.asked.append([route.name for route in routes])
        pair = Pair()
        for route in routes:
            noise = {lane: float(self.chance.normal(0, self.noise)) for lane in Lane}
            noise[Lane.SLOW] = noise[Lane.SAME]
            for lane in Lane:
                factor = 1 + self.slower.get((lane, route.name), 0.0)
                factor *= 1 + KNOWN_DELAY if lane is Lane.SLOW else 1
                pair.spent[lane, route.name] = [Spent(0.001 * factor * float(np.exp(noise[lane])), 4.0, 0.002)]
                pair.outcomes[lane, route.name] = self.answers(lane, route.name, number)
        pair.memory_bytes = dict.fromkeys((Lane.BASE, Lane.SAME, Lane.HEAD), 50_000_000)
        return pair


def judged(machine: Machine, waived: Sequence[str] = (), shown_before: bool = False, table: Gate | None = None) -> Comparison:
    return compare(table or gate(), machine, lambda: lambda: False, PAIRS, waived, shown_before)


def test_equal_revisions_pass_and_need_no_second_sequence() -> None:
    found = judged(Machine({}))
    assert found.outcome is Outcome.PASS, found.why
    assert found.second is None


def test_a_slower_route_fails_by_name_and_only_it_is_measured_again_in_fresh_pairs() -> None:
    machine = Machine({(Lane.HEAD, "search"): 0.05})
    found = judged(machine)
    assert found.outcome is Outcome.FAIL, found.why
    assert found.confirmed == (("search", Cost.CPU),)
    assert "search" in found.why
    assert "list" not in found.why
    assert machine.asked[-1] == ["search"]
    assert len(set(machine.numbers)) == len(machine.numbers)


def test_a_slowdown_between_budget_and_detect_is_looked_for_with_more_pairs_and_equal_ones_are_not() -> None:
    """After 12 pairs 3 % is excluded, and 1.4 % could be half a per cent."""
    found = judged(Machine({(Lane.HEAD, "search"): 0.014}, seed=1))
    assert found.outcome is Outcome.FAIL, found.why
    assert found.first.pairs > PAIRS // 2
    equal = judged(Machine({}))
    assert (equal.outcome, equal.first.pairs) == (Outcome.PASS, PAIRS // 2)


def test_what_a_second_sequence_does_not_find_is_no_failure() -> None:
    machine = Machine({(Lane.HEAD, "search"): 0.05})

    def forgetful(number: int, routes: Sequence[GateRoute]) -> Pair:
        if len(routes) == 1:
            machine.slower = {}
        return machine(number, routes)

    found = compare(gate(), forgetful, lambda: lambda: False, PAIRS, [], False)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "not confirm" in found.why


@pytest.mark.parametrize("away", [0.05, -0.05])
def test_a_base_that_differs_from_itself_makes_the_machine_unfit_whatever_head_does(away: float) -> None:
    found = judged(Machine({(Lane.SAME, "list"): away, (Lane.HEAD, "list"): 0.4}))
    assert found.outcome is Outcome.UNFIT
    assert "itself" in found.why


def test_a_known_delay_that_is_missed_makes_the_machine_unfit_and_never_a_pass() -> None:
    found = judged(Machine({(Lane.SLOW, "list"): -0.029}))
    assert found.outcome is Outcome.UNFIT
    assert "list" in found.why


def test_a_slowdown_on_a_machine_that_never_caught_the_known_delay_is_not_enforced() -> None:
    slower = {(Lane.SLOW, name): -0.029 for name in ROUTES} | {(Lane.HEAD, "list"): 0.3}
    assert judged(Machine(slower)).outcome is Outcome.UNFIT
    assert judged(Machine(slower), shown_before=True).outcome is Outcome.FAIL


def test_a_known_delay_that_a_larger_budget_allows_is_not_said_to_have_been_caught() -> None:
    found = judged(Machine({}), table=gate(budget=0.05, detect=0.2))
    assert found.outcome is Outcome.PASS, found.why
    assert found.first.caught == {}
    slower = judged(Machine({(Lane.HEAD, "list"): 0.3}), table=gate(budget=0.05, detect=0.2))
    assert slower.outcome is Outcome.FAIL, slower.why


def test_where_cpu_time_can_not_be_seen_wall_time_must_pass_and_can_fail_and_no_delay_is_looked_for() -> None:
    def seen(machine: Machine) -> Comparison:
        def wall_only(number: int, routes: Sequence[GateRoute]) -> Pair:
            pair = machine(number, routes)
            spent = {key: [Spent(None, None, own.cpu_seconds or 0.0) for own in batches] for key, batches in pair.spent.items()}
            return Pair(spent, {}, pair.outcomes)

        return compare(gate(), wall_only, lambda: lambda: False, PAIRS, [], False, frozenset({Cost.WALL}))

    equal = seen(Machine({}))
    assert (equal.outcome, equal.first.caught) == (Outcome.PASS, {})
    assert {cost for _, cost in equal.first.findings} == {Cost.WALL}
    slower = seen(Machine({(Lane.HEAD, "list"): 0.5}))
    assert slower.confirmed == (("list", Cost.WALL),)
    assert slower.outcome is Outcome.FAIL
    assert seen(Machine({}, noise=2.0)).outcome is Outcome.INCONCLUSIVE


def test_a_noisy_machine_is_no_pass() -> None:
    assert judged(Machine({}, noise=0.2)).outcome in (Outcome.UNFIT, Outcome.INCONCLUSIVE)


def test_what_was_not_decided_is_said_with_the_smallest_slowdown_that_would_have_shown() -> None:
    wide = gate(budget=0.05, detect=0.2)
    found = judged(Machine({}, noise=0.5), table=wide)
    assert found.outcome is Outcome.INCONCLUSIVE
    smallest = found.first.findings["search", Cost.CPU].detectable
    assert f"neither a slowdown nor its absence could be shown for cpu of search ({smallest:.1%} would have shown)" in found.why
    single = compare(wide, Machine({}), lambda: lambda: True, PAIRS, [], False)
    assert "cpu of list (too few pairs to show anything)" in single.why


def test_a_waived_slowdown_is_neither_a_failure_nor_a_pass() -> None:
    found = judged(Machine({(Lane.HEAD, "list"): 0.05}), waived=["list"])
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.waived == ("list",)


def test_answers_that_go_wrong_fail_however_fast_they_are() -> None:
    machine = Machine({(Lane.HEAD, "list"): -0.5})
    machine.answers = lambda lane, route, number: Counter({"500" if lane is Lane.HEAD and route == "list" else "200": 10})
    found = judged(machine)
    assert found.outcome is Outcome.FAIL
    assert "list goes wrong" in found.why


def test_answers_that_go_wrong_in_too_few_pairs_for_a_failure_are_no_pass_either() -> None:
    machine = Machine({})
    machine.answers = lambda lane, route, number: Counter({"500": 5, "200": 5} if lane is Lane.HEAD and number < 3 else {"200": 10})
    found = judged(machine)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "answers" in found.why


def test_a_wrong_answer_in_one_pair_of_many_is_not_called_a_regression() -> None:
    machine = Machine({})
    machine.answers = lambda lane, route, number: Counter({"500": 10} if lane is Lane.HEAD and number == 3 else {"200": 10})
    assert judged(machine).outcome is Outcome.PASS


def test_a_base_that_answers_wrongly_can_not_be_compared_with() -> None:
    machine = Machine({})
    machine.answers = lambda lane, route, number: Counter({"500": 10})
    with pytest.raises(InputError, match=r"base answered .* of list with 500"):
        judged(machine)


def test_when_time_is_over_what_is_there_is_judged_with_all_of_alpha() -> None:
    machine = Machine({(Lane.HEAD, "list"): 0.1})
    found = compare(gate(), machine, lambda: lambda: len(machine.numbers) % 11 == 0, PAIRS * 4, [], False)
    assert found.first.out_of_time
    assert found.first.pairs == 11
    assert found.outcome is Outcome.FAIL


def test_the_second_sequence_has_a_time_of_its_own() -> None:
    """Also where it measures the very routes of the first one."""
    table = Gate.model_validate({"route": [{"name": "list"}]})
    machine, begun = Machine({(Lane.HEAD, "list"): 0.1}), []

    def limit() -> Callable[[], bool]:
        begun.append(len(machine.numbers))
        return lambda: len(machine.numbers) - begun[-1] >= 11

    found = compare(table, machine, limit, PAIRS * 4, [], False)
    assert begun == [0, 11]
    assert found.second is not None
    assert found.second.pairs == 11
    assert found.outcome is Outcome.FAIL


def test_a_single_pair_says_nothing_and_never_passes() -> None:
    found = compare(gate(), Machine({}), lambda: lambda: True, PAIRS, [], True)
    assert found.first.pairs == 1
    assert found.outcome in (Outcome.UNFIT, Outcome.INCONCLUSIVE)


def test_a_calls_regression_is_found_beside_steady_cpu() -> None:
    machine = Machine({})

    def chatty(number: int, routes: Sequence[GateRoute]) -> Pair:
        pair = machine(number, routes)
        pair.spent[Lane.HEAD, "list"] = [
            Spent(spent.cpu_seconds, spent.calls + 2, spent.seconds) for spent in pair.spent[Lane.HEAD, "list"]
        ]
        return pair

    found = compare(gate(), chatty, lambda: lambda: False, PAIRS, [], False)
    assert found.outcome is Outcome.FAIL
    assert ("list", Cost.CALLS) in found.confirmed


@pytest.mark.parametrize(
    "stand_ins", [KNOWN, (), (*KNOWN, StandIn(Lane.HEAD_SLOWER, Lane.HEAD, 0.03)), (StandIn(Lane.SLOW, Lane.HEAD, 0.03),)]
)
def test_all_processes_of_a_pair_are_asked_equally_often_and_each_lane_counts_once(stand_ins: tuple[StandIn, ...]) -> None:
    """What a process has kept grows with what it was asked, and its costs with that."""
    process = {own.lane: own.of for own in stand_ins}
    turns = turns_of(stand_ins)
    assert len(set(Counter(process.get(lane, lane) for lane, _ in turns).values())) == 1
    assert Counter(lane for lane, counts in turns if counts) == Counter([*PROCESSES, *process])
