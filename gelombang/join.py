"""The join of both ends: each attempt of the generator beside what the server saw of it.

Rows are matched by who tried what (`gelombang.row_match`); the run's number is in every trace id, so only this run's attempts reach the
ledgers. What each combination means stands in `gelombang.join_cells`; here it is counted, with arrays only, because a run may hold tens of
millions of attempts: parts of a run's people are counted one after the other (`combine`) and explained together. Server rows from before
the run's zero are warm-up and left out.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Code, Outcome, Phase, ServerOutcome, Stage
from gelombang.evidence import Evidence
from gelombang.host_cuts import sent_to_cut_host
from gelombang.join_cells import (
    DUPLICATE,
    IMPOSSIBLE,
    NO_GENERATOR_ROW,
    OPEN_AT_CLOSE,
    UNSEEN,
    Check,
    Pair,
    explain,
    unexplained_meaning,
)
from gelombang.record_uploads import JoinCell
from gelombang.row_match import NOT_JOINED, match
from gelombang.server_deaths import in_flight
from gelombang.steps import Step

_UNSEEN_STAGE = 15
_STATUS_LIMIT = 1_023


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """`server_of[i]` is the server row of generator row i, or NOT_JOINED."""

    server_of: NDArray[np.int64]
    cells: list[JoinCell]
    unexplained: int


@dataclass(frozen=True, slots=True, eq=False)
class Combinations:
    """How often each combination of both ends came up: what is explained at last, and may be added up from the parts of a run before."""

    pairs: Counter[int] = field(default_factory=Counter)
    """By both ends' fields packed into one number; of rows that are alone with their identity."""
    twice: Counter[int] = field(default_factory=Counter)
    """The same of generator rows that share their identity with another."""
    server_only: Counter[tuple[int, int, int, str]] = field(default_factory=Counter)
    """Rows of the server without a partner by stage, outcome, code and what is wrong with them."""
    impossible: Counter[str] = field(default_factory=Counter)
    """By end, rows that hold a value that no program writes."""

    def add(self, other: "Combinations") -> None:
        """Count what `other` counted, too."""
        self.pairs.update(other.pairs)
        self.twice.update(other.twice)
        self.server_only.update(other.server_only)
        self.impossible.update(other.impossible)


_GENERATOR, _SERVER = "generator", "server"


def join(evidence: Evidence, steps: Sequence[Step], dropped_by_kernel: int) -> Joined:
    """Match both ends and explain every attempt. `dropped_by_kernel` is how many connections the kernel says it dropped; that many
    attempts without a server row are explained by it. Without a server's ledger (a foreign target) nothing is joined."""
    server_of, found = combine(evidence, steps)
    cells = explained(found, steps, dropped_by_kernel)
    return Joined(server_of, cells, unexplained(cells))


def combine(evidence: Evidence, steps: Sequence[Step]) -> tuple[NDArray[np.int64], Combinations]:
    """The server row of each generator row, and the combinations that there are; both ends are those of the same people."""
    generator, server = evidence.generator, evidence.server
    found = Combinations()
    if not evidence.has_server:
        return np.full(len(generator), NOT_JOINED, dtype=np.int64), found
    server_of, twice, server_twice, alone = match(generator, server)
    judged = ~np.isin(generator["step"], evidence.uncovered_steps)
    at_end = (
        in_flight(generator, evidence.server_deaths, steps)[judged],
        in_flight(generator, evidence.server_drains, steps)[judged],
        sent_to_cut_host(generator, evidence.host_cuts)[judged],
    )
    _count_pairs(generator[judged], server, server_of[judged], twice[judged], at_end, found)
    alone &= server["began"] >= 0
    _count_server_only(server[alone], NO_GENERATOR_ROW, found)
    _count_server_only(server[server_twice], DUPLICATE, found)
    return server_of, found


def explained(found: Combinations, steps: Sequence[Step], dropped_by_kernel: int) -> list[JoinCell]:
    """What the combinations mean, those that nothing explains first."""
    cells: Counter[JoinCell] = Counter()
    if found.impossible[_GENERATOR]:
        cells[_cell(Outcome.OPEN, Phase.NONE, UNSEEN, "", "", False, IMPOSSIBLE)] += found.impossible[_GENERATOR]
    kernel_left = dropped_by_kernel
    for combination, attempts in sorted(found.pairs.items()):
        kernel_left -= _count_pair(_pair(combination, steps), attempts, kernel_left, cells)
    for combination, attempts in sorted(found.twice.items()):
        cells[_cell_of(_pair(combination, steps), False, DUPLICATE)] += attempts
    if found.impossible[_SERVER]:
        cells[_server_cell("", "", "", IMPOSSIBLE)] += found.impossible[_SERVER]
    for (stage, outcome, code, meaning), attempts in sorted(found.server_only.items()):
        text = OPEN_AT_CLOSE if outcome == ServerOutcome.OPEN and meaning == NO_GENERATOR_ROW else meaning
        cells[_server_cell(Stage(stage).name.lower(), ServerOutcome(outcome).name.lower(), Code(code).name.lower(), text)] += attempts
    counted = [cell.model_copy(update={"attempts": attempts}) for cell, attempts in cells.items()]
    counted.sort(key=lambda cell: (cell.explained, -cell.attempts))
    return counted


def unexplained(cells: Sequence[JoinCell]) -> int:
    """How many attempts no rule explains."""
    return sum(cell.attempts for cell in cells if not cell.explained)


