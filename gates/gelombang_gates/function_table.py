"""What the instruction lane says, in words, as JSON and as JUnit: a line a route, and for what failed the functions that grew."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import orjson

from gelombang_gates.comparing import Outcome
from gelombang_gates.instructions import Changed, Instructed, judged
from gelombang_gates.junit import Case, JunitSuite
from gelombang_gates.telling import COMMIT_CHARACTERS, HEADINGS

_SMALLEST_SHOWN = 0.5
"""Of an instruction or bytecode per request."""


def instructed_told(verdict: Instructed) -> str:
    """For people: Markdown that reads well in a terminal and in a job summary, ending in a newline."""
    return "\n".join(_lines(verdict)) + "\n"


def instructed_as_json(verdict: Instructed) -> str:
    """For programs; ratios are minus 1."""
    document = {
        "outcome": verdict.outcome,
        "why": verdict.why,
        "mode": verdict.gate.mode,
        "base": verdict.base,
        "head": verdict.head,
        "seconds": verdict.seconds,
        "routes": [{**asdict(row), "change": row.change} for row in verdict.routes],
        "bytecodes": {route: [asdict(own) for own in rows] for route, rows in verdict.bytecodes.items()},
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def instructed_as_junit(verdict: Instructed) -> str:
    """A case for each route, judged by itself; one that is skipped where nothing was counted. Ends in a newline."""
    suite = JunitSuite("instructions", verdict.seconds)
    lane, waivers = verdict.gate.instructions, {waiver.route: waiver for waiver in verdict.waivers}
    if lane is None or not verdict.routes:
        suite.add("instructions are counted", Case.SKIPPED, verdict.why)
        return suite.text()
    for row in verdict.routes:
        outcome, why, _ = judged([row], lane.limit, waivers)
        failed = Case.FAILED if verdict.is_failure else Case.SKIPPED
        case = {Outcome.PASS: Case.PASSED, Outcome.FAIL: failed}.get(outcome, Case.SKIPPED)
        suite.add(f"{row.route} needs no more instructions", case, why)
    return suite.text()


def _lines(verdict: Instructed) -> Iterator[str]:
    yield f"## {HEADINGS[verdict.outcome]}"
    yield ""
    yield f"{verdict.why}."
    if verdict.outcome is Outcome.FAIL and not verdict.is_failure:
        yield "The mode is `observe`: this is said, and enforces nothing."
    yield ""
    base, head = verdict.base[:COMMIT_CHARACTERS], verdict.head[:COMMIT_CHARACTERS]
    yield f"instructions per request, base {base}, head {head}; {verdict.seconds:.0f} s"
    for waiver in verdict.waivers:
        yield f"accepted until {waiver.until}: {waiver.route} ({waiver.reason})"
    if verdict.routes:
        yield ""
        yield "| route | base | head | change | two counts of the same |"
        yield "|---|---|---|---|---|"
        for row in verdict.routes:
            yield f"| {row.route} | {row.base:,.0f} | {row.head:,.0f} | {row.change:+.3%} | {row.noise:.3%} |"
    for row in verdict.routes:
        if row.route in verdict.bytecodes:
            yield from _table(f"{row.route}: instructions per request, by function", row.functions)
            yield from _table(f"{row.route}: bytecodes per request, by function", verdict.bytecodes[row.route])


def _table(title: str, rows: Sequence[Changed]) -> Iterator[str]:
    yield ""
    yield f"### {title}"
    yield ""
    yield "| function | base | head | more |"
    yield "|---|---|---|---|"
    for row in rows:
        more = row.head - row.base
        if abs(more) >= _SMALLEST_SHOWN:
            yield f"| {row.function} | {row.base:,.0f} | {row.head:,.0f} | {more:+,.0f} |"
