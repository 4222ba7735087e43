"""What the gate says of the blocks: of equal revisions, of one slower route, of a gate on one route.

Promise: the gate that is studied is the gate itself (`gelombang_gates.comparing.compare`); only where its pairs come from differs. Two
kinds of comparisons, kept apart. *In a row*: each takes the blocks that follow those of the last one, as a build server would have met
them; no block is used twice, so these are independent and a bound on them means what it says. *Drawn*: each draws blocks at random, none
twice inside one comparison; many comparisons share blocks, so their rate is a better estimate than few rows give, but they are not as many
independent trials as there are comparisons, and no bound is made of them. The last comparison in a row, for which too few blocks are left,
is cut off and not counted among the outcomes; how long one is follows from what it finds, so of few blocks only the short ones are seen.
Nothing is drawn where the longest comparison could run out of blocks, for the same reason. Quiet blocks and those with a neighbour are not
mixed in one comparison; of those that are drawn half are of either, and of those in a row as many as the blocks of either kind give.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import fmean

from gate_study.blocks import LARGE, SMALL, Block
from gate_study.naive import Naive, naive_rows

from gelombang.errors import InputError
from gelombang.seeds import draw
from gelombang_gates.comparing import Comparison, Outcome, compare
from gelombang_gates.gate_file import Gate, GateRoute, chosen
from gelombang_gates.pairs import Cost, Pair
from gelombang_gates.sequence import look_pairs

PAIRS = 24
BLOCKS_LONGEST = 2 * look_pairs(PAIRS)[-1]
"""What two sequences take at most."""
DRAWN = 300
"""Comparisons of each kind that are drawn."""
SEED = 7


class OutOfBlocksError(Exception):
    """A comparison wants a block more than there is; `had_begun`: it had some."""

    def __init__(self, had_begun: bool) -> None:
        super().__init__()
        self.had_begun = had_begun


@dataclass(frozen=True, slots=True)
class Kind:
    """What is compared: head slower on `slower` (None: equal), the gate on `routes`."""

    name: str
    routes: tuple[str, ...]
    slower: str | None = None
    by: float = 0.0


@dataclass(slots=True)
class Row:
    """All comparisons of one kind."""

    name: str
    in_a_row: Counter[Outcome] = field(default_factory=Counter)
    drawn: Counter[Outcome] = field(default_factory=Counter)
    named: int = 0
    """Failures in a row that name the slower route's CPU time, and nothing else."""
    drawn_named: int = 0
    with_neighbour: int = 0
    """Of those in a row."""
    cut_off: int = 0
    """Comparisons in a row for which the blocks ran out: they have no outcome."""
    blocks: int = 0
    """What all that ended in a row took."""
    seconds: list[float] = field(default_factory=list)
    """Of every comparison that ended, in a row or drawn."""
    detectable: list[float] = field(default_factory=list)
    """Of every one in a row: the smallest slowdown of CPU time that its noisiest route would have shown, where that is known."""


@dataclass(slots=True)
class Found:
    """The whole study."""

    blocks: int
    neighbours: int
    machines: list[str]
    commits: list[str]
    routes: list[str]
    days: tuple[str, str]
    loads: tuple[float, float, float]
    """Least, middle and largest load average as blocks began."""
    block_seconds: float
    """The mean of all."""
    rows: list[Row]
    naive: list[Naive]

    @property
    def missing(self) -> int:
        """Blocks that are missing, half of either kind, for the longest comparison to end within them; before that nothing is proven."""
        return 2 * max(0, BLOCKS_LONGEST - min(self.neighbours, self.blocks - self.neighbours))


