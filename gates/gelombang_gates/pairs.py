"""One pair of fresh processes, and what it says: base, base once more, head, and head's stand-in with a known delay.

Promise: everything that is compared was measured within the same seconds of the same machine, in random order, in processes that nobody
had used before. Idea: what one process costs differs from the next by one or two per cent for its whole life (its layout in memory, the
seeds of its hashes), so more requests to one process say nothing more: a pair is one sample, whatever it holds (Kalibera and Jones,
"Rigorous benchmarking in reasonable time", 2013). Beside base and head runs `same`, base once more: it must look equal (the A/A lane). And
`slow` is that same process with 103 requests sent for every 100 that are counted: a service that costs 3 % more, of any kind, in any
language, with nothing put into it. It must be caught. All three processes are asked equally often. A batch is asked in pieces, in turns
with those of the others: what disturbs a machine lasts longer than a piece and is in all of them. Left out: two requests at once.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil, log
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from gelombang.errors import InputError
from gelombang.seeds import Purpose, draw
from gelombang_gates.asking import Asker
from gelombang_gates.gate_file import Gate, GateRoute
from gelombang_gates.lane_batch import LaneBatch, Spent, pieces_of
from gelombang_gates.service import uninterrupted
from gelombang_gates.side import Running, Side
from gelombang_gates.signed_rank import middle

KNOWN_DELAY = 0.03
REQUESTS_LEAST = 34
"""So few that one request more is the known delay."""
REQUESTS_LIMIT = 2_000
_FIRST_REQUESTS = 20
_WARM_UP_RATIO = 0.5
WHOLE = "(process)"
"""Stands where a route stands, for what only a whole process has."""

T = TypeVar("T")


class Lane(StrEnum):
    """Who was asked."""

    BASE = "base"
    SAME = "same"
    SLOW = "slow"
    HEAD = "head"
    HEAD_SLOWER = "head-slower"
    """Only in studies of the gate itself."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """A lane without a process of its own: `of` sends more requests than are counted, so it costs `delay` more."""

    lane: Lane
    of: Lane
    delay: float


KNOWN = (StandIn(Lane.SLOW, Lane.SAME, KNOWN_DELAY),)
PROCESSES = (Lane.BASE, Lane.SAME, Lane.HEAD)


class Cost(StrEnum):
    """What is compared, in the order in which it is judged."""

    CPU = "cpu"
    MEMORY = "memory"
    CALLS = "calls"
    WALL = "wall"


ALL_COSTS = frozenset(Cost)


Series = dict[tuple[Lane, str, Cost], list[float]]
"""Log ratios against base, a pair each."""


@dataclass(slots=True)
class Pair:
    """What one pair of processes showed."""

    spent: dict[tuple[Lane, str], list[Spent]] = field(default_factory=dict)
    """A batch a round."""
    memory_bytes: dict[Lane, int] = field(default_factory=dict)
    outcomes: dict[tuple[Lane, str], Counter[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bench:
    """What all pairs of a comparison have in common."""

    gate: Gate
    base: Side
    head: Side
    requests: Mapping[str, int]
    """In a batch, by route."""
    seed: int
    stand_ins: tuple[StandIn, ...] = KNOWN


@dataclass(frozen=True, slots=True)
class Looked:
    """What one start showed, of a service that nobody will measure."""

    answers: Mapping[str, str]
    """What each route answers."""
    requests: Mapping[str, int]
    """How many make a batch."""
    seen: frozenset[Cost]
    """What of its costs can be read."""


def first_look(gate: Gate, side: Side) -> Looked:
    """Start it once. Also the run that compiles everything for the first time."""
    answers: dict[str, str] = {}
    requests: dict[str, int] = {}
    with ExitStack() as stack:
        service = _started(side, stack)
        service.wait_until_ready(gate.ready, gate.start_within_seconds)
        asker = Asker(service)
        stack.callback(asker.close)
        asker.set_up(gate.setup)
        for route in gate.route:
            asker.batch(route, _FIRST_REQUESTS)
            service.settle()
            before = service.costs().cpu_seconds
            batch = asker.batch(route, _FIRST_REQUESTS)
            after = service.costs().cpu_seconds
            used_seconds = batch.seconds if after is None or before is None else after - before
            unwanted = [status for status in batch.outcomes if status != str(route.status)]
            answers[route.name] = unwanted[0] if unwanted else str(route.status)
            each_seconds = max(used_seconds / _FIRST_REQUESTS, 1e-6)
            requests[route.name] = min(max(ceil(gate.batch_seconds / each_seconds), REQUESTS_LEAST), REQUESTS_LIMIT)
        return Looked(answers, requests, _seen(service))


def measure_pair(bench: Bench, number: int, routes: Sequence[GateRoute]) -> Pair:
    """Start base, base again and head, ask each the same in random order, end them."""
    order = Shuffle(bench.seed, number)
    with ExitStack() as stack:
        services: dict[Lane, Running] = {}
        for lane in order.of(PROCESSES):
            services[lane] = _started(bench.head if lane is Lane.HEAD else bench.base, stack)
        askers: dict[Lane, Asker] = {}
        for lane, service in services.items():
            service.wait_until_ready(bench.gate.ready, bench.gate.start_within_seconds)
            askers[lane] = Asker(service)
            stack.callback(askers[lane].close)
            askers[lane].set_up(bench.gate.setup)
        for own in bench.stand_ins:
            services[own.lane], askers[own.lane] = services[own.of], askers[own.of]
        pair = _measured(bench, order, routes, services, askers)
        for lane in PROCESSES:
            services[lane].ask_to_end()
        return pair


def turns_of(stand_ins: Sequence[StandIn]) -> list[tuple[Lane, bool]]:
    """Whom to ask in a round, and whether it counts. A process that also stands in for a slower one is asked more often, and what it has
    kept grows: its calls per request did by 3 to 6 % (a database), its memory by 1 %. So the others are asked as often, for nothing."""
    asked = {lane: 1 + sum(own.of is lane for own in stand_ins) for lane in PROCESSES}
    counted = [(lane, True) for lane in (*PROCESSES, *(own.lane for own in stand_ins))]
    return [*counted, *((lane, False) for lane in PROCESSES for _ in range(max(asked.values()) - asked[lane]))]


def log_ratios(pairs: Sequence[Pair], routes: Sequence[str]) -> Series:
    """Every lane against base. Raises InputError when a pair has nothing of a route."""
    series: Series = {}
    for pair in pairs:
        for lane in (Lane.SAME, Lane.SLOW, Lane.HEAD):
            for route in routes:
                for cost, value in _ratios(pair.spent[lane, route], pair.spent[Lane.BASE, route], route):
                    series.setdefault((lane, route, cost), []).append(value)
            if lane in pair.memory_bytes and Lane.BASE in pair.memory_bytes:
                value = log(pair.memory_bytes[lane] / pair.memory_bytes[Lane.BASE])
                series.setdefault((lane, WHOLE, Cost.MEMORY), []).append(value)
    return series


class Shuffle:
    """Random orders for one pair, the same for the same seed."""

    def __init__(self, seed: int, pair: int) -> None:
        self._seed, self._pair, self._n = seed, pair, 0

    def of(self, items: Sequence[T]) -> list[T]:
        """The items in random order."""
        self._n += 1
        keys = [draw(self._seed, self._pair, Purpose.GATE_ORDER, 1_000 * self._n + place) for place in range(len(items))]
        return [items[place] for place in sorted(range(len(items)), key=keys.__getitem__)]


def _measured(
    bench: Bench, order: Shuffle, routes: Sequence[GateRoute], services: Mapping[Lane, Running], askers: Mapping[Lane, Asker]
) -> Pair:
    pair = Pair()
    for route in routes:
        for lane in order.of(PROCESSES):
            askers[lane].batch(route, ceil(_WARM_UP_RATIO * bench.requests[route.name]))
    for lane in PROCESSES:
        services[lane].settle()
    delays = {own.lane: own.delay for own in bench.stand_ins}
    turns = turns_of(bench.stand_ins)
    for _ in range(bench.gate.rounds):
        for route in order.of(routes):
            counted = bench.requests[route.name]
            batches = [(lane, LaneBatch(counts, counted, delays.get(lane, 0.0), services[lane], askers[lane])) for lane, counts in turns]
            pieces = pieces_of(counted)
            for piece in range(pieces):
                for _, batch in order.of(batches):
                    batch.ask(route, piece, pieces)
            for lane, batch in batches:
                if batch.counts:
                    pair.spent.setdefault((lane, route.name), []).append(batch.spent())
                    pair.outcomes.setdefault((lane, route.name), Counter()).update(batch.outcomes)
    for lane in PROCESSES:
        memory_bytes = services[lane].memory_bytes()
        if memory_bytes is not None:
            pair.memory_bytes[lane] = memory_bytes
    return pair


def _seen(service: Running) -> frozenset[Cost]:
    costs = service.costs()
    known = {Cost.CPU: costs.cpu_seconds, Cost.CALLS: costs.calls, Cost.MEMORY: service.memory_bytes()}
    return frozenset({Cost.WALL, *(cost for cost, value in known.items() if value is not None)})


def _ratios(own: Sequence[Spent], base: Sequence[Spent], route: str) -> Iterator[tuple[Cost, float]]:
    """The middle of the log ratios of all rounds, so that a neighbour who disturbed one round does not speak for the pair."""
    for cost, read in _TIMES.items():
        times = [(read(mine), read(theirs)) for mine, theirs in zip(own, base, strict=True)]
        seen = [(mine, theirs) for mine, theirs in times if mine is not None and theirs is not None]
        # A round in which a process's clock did not move says nothing: the kernel may book a short one later.
        moved = [(mine, theirs) for mine, theirs in seen if mine > 0 and theirs > 0]
        if seen and not moved:
            raise InputError(f"the server used no {cost} time for {route}; want a service whose own processes do the work")
        if len(seen) == len(times):
            yield cost, middle([log(mine / theirs) for mine, theirs in moved])
    calls = [[spent.calls for spent in side if spent.calls is not None] for side in (own, base)]
    if all(len(counted) == len(own) for counted in calls):
        # A call more where there was none is one more, and no infinite ratio.
        yield Cost.CALLS, log((1 + sum(calls[0]) / len(own)) / (1 + sum(calls[1]) / len(own)))


_TIMES: dict[Cost, Callable[[Spent], float | None]] = {Cost.CPU: lambda spent: spent.cpu_seconds, Cost.WALL: lambda spent: spent.seconds}


def _started(side: Side, stack: ExitStack) -> Running:
    """A service that is ended, and a folder that is removed, with the stack."""
    with uninterrupted():
        folder = stack.enter_context(TemporaryDirectory(prefix="gate-"))
        return stack.enter_context(side.start(Path(folder)))