_FIELDS = (
    ("step", 8),
    ("outcome", 5),
    ("phase", 3),
    ("status", 10),
    ("code", 8),
    ("sent", 1),
    ("at_death", 1),
    ("at_drain", 1),
    ("at_cut", 1),
)
_SERVER_FIELDS = (("stage", 4), ("outcome", 4), ("status", 10), ("code", 8))
"""Widths in bits of what makes a combination: 64 in all."""


def _count_pairs(
    generator: NDArray[np.void],
    server: NDArray[np.void],
    server_of: NDArray[np.int64],
    twice: NDArray[np.bool_],
    at_end: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]],
    found: Combinations,
) -> None:
    """Count each combination once, however many attempts have it."""
    seen = server_of != NOT_JOINED
    beside = server[server_of[seen]]
    impossible = ~_possible(generator)
    impossible[seen] |= ~_server_possible(beside)
    found.impossible[_GENERATOR] += int(impossible.sum())
    packed = np.zeros(len(generator), dtype=np.uint64)
    own = {name: generator[name] for name in ("step", "outcome", "phase", "status", "code")}
    own["sent"] = generator["bytes_sent"] > 0
    own["at_death"], own["at_drain"], own["at_cut"] = at_end
    for name, bits in _FIELDS:
        packed = packed << np.uint64(bits) | np.minimum(own[name], (1 << bits) - 1).astype(np.uint64)
    for name, bits in _SERVER_FIELDS:
        values = np.full(len(generator), _UNSEEN_STAGE if name == "stage" else 0, dtype=np.uint64)
        values[seen] = np.minimum(beside[name], (1 << bits) - 1)
        packed = packed << np.uint64(bits) | values
    for counts, which in ((found.pairs, ~impossible & ~twice), (found.twice, ~impossible & twice)):
        for combination, attempts in zip(*(part.tolist() for part in np.unique(packed[which], return_counts=True)), strict=True):
            counts[combination] += attempts


def _count_pair(pair: Pair, attempts: int, kernel_left: int, cells: Counter[JoinCell]) -> int:
    """Count one combination; how many of the kernel's dropped connections it used up."""
    rule = explain(pair)
    if rule is None:
        cells[_cell_of(pair, False, unexplained_meaning(pair))] += attempts
        return 0
    if rule.check is not Check.KERNEL:
        cells[_cell_of(pair, True, rule.meaning)] += attempts
        return 0
    covered = min(attempts, kernel_left)
    if covered:
        cells[_cell_of(pair, True, rule.meaning)] += covered
    if attempts > covered:
        cells[_cell_of(pair, False, "the server never saw it, and the kernel counted no dropped connection for it")] += attempts - covered
    return covered


def _possible(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    known = (rows["outcome"] <= max(Outcome)) & (rows["phase"] <= max(Phase)) & (rows["status"] <= _STATUS_LIMIT)
    return known & np.isin(rows["code"], list(Code))


def _server_possible(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    known = (rows["stage"] <= max(Stage)) & (rows["outcome"] <= max(ServerOutcome)) & (rows["status"] <= _STATUS_LIMIT)
    return known & np.isin(rows["code"], list(Code))


def _pair(packed: int, steps: Sequence[Step]) -> Pair:
    values = []
    for _, bits in reversed(_FIELDS + _SERVER_FIELDS):
        values.append(packed & (1 << bits) - 1)
        packed >>= bits
    step, outcome, phase, status, code, sent, at_death, at_drain, at_cut, stage, server_outcome, server_status, server_code = reversed(
        values
    )
    return Pair(
        step=steps[step] if step < len(steps) else None,
        outcome=Outcome(outcome),
        phase=Phase(phase),
        status=status,
        code=Code(code),
        nothing_sent=not sent,
        stage=None if stage == _UNSEEN_STAGE else Stage(stage),
        server_outcome=ServerOutcome(server_outcome),
        server_status=server_status,
        server_code=Code(server_code),
        in_flight_at_death=bool(at_death),
        in_flight_at_drain=bool(at_drain),
        sent_to_cut_host=bool(at_cut),
    )


def _cell_of(pair: Pair, explained: bool, meaning: str) -> JoinCell:
    if pair.stage is None:
        return _cell(pair.outcome, pair.phase, UNSEEN, "", pair.code.name.lower(), explained, meaning)
    stage, outcome, code = pair.stage.name.lower(), pair.server_outcome.name.lower(), pair.server_code.name.lower()
    return _cell(pair.outcome, pair.phase, stage, outcome, code, explained, meaning)


def _cell(outcome: Outcome, phase: Phase, stage: str, server_outcome: str, code: str, explained: bool, meaning: str) -> JoinCell:
    return JoinCell(
        client_outcome=outcome.name.lower(),
        client_phase=phase.name.lower(),
        server_stage=stage,
        server_outcome=server_outcome,
        code=code,
        attempts=0,
        explained=explained,
        meaning=meaning,
    )


def _count_server_only(rows: NDArray[np.void], meaning: str, found: Combinations) -> None:
    """Rows of the server without a partner, by stage, outcome and code."""
    possible = _server_possible(rows)
    found.impossible[_SERVER] += int((~possible).sum())
    ends = zip(*(rows[possible][name].tolist() for name in ("stage", "outcome", "code")), strict=True)
    found.server_only.update((*end, meaning) for end in ends)


def _server_cell(stage: str, outcome: str, code: str, meaning: str) -> JoinCell:
    return JoinCell(
        client_outcome=UNSEEN,
        client_phase="",
        server_stage=stage,
        server_outcome=outcome,
        code=code,
        attempts=0,
        explained=False,
        meaning=meaning,
    )
