"""A gate enforces on a class of machine that has shown what it sees there, and is refused on any other."""

from math import inf
from pathlib import Path

import pytest

from gelombang.errors import InputError
from gelombang_gates.comparing import Comparison, Outcome, Ran
from gelombang_gates.enforcing import has_shown, refuse_unshown
from gelombang_gates.gate_file import Gate
from gelombang_gates.health import Line, healths, line_of
from gelombang_gates.pairs import WHOLE, Cost
from gelombang_gates.sequence import Finding, Judged
from gelombang_gates.signed_rank import Shift
from gelombang_gates.telling import health_told

MACHINE = "2 x made up"
FILE = Path("cache/health.jsonl")
COMMAND = "gelombang gate paired --base HEAD --head HEAD"


def gate(**changes: object) -> Gate:
    return Gate.model_validate({"mode": "enforce", "route": [{"name": "items"}, {"name": "order", "budget": 0.02}]} | changes)


def line(items: float = 0.02, order: float = 0.028, **changes: object) -> Line:
    """What a comparison leaves in which these slowdowns were the smallest that would have shown."""

    def finding(detectable: float) -> Finding:
        return Finding(Judged.PASS, Shift(0.0, -0.01, 0.01), 24, 0.9, detectable)

    findings = {("items", Cost.CPU): finding(items), ("order", Cost.CPU): finding(order), (WHOLE, Cost.MEMORY): finding(0.4)}
    comparison = Comparison(Outcome.PASS, "for a reason", Ran(24, findings, caught={"items": True, "order": True}), None)
    return line_of(comparison, gate(), MACHINE, "2026-11-26T01:00:00+00:00", "a", "a").model_copy(update=changes)


def refusal(lines: list[Line], **changes: object) -> str:
    with pytest.raises(InputError) as caught:
        refuse_unshown(gate(**changes), lines, MACHINE, FILE, COMMAND)
    return str(caught.value)


def test_what_a_line_keeps_is_the_noisiest_route_beyond_its_own_budget() -> None:
    """0.028 with a budget of 0.02 is less beyond it than 0.02 with one of 0.005."""
    assert line().resolution == pytest.approx(1.02 / 1.005 - 1)
    assert line().detectable == 0.028
    assert line(items=inf).resolution is None


def test_a_machine_that_has_shown_it_may_enforce() -> None:
    sharp = line(items=0.012, order=0.0271)
    assert has_shown(gate(), [line(strays=1), sharp], MACHINE)
    refuse_unshown(gate(), [sharp], MACHINE, FILE, COMMAND)


@pytest.mark.parametrize("mode", ["observe", "as-shown"])
def test_only_who_wants_to_enforce_is_refused(mode: str) -> None:
    refuse_unshown(gate(mode=mode), [], MACHINE, FILE, COMMAND)


def test_the_sentence_says_where_what_was_found_and_what_would_show_it() -> None:
    assert refusal([]) == (
        "gate.mode is 'enforce', and this class of machine (2 x made up) has not shown that it sees a slowdown of 1.0% beyond "
        "the budget: comparisons on it in cache/health.jsonl: none; want `gelombang gate paired --base HEAD --head HEAD` (with the other "
        "options as they are) to show it first, or mode = 'as-shown', which enforces what a comparison can show by itself"
    )


@pytest.mark.parametrize(
    ("own", "found"),
    [
        (line(), "comparisons on it in cache/health.jsonl: 1, of which the best would have seen 1.5%"),
        (line(strays=1), "comparisons on it in cache/health.jsonl: 1, and in none of them was everything seen that is known"),
        (line(caught=1), "1, and in none of them"),
        (line(caught=0, delays=0), "1, and in none of them"),
        (line(resolution=None), "1, and in none of them"),
        (line(machine="8 x nobody's"), "comparisons on it in cache/health.jsonl: none"),
    ],
)
def test_a_comparison_that_was_noisy_or_missed_what_was_there_has_shown_nothing(own: Line, found: str) -> None:
    assert found in refusal([own])


def test_where_every_budget_allows_the_known_delay_nobody_looks_for_it() -> None:
    wide = [{"name": "items", "budget": 0.05, "detect": 0.9}]
    assert has_shown(gate(route=wide), [line(items=0.3, caught=0, delays=0)], MACHINE)


def test_a_line_of_an_earlier_gate_is_read_and_shows_nothing() -> None:
    known = line().model_dump_json(exclude={"resolution"})
    assert not has_shown(gate(), [Line.model_validate_json(known)], MACHINE)


def test_health_says_what_may_be_enforced() -> None:
    [found] = healths([line(), line(items=0.011, order=0.0271), line(items=0.01, order=0.021, strays=1)])
    assert found.resolution == pytest.approx(1.0271 / 1.02 - 1)
    assert "The best comparison would have seen 0.7% beyond a budget" in health_told([found])
    assert '`mode = "enforce"` is refused.' in health_told(healths([line(resolution=None)]))
