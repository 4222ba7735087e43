"""A block: one pair of fresh processes of the same commit, with head asked twice: as it is, and 3 % slower.

Promise: what is written is what was measured, a line a block, appended; the same line serves every row of the study. Idea: a block asks
each process exactly as often as the gate does, and takes as long: what the gate asks head for nothing, so that all processes are asked
alike, is here the slower head. A head that is 1.5 % slower is one that is 3 % slower in every second round. A line that was cut off by the
end of the collector is dropped when the file is opened again.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from gelombang.errors import InputError
from gelombang_gates.lane_batch import Spent
from gelombang_gates.pairs import KNOWN, Lane, Pair, StandIn, turns_of

LARGE = 0.03
SMALL = LARGE / 2
STAND_INS = (*KNOWN, StandIn(Lane.HEAD_SLOWER, Lane.HEAD, LARGE))
GATED = (Lane.BASE, Lane.SAME, Lane.SLOW, Lane.HEAD)
"""The lanes that a gate compares; the slower head is the study's."""

Batch = tuple[int, float, int]
"""CPU nanoseconds, calls and wall microseconds, each per counted request."""


class Block(BaseModel):
    """One line of the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: str
    """UTC, ISO 8601."""
    machine: str
    """Its class."""
    commit: str
    neighbour: bool
    """Whether a noisy neighbour ran beside it."""
    load: float
    """The machine's load average as it began: others may have used it, too."""
    seconds: float
    """Everything, from the first start to the last end."""
    requests: dict[str, int]
    """In a batch, by route."""
    spent: dict[Lane, dict[str, list[Batch]]]
    memory_bytes: dict[Lane, int]
    outcomes: dict[Lane, dict[str, dict[str, int]]]

    @classmethod
    def of(cls, pair: Pair, routes: Sequence[str], **known: object) -> "Block":
        """What a pair showed, with what is known besides."""
        lanes = [*GATED, Lane.HEAD_SLOWER]
        return cls.model_validate(
            {
                **known,
                "spent": {lane: {route: [_packed(own) for own in pair.spent[lane, route]] for route in routes} for lane in lanes},
                "memory_bytes": pair.memory_bytes,
                "outcomes": {lane: {route: pair.outcomes[lane, route] for route in routes} for lane in lanes},
            }
        )

    @property
    def routes(self) -> list[str]:
        return list(self.requests)

    def pair(self, routes: Sequence[str], slower: str | None = None, by: float = 0.0) -> Pair:
        """As a gate would have measured it for these routes, with head slower by so much on the route `slower`."""
        pair = Pair(memory_bytes=dict(self.memory_bytes))
        for route in routes:
            for lane in GATED:
                batches = self.head(route, by) if lane is Lane.HEAD and route == slower else self.spent[lane][route]
                pair.spent[lane, route] = [Spent(cpu / 1e9, calls, wall / 1e6) for cpu, calls, wall in batches]
                pair.outcomes[lane, route] = Counter(self.outcomes[lane][route])
        return pair

    def head(self, route: str, by: float) -> list[Batch]:
        """What head spent, round by round, slower by 0, SMALL or LARGE."""
        slow_rounds = {0.0: (False, False), SMALL: (False, True), LARGE: (True, True)}[by]
        plain, slower = self.spent[Lane.HEAD][route], self.spent[Lane.HEAD_SLOWER][route]
        return [(slower if slow_rounds[number % 2] else plain)[number] for number in range(len(plain))]

    def pair_seconds(self, routes: Sequence[str]) -> float:
        """How long a gate on these routes would have taken for it: it does not ask the others. Batches that do not count are taken to be
        as long as those that do."""
        turns = turns_of(STAND_INS)
        others = [route for route in self.routes if route not in routes]
        wall = sum(self.requests[route] * batch[2] / 1e6 for route in others for lane in self.spent for batch in self.spent[lane][route])
        return max(0.0, self.seconds - wall * len(turns) / len(self.spent))

    def wall_seconds(self, lane: Lane, route: str) -> list[float]:
        """Per request, a batch each."""
        return [wall / 1e6 for _, _, wall in self.spent[lane][route]]

    def head_wall_seconds(self, route: str, by: float) -> list[float]:
        """Of a head that is slower by 0, SMALL or LARGE: per request, a batch each."""
        return [wall / 1e6 for _, _, wall in self.head(route, by)]


def read_blocks(path: Path) -> list[Block]:
    """In the order in which they were measured; none without a file. Raises InputError with the line that can't be read."""
    if not path.exists():
        return []
    whole = path.read_text().rpartition("\n")[0]
    found: list[Block] = []
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            found.append(Block.model_validate_json(line))
        except ValidationError:
            raise InputError(f"{path}:{number} is no block of this study; want the file as the collector wrote it, or none") from None
    return found


def append_block(path: Path, block: Block) -> None:
    """Add a line, in place of one that was cut off."""
    with path.open("ab+") as file:
        file.seek(0)
        whole = file.read().rpartition(b"\n")
        file.truncate(len(whole[0] + whole[1]))
        file.write(block.model_dump_json().encode() + b"\n")


def _packed(spent: Spent) -> Batch:
    assert spent.cpu_seconds is not None, "CPU time that can't be seen"
    assert spent.calls is not None, "calls that can't be seen"
    return round(spent.cpu_seconds * 1e9), round(spent.calls, 4), round(spent.seconds * 1e6)
