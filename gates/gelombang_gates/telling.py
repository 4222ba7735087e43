"""A verdict in words, as JSON and as JUnit: for a terminal, a job summary, a build server.

Promise: all say the same; a gate that abstained never looks like one that passed (a JUnit case that is skipped, a line in capitals), and
the smallest slowdown that could have been seen stands beside every route, whatever was found.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import orjson

from gelombang_gates.comparing import Hypothesis, Outcome, Ran
from gelombang_gates.gate_file import Mode
from gelombang_gates.health import Health
from gelombang_gates.junit import Case, JunitSuite
from gelombang_gates.paired import Verdict
from gelombang_gates.pairs import KNOWN_DELAY, WHOLE, Cost
from gelombang_gates.runs import RunsCompared
from gelombang_gates.sequence import Finding, Judged

HEADINGS = {
    Outcome.PASS: "PASS",
    Outcome.FAIL: "FAIL",
    Outcome.INCONCLUSIVE: "INCONCLUSIVE: THIS IS NO PASS",
    Outcome.UNFIT: "THE GATE ABSTAINS: THIS IS NO PASS",
    Outcome.SKIPPED: "SKIPPED: NOTHING WAS COMPARED",
}
_UNSHOWN = (
    "THIS CLASS OF MACHINE HAS NOT SHOWN BEFORE THAT IT SEES WHAT MUST NOT SLIP THROUGH: what this comparison says rests on what it has "
    "shown itself."
)
COMMIT_CHARACTERS = 12
DAY_CHARACTERS = 10


def told(verdict: Verdict) -> str:
    """For people: Markdown that reads well in a terminal and in a job summary, ending in a newline."""
    return "\n".join(_lines(verdict)) + "\n"


def as_json(verdict: Verdict) -> str:
    """For programs; ratios are minus 1, so that 0.03 is three per cent slower."""
    comparison = verdict.comparison
    document = {
        "outcome": comparison.outcome,
        "why": comparison.why,
        "mode": verdict.gate.mode,
        "shown_before": verdict.shown,
        "base": verdict.base,
        "head": verdict.head,
        "machine": verdict.machine,
        "seconds": verdict.seconds,
        "confirmed": [_named(key) for key in comparison.confirmed],
        "waived": list(comparison.waived),
        "sequences": [_ran(ran) for ran in (comparison.first, comparison.second) if ran is not None],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str).decode() + "\n"


def as_junit(verdict: Verdict) -> str:
    """A case for each route and one for the machine, ending in a newline."""
    comparison = verdict.comparison
    suite = JunitSuite("paired", verdict.seconds)
    unfit = comparison.outcome in (Outcome.UNFIT, Outcome.SKIPPED)
    suite.add("the machine is fit", Case.SKIPPED if unfit else Case.PASSED, comparison.why)
    broken = set(comparison.first.broken) & set(comparison.second.broken) if comparison.second else set()
    failed = {route for route, _ in comparison.confirmed} | broken
    for name in (*(route.name for route in verdict.gate.route), WHOLE):
        case, why = Case.PASSED, comparison.why
        if comparison.outcome is Outcome.FAIL and name in failed and name not in comparison.waived:
            case = Case.FAILED if verdict.is_failure else Case.SKIPPED
        elif not _passed(comparison.first, name):
            case, why = Case.SKIPPED, f"not decided: {comparison.why}"
        elif comparison.outcome not in (Outcome.PASS, Outcome.FAIL):
            case = Case.SKIPPED
        suite.add(f"{name} is no slower or larger", case, why)
    return suite.text()


def health_told(healths: Sequence[Health]) -> str:
    """The rates of each class of machine, as Markdown, ending in a newline."""
    if not healths:
        return "no comparison was made on this account yet\n"
    lines: list[str] = []
    for own in healths:
        smallest = "none yet" if own.detectable is None else f"{own.detectable:.1%}"
        days = f"{own.first_at[:DAY_CHARACTERS]} to {own.last_at[:DAY_CHARACTERS]}"
        lines += [
            f"## {own.machine}",
            "",
            f"{own.comparisons} comparisons, {days}, of which {own.abstained} abstained or were inconclusive.",
            "",
            "| what the gate was asked that is known | answer | 95 % bound |",
            "|---|---|---|",
            f"| is base slower or faster than itself? (no) | said so {own.strays} of {own.comparisons} times | "
            f"at most {own.strays_bound:.1%} |",
            f"| is the same commit slower than itself? (no) | failed {own.false_alarms} of {own.same_commits} times | "
            f"at most {own.false_alarms_bound:.1%} |",
            f"| is {KNOWN_DELAY:.0%} more found on every route? (yes) | found {own.caught} of {own.with_delay} times | "
            f"at least {own.caught_bound:.1%} |",
            "",
            f"Smallest slowdown that every route would have shown, last time: {smallest}. {_enforcing_words(own.resolution)}",
            "",
        ]
    return "\n".join(lines)


def _enforcing_words(resolution: float | None) -> str:
    if resolution is None:
        return 'How much beyond a budget no comparison can say, so `mode = "enforce"` is refused.'
    return f'The best comparison would have seen {resolution:.1%} beyond a budget; `mode = "enforce"` is refused where less must be seen.'


def health_as_json(healths: Sequence[Health]) -> str:
    """The same for programs."""
    return orjson.dumps([asdict(own) for own in healths], option=orjson.OPT_INDENT_2).decode() + "\n"


def runs_told(compared: RunsCompared, first: str, second: str, whole: bool) -> str:
    """What two runs came to; what passed only where the whole is asked for. Ends in a newline."""
    heading = {Judged.PASS: Outcome.PASS, Judged.FAIL: Outcome.FAIL, Judged.INCONCLUSIVE: Outcome.INCONCLUSIVE}[compared.judged]
    counts = {judged: sum(row.judged is judged for row in compared.rows) for judged in Judged}
    lines = [
        f"## {HEADINGS[heading]}",
        "",
        f"{second} against {first}: {counts[Judged.FAIL]} worse, {counts[Judged.INCONCLUSIVE]} undecided, {counts[Judged.PASS]} no worse "
        f"({len(compared.rows)} comparisons, each may be wrong by {compared.alpha:.2g})",
    ]
    shown = [row for judged in (Judged.FAIL, Judged.INCONCLUSIVE, Judged.PASS) for row in compared.rows if row.judged is judged]
    shown = shown if whole else [row for row in shown if row.judged is not Judged.PASS]
    if shown:
        lines += ["", "| step | what | change | |", "|---|---|---|---|"]
        lines += [f"| {row.step} | {row.what} | {row.words} | {row.judged} |" for row in shown]
    return "\n".join(lines) + "\n"


def runs_as_json(compared: RunsCompared) -> str:
    """The same for programs."""
    rows = [asdict(row) for row in compared.rows]
    return orjson.dumps({"outcome": compared.judged, "alpha": compared.alpha, "rows": rows}, option=orjson.OPT_INDENT_2).decode() + "\n"


def runs_as_junit(compared: RunsCompared) -> str:
    """A case for each comparison, ending in a newline."""
    suite = JunitSuite("run")
    cases = {Judged.PASS: Case.PASSED, Judged.INCONCLUSIVE: Case.SKIPPED, Judged.FAIL: Case.FAILED}
    for row in compared.rows:
        suite.add(f"{row.what} of {row.step} is no worse" if row.step else f"{row.what} is no worse", cases[row.judged], row.words)
    return suite.text()


def _lines(verdict: Verdict) -> Iterator[str]:
    comparison, gate = verdict.comparison, verdict.gate
    yield f"## {HEADINGS[comparison.outcome]}"
    yield ""
    yield f"{comparison.why}."
    if comparison.outcome is Outcome.FAIL and not verdict.is_failure:
        yield "The mode is `observe`: this is said, and enforces nothing."
    if gate.mode is Mode.AS_SHOWN and not verdict.shown and comparison.outcome is not Outcome.SKIPPED:
        yield _UNSHOWN
    if gate.owners:
        yield f"Owners: {', '.join(gate.owners)}."
    yield ""
    yield f"base {verdict.base[:COMMIT_CHARACTERS]}, head {verdict.head[:COMMIT_CHARACTERS]}; {verdict.machine}; {verdict.seconds:.0f} s"
    for waiver in verdict.waivers:
        yield f"accepted until {waiver.until}: {waiver.route} ({waiver.reason})"
    for title, ran in (("First sequence", comparison.first), ("Second sequence, of what the first one found", comparison.second)):
        if ran is not None and ran.pairs:
            yield from _table(title, ran)


def _table(title: str, ran: Ran) -> Iterator[str]:
    yield ""
    yield f"### {title}: {ran.pairs} pairs of fresh processes{', cut by the time limit' if ran.out_of_time else ''}"
    yield ""
    yield "| route | cost | head against base | interval | smallest that would show | p (Holm) | |"
    yield "|---|---|---|---|---|---|---|"
    for cost in Cost:
        for (route, own), finding in ran.findings.items():
            if own is cost:
                yield _row(route, cost, finding)
    yield ""
    for route, answers in ran.answers.items():
        if answers.failed or answers.doubtful:
            yield f"{route} answers head {_mix(answers.head)}, base {_mix(answers.base)}; want {answers.wanted}"
    caught = [route for route, was in ran.caught.items() if was]
    missed = [route for route, was in ran.caught.items() if not was]
    strays = ", ".join(f"{cost} of {route}" for route, cost in ran.strays) or "nothing"
    delay = f"A known delay of {KNOWN_DELAY:.0%}: caught on {', '.join(caught) or 'no route'}"
    if not ran.caught:
        why = "no CPU budget below it was judged"
        if Cost.CPU not in ran.decisive:
            why = "the service's CPU time can't be seen from here, so wall time alone was judged"
        delay = f"A known delay of {KNOWN_DELAY:.0%} was not looked for: {why}"
    yield f"Base against itself: {strays} differed. {delay}" + (f", missed on {', '.join(missed)}." if missed else ".")


def _row(route: str, cost: Cost, finding: Finding) -> str:
    shift = finding.shift
    low = "?" if shift.low <= -1 else f"{shift.low:+.2%}"
    high = "?" if shift.high == float("inf") else f"{shift.high:+.2%}"
    smallest = "?" if finding.detectable == float("inf") else f"{finding.detectable:.1%}"
    return f"| {route} | {cost} | {shift.estimate:+.2%} | {low} to {high} | {smallest} | {finding.p:.2g} | {finding.judged} |"


def _mix(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{status} × {count}" for status, count in sorted(outcomes.items()))


def _passed(ran: Ran, name: str) -> bool:
    """Whether everything that is needed of this route, or of the process, was shown."""
    judged = [finding.judged for (route, cost), finding in ran.findings.items() if route == name and cost in ran.decisive]
    return bool(judged) and set(judged) == {Judged.PASS} and ran.caught.get(name, True)


def _ran(ran: Ran) -> dict[str, object]:
    return {
        "pairs": ran.pairs,
        "out_of_time": ran.out_of_time,
        "findings": [{**_named(key), **asdict(finding)} for key, finding in ran.findings.items()],
        "answers": {route: asdict(answers) for route, answers in ran.answers.items()},
        "strays": [_named(key) for key in ran.strays],
        "caught": ran.caught,
    }


def _named(key: Hypothesis) -> dict[str, object]:
    return {"route": key[0], "cost": key[1]}
