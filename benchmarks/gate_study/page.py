"""The study as a page: one table for the gate and the naive rules, with bounds; figures come from the data alone."""

from collections import Counter
from collections.abc import Iterator
from statistics import median

from gate_study.blocks import LARGE, SMALL
from gate_study.judge import BLOCKS_LONGEST, PAIRS, Found, Row
from gate_study.naive import Naive

from gelombang_gates.comparing import Outcome
from gelombang_gates.health import upper_bound
from gelombang_gates.telling import COMMIT_CHARACTERS

_ABSTAINED = (Outcome.UNFIT, Outcome.INCONCLUSIVE)
_WANTED = ("at most 1 % by the bound", "", "at least 90 %", "at least 50 %")
COMPARISONS_WANTED = 300
"""0 failures of so many are at most 0.99 % by the bound."""
_HEADS = ("the gate, confirmed verdict", "wanted", "in a row", "bound", "neither", "drawn", "neither", "seconds (median, largest)")
_TITLE = "# How often the gate is wrong"
_EMPTY = """\
Nothing was measured yet with the gate as it is: [`gate-study/blocks.jsonl`](gate-study/blocks.jsonl) is empty. `make study-gates` measures
for an hour (`ARGS="--minutes 40"`: for 40 minutes) and writes this page; what it measures is kept, and the next one goes on from there."""
_BLOCK = """\
A block is a pair of fresh processes of one commit, as `gelombang gate paired` measures it: base, base once more, and head, which is asked
twice: as it is, and with 3 % more requests sent than are counted. A head that is 1.5 % slower has the slower half of the rounds from the
second. All rows below judge the same blocks."""
_KINDS = """\
*In a row*: each comparison took the blocks that follow the last one's; no block is used twice, so the comparisons are independent and the
bounds (one-sided, 95 %, Clopper and Pearson) hold for machines like this one. *Drawn*: blocks drawn at random, none twice in one
comparison, half of the comparisons with a neighbour in every block; comparisons share blocks, so they say more of the rate than the few in
a row do and are not as many independent trials: no bound is made of them. Nothing is drawn from fewer than {longest} blocks of either kind,
what the longest comparison takes. *Caught* is a failure, confirmed by the second sequence, that names the slower route and no other.
*Neither*: abstained (unfit) or inconclusive, which is not caught."""
_NAIVE = """\
They judge wall time, as such tools do. *Base stored*: the block before, as a saved run or the last value of a branch; *same job*: the same
block. *Caught* counts whether the slower route was called slower, whatever else was; a rule that alarms at random catches as often."""


def table_of(found: Found) -> str:
    """The two tables, as Markdown."""
    return "\n".join([*_gate_table(found), "", *_naive_table(found)])


def empty_page() -> str:
    """What stands there before anything was measured."""
    return f"{_TITLE}\n\n{_EMPTY}\n"


def page_of(found: Found) -> str:
    """The whole page, ending in a newline."""
    least, middle, most = found.loads
    return "\n".join(
        [
            _TITLE,
            "",
            f"Made by `make study-gates` of {found.blocks} blocks in [`gate-study/blocks.jsonl`](gate-study/blocks.jsonl), "
            f"{found.neighbours} of them with a noisy neighbour that the study itself starts (bursts on one core). Measured "
            f"{found.days[0]} to {found.days[1]} on {'; '.join(found.machines)}, {_commits(found)}; load average as blocks began "
            f"{least:g} to {most:g}, median {middle:g}.",
            "",
            _BLOCK,
            "",
            *_gate_table(found),
            "",
            _KINDS.format(longest=BLOCKS_LONGEST),
            f"What is wanted of the first row takes {COMPARISONS_WANTED} comparisons in a row without a failure; here are "
            f"{found.rows[0].in_a_row.total()}.",
            f"The gate is the one of `gelombang.toml`, {PAIRS} pairs, its time limit counted by what each block took.",
            "",
            "## What naive gates say of the same blocks",
            "",
            *_naive_table(found),
            "",
            _NAIVE,
            "",
        ]
    )


def _commits(found: Found) -> str:
    names = [commit[:COMMIT_CHARACTERS] for commit in found.commits]
    return f"commit {names[0]}" if len(names) == 1 else f"{len(names)} commits from {names[0]} to {names[-1]}"


def _gate_table(found: Found) -> Iterator[str]:
    yield f"| {' | '.join(_HEADS)} |"
    yield "|---" * len(_HEADS) + "|"
    for row, wanted in zip(found.rows, _WANTED, strict=True):
        yield _gate_row(row, wanted, is_alarm=row is found.rows[0])


def _gate_row(row: Row, wanted: str, is_alarm: bool) -> str:
    n, drawn = row.in_a_row.total(), row.drawn.total()
    hits, drawn_hits = (row.in_a_row[Outcome.FAIL], row.drawn[Outcome.FAIL]) if is_alarm else (row.named, row.drawn_named)
    word = "failed" if is_alarm else "caught"
    if not n:
        bound = "none: too few blocks"
    elif is_alarm:
        bound = f"at most {upper_bound(hits, n):.1%}"
    else:
        bound = f"at least {1 - upper_bound(n - hits, n):.1%}"
    seconds = f"{median(row.drawn_seconds):.0f}, {max(row.drawn_seconds):.0f}" if row.drawn_seconds else "none"
    counted = [f"{hits} of {n} {word}", bound, _neither(row.in_a_row), f"{drawn_hits} of {drawn} {word}", _neither(row.drawn)]
    return f"| {' | '.join([row.name, wanted, *counted, seconds])} |"


def _neither(outcomes: Counter[Outcome]) -> str:
    return ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in _ABSTAINED)


def _naive_table(found: Found) -> Iterator[str]:
    yield "| rule | false alarms, all routes | bound (95 %) | 1.5 % caught | 3 % caught |"
    yield "|---|---|---|---|---|"
    for row in found.naive:
        yield _naive_row(row)


def _naive_row(row: Naive) -> str:
    slow, slower = (row.caught.get(lane, 0) / row.tried if row.tried else 0.0 for lane in (SMALL, LARGE))
    if not row.comparisons:
        return f"| {row.name} | 0 of 0 | none: too few blocks | | |"
    alarms = f"{row.alarms} of {row.comparisons} ({row.alarms / row.comparisons:.0%})"
    bound = f"at most {upper_bound(row.alarms, row.comparisons):.1%}"
    return f"| {row.name} | {alarms} | {bound} | {slow:.0%} | {slower:.0%} |"