def judge(blocks: Sequence[Block], gate: Gate, drawn: int = DRAWN) -> Found:
    """Everything that these blocks say. Raises InputError without any, and for routes that the table does not have."""
    if not blocks:
        raise InputError("there are no blocks to judge; want some measured first, without --judge-only")
    routes = blocks[0].routes
    gate = chosen(gate, routes)
    loads = sorted(block.load for block in blocks)
    return Found(
        len(blocks),
        sum(block.neighbour for block in blocks),
        sorted({block.machine for block in blocks}),
        list(dict.fromkeys(block.commit for block in blocks)),
        routes,
        (blocks[0].at, blocks[-1].at),
        (loads[0], loads[len(loads) // 2], loads[-1]),
        fmean(block.seconds for block in blocks),
        [_row(name, kinds, blocks, gate, drawn) for name, kinds in _kinds(routes).items()],
        naive_rows(blocks, routes),
    )


def _kinds(routes: Sequence[str]) -> dict[str, list[Kind]]:
    """The rows; the slower route goes round, so that all are tried alike."""
    everything = tuple(routes)
    return {
        "equal, all routes": [Kind("equal", everything)],
        "one route 3 % slower, all routes gated": [Kind(name, everything, name, LARGE) for name in routes],
        "one route 3 % slower, it alone gated": [Kind(name, (name,), name, LARGE) for name in routes],
        "one route 1.5 % slower, it alone gated": [Kind(name, (name,), name, SMALL) for name in routes],
    }


def _row(name: str, kinds: Sequence[Kind], blocks: Sequence[Block], gate: Gate, drawn: int) -> Row:
    row = Row(name)
    pools = [[block for block in blocks if block.neighbour is noisy] for noisy in (False, True)]
    for noisy, pool in enumerate(pools):
        _fill_in_a_row(row, kinds, pool, gate, noisy)
    for turn in range(drawn if min(map(len, pools)) >= BLOCKS_LONGEST else 0):
        kind, pool = kinds[turn // 2 % len(kinds)], pools[turn % 2]
        found, seconds = _compared(gate, kind, iter(_shuffled(pool, turn)))
        row.drawn[found.outcome] += 1
        row.drawn_named += _names(found, kind)
        row.seconds.append(seconds)
    return row


def _fill_in_a_row(row: Row, kinds: Sequence[Kind], pool: Sequence[Block], gate: Gate, noisy: int) -> None:
    """All comparisons that these blocks give, one after the other. Which route is the slower one goes on from where the last pool ended."""
    source = iter(pool)
    while True:
        kind = kinds[row.in_a_row.total() % len(kinds)]
        try:
            found, seconds = _compared(gate, kind, source)
        except OutOfBlocksError as error:
            row.cut_off += error.had_begun
            return
        row.in_a_row[found.outcome] += 1
        row.named += _names(found, kind)
        row.with_neighbour += noisy
        row.blocks += found.first.pairs + (found.second.pairs if found.second else 0)
        row.seconds.append(seconds)
        largest = max(finding.detectable for (_, cost), finding in found.first.findings.items() if cost is Cost.CPU)
        if largest < inf:
            row.detectable.append(largest)


def _compared(gate: Gate, kind: Kind, source: Iterator[Block]) -> tuple[Comparison, float]:
    """A comparison of the blocks that `source` gives, and how long it would have taken. The time limit counts what each block took."""
    clock = 0.0

    def measure(number: int, routes: Sequence[GateRoute]) -> Pair:
        nonlocal clock
        block = next(source, None)
        if block is None:
            raise OutOfBlocksError(clock > 0)
        names = [route.name for route in routes]
        clock += block.pair_seconds(names)
        return block.pair(names, kind.slower, kind.by)

    def limit() -> Callable[[], bool]:
        until = clock + gate.time_limit_seconds
        return lambda: clock > until

    # Not shown before: no comparison may lean on what an earlier one has shown of this machine.
    found = compare(chosen(gate, kind.routes), measure, limit, PAIRS, [], False)
    return found, clock


def _names(found: Comparison, kind: Kind) -> bool:
    return found.outcome is Outcome.FAIL and kind.slower is not None and {route for route, _ in found.confirmed} == {kind.slower}


def _shuffled(pool: Sequence[Block], turn: int) -> list[Block]:
    keys = [draw(SEED, turn, 0, place) for place in range(len(pool))]
    return [pool[place] for place in sorted(range(len(pool)), key=keys.__getitem__)]
