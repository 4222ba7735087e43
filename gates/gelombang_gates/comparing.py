"""From pairs to a verdict: one sequence of looks, and a second one before anything is called a regression.

Promise: "slower" is said only of what two independent sequences of fresh pairs both found beyond the budget; "pass" only where a slowdown
of `detect` is excluded *and* a known one of 3 % was caught on the same route in the same minutes; in every other case the comparison says
that it does not know. A sequence ends early where everything passes; but while an estimate lies beyond its budget it goes on to the next
look, because what lies between budget and `detect` is found by more pairs, and each look has its own part of alpha whenever the last one
is. Order: what is answered is judged first, then CPU, memory, calls, and wall time last, which can fail and is not
needed for a pass: on a shared machine it says more of the neighbours. Where CPU time can't be seen (a container of another machine), wall
time is all there is: it must pass then, by its own, wide limits, and the known delay is not looked for. The A/A lane asks the same
questions of base against itself, in both directions; a machine on which it finds something is unfit, and nothing that it said counts. Left
out: processes; pairs come from a function.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf

from gelombang_gates.answers import NEVER_RIGHT_PAIRS, Answers, answers_of, never_right
from gelombang_gates.gate_file import Gate, GateRoute
from gelombang_gates.pairs import ALL_COSTS, KNOWN_DELAY, WHOLE, Cost, Lane, Pair, Series, log_ratios
from gelombang_gates.sequence import Finding, Judged, Limits, Spending, holm, look, look_pairs
from gelombang_gates.signed_rank import p_above

ALPHA = 0.05
"""Of one sequence; a false alarm needs two in a row."""
A_A_ALPHA = 0.01
"""For the A/A lane to call a fit machine unfit."""
ANSWERS_SHARE = 0.1
"""Part of alpha for what is answered; the rest is for what it costs."""
_WALL_DETECT = 1.0

Hypothesis = tuple[str, Cost]
"""A route (or the whole process) and what it may cost."""
Measure = Callable[[int, Sequence[GateRoute]], Pair]
"""The pair of that number, with these routes."""
TimeLimit = Callable[[], Callable[[], bool]]
"""Called when a sequence begins; what it returns is asked after each pair whether time is over."""


class Outcome(StrEnum):
    """How a comparison ends."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    UNFIT = "unfit"
    """The machine; the gate abstains."""
    SKIPPED = "skipped"
    """Nothing that the gate watches has changed."""


