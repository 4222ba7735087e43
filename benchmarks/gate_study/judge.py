"""What the gate says of the blocks: of equal revisions, of one slower route, of a gate on one route.

Promise: the gate that is studied is the gate itself (`gelombang_gates.comparing.compare`); only where its pairs come from differs. Two
kinds of comparisons, kept apart. *In a row*: each takes the blocks that follow those of the last one, as a build server would have met
them; no block is used twice, so these are independent and a bound on them means what it says. *Drawn*: each draws blocks at random, none
twice inside one comparison; many comparisons share blocks, so their rate is a better estimate than few rows give, but they are not as many
independent trials as there are comparisons, and no bound is made of them. The last comparison in a row, for which too few blocks are left,
is not counted; nothing is drawn where the longest comparison could run out of blocks, because then only the short ones would count, and
how long one is follows from what it finds. Quiet blocks and those with a neighbour are not mixed in one comparison, and half of the
comparisons are of either.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gate_study.blocks import LARGE, SMALL, Block
from gate_study.naive import Naive, naive_rows

from gelombang.errors import InputError
from gelombang.seeds import draw
from gelombang_gates.comparing import Comparison, Outcome, compare
from gelombang_gates.gate_file import Gate, GateRoute, chosen
from gelombang_gates.pairs import Pair
from gelombang_gates.sequence import look_pairs

PAIRS = 24
BLOCKS_LONGEST = 2 * look_pairs(PAIRS)[-1]
"""What two sequences take at most."""
DRAWN = 300
"""Comparisons of each kind that are drawn."""
SEED = 7


class OutOfBlocksError(Exception):
    """A comparison wants a block more than there is."""


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
    drawn_seconds: list[float] = field(default_factory=list)


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
    rows: list[Row]
    naive: list[Naive]


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
    for pool in pools:
        source = iter(pool)
        for turn in range(len(pool)):
            kind = kinds[turn % len(kinds)]
            try:
                found, _ = _compared(gate, kind, source)
            except OutOfBlocksError:
                break
            row.in_a_row[found.outcome] += 1
            row.named += _names(found, kind)
    for turn in range(drawn if min(map(len, pools)) >= BLOCKS_LONGEST else 0):
        kind, pool = kinds[turn // 2 % len(kinds)], pools[turn % 2]
        found, seconds = _compared(gate, kind, iter(_shuffled(pool, turn)))
        row.drawn[found.outcome] += 1
        row.drawn_named += _names(found, kind)
        row.drawn_seconds.append(seconds)
    return row


def _compared(gate: Gate, kind: Kind, source: Iterator[Block]) -> tuple[Comparison, float]:
    """A comparison of the blocks that `source` gives, and how long it would have taken. The time limit counts what each block took."""
    clock = 0.0

    def measure(number: int, routes: Sequence[GateRoute]) -> Pair:
        nonlocal clock
        block = next(source, None)
        if block is None:
            raise OutOfBlocksError
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
