"""The study as a page: what is proven and what is not, the gate and the naive rules in a table each; figures come from the data alone."""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from gate_study.blocks import LARGE, SMALL
from gate_study.judge import BLOCKS_LONGEST, PAIRS, Found, Row
from gate_study.naive import Naive
from gate_study.standing import COMPARISONS_LIMIT, Standing, Stood, hours_more, stood

from gelombang_gates.comparing import Outcome
from gelombang_gates.health import upper_bound
from gelombang_gates.telling import COMMIT_CHARACTERS

_ABSTAINED = (Outcome.UNFIT, Outcome.INCONCLUSIVE)
_WANTED = ("at most 1 % by the bound", "at least 90 %", "at least 90 %", "at least 50 %")
SECONDS_WANTED = 300
"""A comparison takes at most so long."""
_HEADS = ("the gate, confirmed verdict", "wanted", "in a row", "bound", "neither", "drawn", "neither", "would have shown", "seconds")
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
bounds (one-sided, 95 %, Clopper and Pearson) hold for machines like this one. The last of either kind of blocks may be cut off by their end
and has no outcome. *Drawn*: blocks drawn at random, none twice in one comparison, half of the comparisons with a neighbour in every block;
comparisons share blocks, so they say more of the rate than the few in a row do and are not as many independent trials: no bound is made of
them. *Caught* is a failure, confirmed by the second sequence, that names the slower route and no other. *Neither*: abstained (unfit) or
inconclusive, which is not caught. *Would have shown*: the smallest slowdown of CPU time that a comparison in a row would have found beyond
the budget on its noisiest route, the median of all. *Seconds* of a comparison, without building: median and largest."""
_NAIVE = """\
They judge wall time, as such tools do. *Base stored*: the block of the same kind before (quiet after quiet, neighbour after neighbour), as
a saved run or the last value of a branch; *same job*: the same block. *Caught* counts whether the slower route was called slower, whatever
else was; a rule that alarms at random catches as often."""


def table_of(found: Found) -> str:
    """What is proven, why nothing is drawn, and the tables, as Markdown."""
    return "\n".join([*_standing(found), "", *_gate_table(found), "", *_naive_table(found)])


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
            f"{least:g} to {most:g}, median {middle:g}; {found.block_seconds:.1f} s a block.",
            "",
            *_standing(found),
            "",
            "## The gate",
            "",
            _BLOCK,
            "",
            *_gate_table(found),
            "",
            _KINDS,
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


def _standing(found: Found) -> Iterator[str]:
    """Plain words, then a row for each wanted number."""
    rows = stood(found)
    for standing in Standing:
        words = [row.wanted.words for row in rows if row.standing is standing]
        if words:
            yield f"- **{standing.value.capitalize()}**: {'; '.join(words)}."
    yield from _hours_words(found, rows)
    if found.missing:
        yield _short_words(found)
    seconds = [own for row in found.rows for own in row.seconds]
    if seconds:
        took = f"{median(seconds):.0f} s, the longest of {len(seconds)} {max(seconds):.0f} s"
        missed = ", which is missed" if max(seconds) > SECONDS_WANTED else ""
        yield f"- A comparison took {took}; wanted: at most {SECONDS_WANTED} s{missed}."
    yield ""
    yield "| wanted | went badly, in a row | bound | drawn | | until it is proven |"
    yield "|---|---|---|---|---|---|"
    for own in rows:
        drawn = f"{own.drawn_bad} of {own.drawn_of}" if own.drawn_of else "none"
        bound = f"at most {own.bound:.1%}" if own.of else "none"
        cells = [own.wanted.words, f"{own.bad} of {own.of}", bound, drawn, own.standing.value, _until_proven(found, own)]
        yield f"| {' | '.join(cells)} |"


def _hours_words(found: Found, rows: Sequence[Stood]) -> Iterator[str]:
    """How long the proof of everything that can be proven takes: all rows judge the same blocks, so the longest counts."""
    blocks = [own.more_blocks for own in rows if own.standing is Standing.ESTIMATED and own.more_blocks is not None]
    if blocks:
        hours = f"{hours_more(found, max(blocks)):.1f} hours more ({max(blocks):,} blocks)"
        yield (
            f"- To prove what is only estimated takes about {hours}, at the {found.block_seconds:.1f} s that a block took, if all goes on "
            "as the estimates say."
        )


def _short_words(found: Found) -> str:
    """Why nothing is drawn, and what it takes."""
    return (
        f"- Nothing is drawn and nothing proven: the longest comparison takes {BLOCKS_LONGEST} blocks of one kind, and there are "
        f"{found.blocks - found.neighbours} quiet ones and {found.neighbours} with a neighbour; {found.missing} more, half of either, are "
        f"needed (about {found.missing * found.block_seconds / 60:.0f} minutes). Until then only short comparisons end within the blocks: "
        "what stands in a row is little, and too good."
    )


def _until_proven(found: Found, own: Stood) -> str:
    match own.standing:
        case Standing.PROVEN:
            return "nothing"
        case Standing.UNKNOWN:
            return f"a first comparison: up to {BLOCKS_LONGEST} blocks"
        case Standing.OUTSIDE | Standing.MISSED:
            return "no number of hours, as it is"
        case Standing.ESTIMATED:
            if own.more is None or own.more_blocks is None:
                return f"more than {COMPARISONS_LIMIT:,} comparisons"
            return f"about {hours_more(found, own.more_blocks):.1f} hours: {own.more} comparisons"


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
    in_a_row = f"{hits} of {n} {word} ({row.with_neighbour} with a neighbour)"
    neither = _neither(row.in_a_row) + (f", {row.cut_off} cut off" if row.cut_off else "")
    drawn_cells = [f"{drawn_hits} of {drawn} {word}", _neither(row.drawn)] if drawn else ["none: too few blocks", ""]
    shown = f"{median(row.detectable):.1%}" if row.detectable else "none"
    seconds = f"{median(row.seconds):.0f}, {max(row.seconds):.0f}" if row.seconds else "none"
    return f"| {' | '.join([row.name, wanted, in_a_row, bound, neither, *drawn_cells, shown, seconds])} |"


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