@dataclass(slots=True)
class Ran:
    """What one sequence showed."""

    pairs: int = 0
    findings: dict[Hypothesis, Finding] = field(default_factory=dict)
    answers: dict[str, Answers] = field(default_factory=dict)
    strays: list[Hypothesis] = field(default_factory=list)
    """Where the A/A lane found a difference of a thing from itself."""
    caught: dict[str, bool] = field(default_factory=dict)
    """By route: whether the known delay was found in its CPU time. A route whose budget is not below that delay is not among them."""
    out_of_time: bool = False
    decisive: frozenset[Cost] = ALL_COSTS - {Cost.WALL}
    """What has to pass for a pass; wall time only where CPU time can't be seen, and then no known delay is looked for."""

    @property
    def suspects(self) -> list[Hypothesis]:
        return [key for key, finding in self.findings.items() if finding.judged is Judged.FAIL]

    @property
    def broken(self) -> list[str]:
        return [route for route, answers in self.answers.items() if answers.failed]

    @property
    def settled(self) -> bool:
        """Whether nothing that is needed is open any more."""
        passed = all(finding.judged is Judged.PASS for (_, cost), finding in self.findings.items() if cost in self.decisive)
        return passed and all(self.caught.values()) and not any(answers.doubtful for answers in self.answers.values())


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sequences and what follows from them."""

    outcome: Outcome
    why: str
    first: Ran
    second: Ran | None
    confirmed: tuple[Hypothesis, ...] = ()
    waived: tuple[str, ...] = ()


def compare(
    gate: Gate,
    measure: Measure,
    limit: TimeLimit,
    pairs: int,
    waived: Sequence[str],
    shown_before: bool,
    seen: frozenset[Cost] = ALL_COSTS,
) -> Comparison:
    """Run the first sequence and, when it finds something, the second. `shown_before`: this class of machine has shown before that it sees
    what the gate looks for (`enforcing`). `seen`: the costs that pairs have."""
    limits = hypotheses(gate, gate.route, seen)
    decisive = seen - {Cost.WALL} if Cost.CPU in seen else seen
    first = _sequence(gate.route, limits, measure, limit(), pairs, Ran(decisive=decisive))
    if first.strays:
        return Comparison(Outcome.UNFIT, _stray_words(first.strays), first, None)
    suspected = {route for route, _ in first.suspects} | set(first.broken)
    routes = [route for route in gate.route if route.name in suspected or WHOLE in suspected]
    if not routes:
        return Comparison(*_without_suspects(first), first, None)
    kept = {key: limits[key] for key in first.suspects}
    second = _sequence(routes, kept, measure, limit(), pairs, Ran(decisive=decisive), start=first.pairs)
    if second.strays:
        return Comparison(Outcome.UNFIT, _stray_words(second.strays), first, second)
    broken = [route for route in second.broken if route in first.broken]
    confirmed = tuple(key for key in second.suspects if key in kept)
    return _judged(first, second, broken, confirmed, waived, shown_before)


def hypotheses(gate: Gate, routes: Sequence[GateRoute], seen: frozenset[Cost] = ALL_COSTS) -> dict[Hypothesis, Limits]:
    """What is asked of a comparison in which these costs can be seen, with what is allowed."""
    found: dict[Hypothesis, Limits] = {}
    for route in routes:
        found[route.name, Cost.CPU] = Limits(route.budget or gate.budget, route.detect or gate.detect)
        found[route.name, Cost.CALLS] = Limits(gate.calls_budget, gate.calls_detect)
        found[route.name, Cost.WALL] = Limits(gate.wall_budget, max(_WALL_DETECT, 2 * gate.wall_budget))
    found[WHOLE, Cost.MEMORY] = Limits(gate.memory_budget, gate.memory_detect)
    return {key: own for key, own in found.items() if key[1] in seen}


def _sequence(
    routes: Sequence[GateRoute],
    limits: Mapping[Hypothesis, Limits],
    measure: Measure,
    is_over: Callable[[], bool],
    pairs: int,
    ran: Ran,
    start: int = 0,
) -> Ran:
    """Fills `ran`, which is empty but for what is decisive."""
    looks = look_pairs(pairs)
    spending = Spending(ALPHA, looks)
    seen: list[Pair] = []
    while True:
        seen.append(measure(start + len(seen), routes))
        ran.out_of_time = len(seen) < looks[-1] and is_over()
        last = ran.out_of_time or len(seen) == looks[-1]
        certain = len(seen) == NEVER_RIGHT_PAIRS and bool(never_right(seen, routes))
        if not last and len(seen) not in looks and not certain:
            continue
        _look(ran, seen, routes, limits, spending.part(len(seen), last))
        if last or ran.strays or ran.suspects or ran.broken or (ran.settled and not _leans(ran, limits)):
            return ran


def _leans(ran: Ran, limits: Mapping[Hypothesis, Limits]) -> bool:
    """Whether something that is needed for a pass lies beyond its budget by the estimate, proven or not."""
    return any(finding.shift.estimate > limits[key].budget for key, finding in ran.findings.items() if key[1] in ran.decisive)


def _look(ran: Ran, seen: Sequence[Pair], routes: Sequence[GateRoute], limits: Mapping[Hypothesis, Limits], alpha: float) -> None:
    ran.pairs = len(seen)
    ran.answers = answers_of(seen, routes, ANSWERS_SHARE * alpha)
    series = log_ratios(seen, [route.name for route in routes])
    if limits:
        own = {key: series[Lane.HEAD, key[0], key[1]] for key in limits}
        for key, finding in look(own, limits, (1 - ANSWERS_SHARE) * alpha).items():
            before = ran.findings.get(key)
            keeps = before is not None and before.judged is Judged.PASS and finding.judged is Judged.INCONCLUSIVE
            ran.findings[key] = replace(finding, judged=Judged.PASS) if keeps else finding
    ran.strays = _strays(series, limits, alpha * A_A_ALPHA / ALPHA)
    for route, found in _caught(series, limits, alpha).items():
        ran.caught[route] = found or ran.caught.get(route, False)


def _strays(series: Series, limits: Mapping[Hypothesis, Limits], alpha: float) -> list[Hypothesis]:
    raw: dict[tuple[Hypothesis, int], float] = {}
    for (route, cost), own in limits.items():
        values = series[Lane.SAME, route, cost]
        for sign in (1, -1):
            raw[(route, cost), sign] = p_above([sign * value for value in values], own.budget)
    found = [key for (key, _), p in zip(raw, holm(list(raw.values())), strict=True) if p <= alpha]
    return list(dict.fromkeys(found))


def _caught(series: Series, limits: Mapping[Hypothesis, Limits], alpha: float) -> dict[str, bool]:
    """Each route's own budget is what its known delay must be beyond; behind a larger one it can't be looked for."""
    budgets = {route: own.budget for (route, cost), own in limits.items() if cost is Cost.CPU and own.budget < KNOWN_DELAY}
    raw = [p_above(series[Lane.SLOW, route, Cost.CPU], budget) for route, budget in budgets.items()]
    return {route: p <= alpha for route, p in zip(budgets, holm(raw), strict=True)}


def _without_suspects(ran: Ran) -> tuple[Outcome, str]:
    if ran.settled:
        return Outcome.PASS, "no slowdown beyond the budget was found, and one that must not slip through is excluded"
    missed = [route for route, caught in ran.caught.items() if not caught]
    if missed:
        return Outcome.UNFIT, f"the known delay of {KNOWN_DELAY:.0%} was missed on {', '.join(missed)}: this machine is too noisy now"
    open_ones = [f"the answers of {route}" for route, answers in ran.answers.items() if answers.doubtful]
    for (route, cost), finding in ran.findings.items():
        if finding.judged is not Judged.PASS and cost in ran.decisive:
            open_ones.append(f"{cost} of {route} ({_visible(finding)})")
    return Outcome.INCONCLUSIVE, f"neither a slowdown nor its absence could be shown for {', '.join(open_ones)}"


def _visible(finding: Finding) -> str:
    return "too few pairs to show anything" if finding.detectable == inf else f"{finding.detectable:.1%} would have shown"


def _judged(
    first: Ran, second: Ran, broken: Sequence[str], confirmed: tuple[Hypothesis, ...], waived: Sequence[str], shown_before: bool
) -> Comparison:
    found = list(dict.fromkeys([*broken, *(route for route, _ in confirmed)]))
    excused = tuple(route for route in found if route in waived)
    failed = [route for route in found if route not in waived]
    words = [f"{route} goes wrong more often" for route in broken if route in failed]
    words += [f"{cost} of {route} is {second.findings[route, cost].shift.estimate:+.1%}" for route, cost in confirmed if route in failed]
    if failed:
        # A broken answer needs no steady machine; a cost does.
        seen = {**second.caught, **{route: True for route, was in first.caught.items() if was}}
        shown = (
            shown_before
            or bool(set(broken) & set(failed))
            or any(seen.get(route, route != WHOLE or all(seen.values())) for route in failed)
        )
        if not shown:
            why = f"{'; '.join(words)}, confirmed; but the known delay was missed, and this class of machine never caught it"
            return Comparison(Outcome.UNFIT, why, first, second, confirmed, excused)
        return Comparison(Outcome.FAIL, "; ".join(words) + ", confirmed by a second sequence of pairs", first, second, confirmed, excused)
    if excused:
        return Comparison(
            Outcome.INCONCLUSIVE, f"only {', '.join(excused)} got slower, which is accepted for now", first, second, confirmed, excused
        )
    names = ", ".join(dict.fromkeys([*first.broken, *(f"{cost} of {route}" for route, cost in first.suspects)]))
    return Comparison(Outcome.INCONCLUSIVE, f"{names} looked worse, which a second sequence of pairs did not confirm", first, second)


def _stray_words(strays: Sequence[Hypothesis]) -> str:
    names = ", ".join(f"{cost} of {route}" for route, cost in strays)
    return f"base differed from itself in {names}: this machine is unfit now"
