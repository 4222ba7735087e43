"""The same blocks judged as naive gates judge: one number against another, and a percentage.

Promise: each rule is the one that people use. *Stored*: the base was measured at another time, as a saved run or the last value of a
branch is: here in the block of the same kind before, quiet after quiet and neighbour after neighbour, so that no rule is held to a machine
that became busy between the two. *Same job*: base and head in one block. All see what such tools see: the wall time of requests, in one
process. pytest-benchmark's rule is its own code (`parse_compare_fail`), with the mean and with the minimum of the batches;
github-action-benchmark alerts at 200 % of the last value by default, which is a factor of two on the mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gate_study.blocks import LARGE, SMALL, Block
from pytest_benchmark.utils import parse_compare_fail

from gelombang_gates.pairs import Lane

Stats = dict[str, float]
Rule = Callable[[Stats, Stats], bool]
"""Whether head is called slower than base."""


@dataclass(slots=True)
class Naive:
    """One rule on all blocks."""

    name: str
    comparisons: int = 0
    alarms: int = 0
    """Equal revisions of which some route was called slower."""
    tried: int = 0
    caught: dict[float, int] = field(default_factory=dict)
    """One route slower by SMALL or LARGE: that route was called slower."""


def naive_rows(blocks: Sequence[Block], routes: Sequence[str]) -> list[Naive]:
    """Every rule, in the order in which people meet them."""
    stored = [couple for noisy in (False, True) for couple in pairwise([block for block in blocks if block.neighbour is noisy])]
    same = [(block, block) for block in blocks]
    rows: list[Naive] = []
    for percent in (2, 5, 10):
        rows.append(_judged(f"mean beyond {percent} %, base stored", _beyond(1 + percent / 100), stored, routes))
        rows.append(_judged(f"mean beyond {percent} %, base in the same job", _beyond(1 + percent / 100), same, routes))
    for spelled in ("mean:5%", "min:5%"):
        rows.append(_judged(f"pytest-benchmark --benchmark-compare-fail={spelled}", _compare_fail(spelled), stored, routes))
    rows.append(_judged("200 % of the last value (github-action-benchmark)", _beyond(2.0), stored, routes))
    return rows


def _judged(name: str, rule: Rule, couples: Sequence[tuple[Block, Block]], routes: Sequence[str]) -> Naive:
    row = Naive(name)
    for base, head in couples:
        old = {route: _stats(base.wall_seconds(Lane.BASE, route)) for route in routes}
        row.comparisons += 1
        row.alarms += any(rule(_stats(head.head_wall_seconds(route, 0.0)), old[route]) for route in routes)
        for route in routes:
            row.tried += 1
            for by in (SMALL, LARGE):
                row.caught[by] = row.caught.get(by, 0) + rule(_stats(head.head_wall_seconds(route, by)), old[route])
    return row


def _stats(seconds: Sequence[float]) -> Stats:
    return {"mean": sum(seconds) / len(seconds), "min": min(seconds)}


def _beyond(factor: float) -> Rule:
    return lambda head, base: head["mean"] > factor * base["mean"]


def _compare_fail(spelled: str) -> Rule:
    check = parse_compare_fail(spelled)  # type: ignore[no-untyped-call]
    return lambda head, base: bool(check.fails(head, base))
