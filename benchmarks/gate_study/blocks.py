"""A block: one pair of fresh processes of the same commit, with head asked three times: as it is, 1.5 % and 3 % slower.

Promise: what is written is what was measured, a line a block, appended; the same line serves every row of the study. A line that was cut
off by the end of the collector is dropped when the file is opened again.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from gelombang.errors import InputError
from gelombang_gates.pairs import KNOWN, Lane, Pair, Spent, StandIn, turns_of

SMALL, LARGE = 0.015, 0.03
STAND_INS = (*KNOWN, StandIn(Lane.HEAD_SLOW, Lane.HEAD, SMALL), StandIn(Lane.HEAD_SLOWER, Lane.HEAD, LARGE))
GATED = (Lane.BASE, Lane.SAME, Lane.SLOW, Lane.HEAD)
"""The lanes that a gate asks; the other two are the study's."""

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
        lanes = [*GATED, Lane.HEAD_SLOW, Lane.HEAD_SLOWER]
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

    def pair(self, routes: Sequence[str], slower: str | None = None, by: Lane = Lane.HEAD) -> Pair:
        """As a gate would have measured it for these routes, with head's lane of the route `slower` taken from `by`."""
        pair = Pair(memory_bytes=dict(self.memory_bytes))
        for route in routes:
            for lane in GATED:
                source = by if lane is Lane.HEAD and route == slower else lane
                pair.spent[lane, route] = [Spent(cpu / 1e9, calls, wall / 1e6) for cpu, calls, wall in self.spent[source][route]]
                pair.outcomes[lane, route] = Counter(self.outcomes[source][route])
        return pair

    def pair_seconds(self, routes: Sequence[str]) -> float:
        """How long a gate on these routes would have taken for it: it asks each process twice a round and not three times, and no other
        route. Batches that do not count are taken to be as long as those that do."""
        turns = turns_of(STAND_INS)
        wall = {
            route: sum(self.requests[route] * batch[2] / 1e6 for lane in self.spent for batch in self.spent[lane][route])
            for route in self.routes
        }
        asked = {route: seconds * len(turns) / len(self.spent) for route, seconds in wall.items()}
        share = len(turns_of(KNOWN)) / len(turns)
        return max(0.0, self.seconds - sum(asked.values()) + share * sum(asked[route] for route in routes))

    def wall_seconds(self, lane: Lane, route: str) -> list[float]:
        """Per request, a batch each."""
        return [wall / 1e6 for _, _, wall in self.spent[lane][route]]


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
    return round(spent.cpu_seconds * 1e9), round(spent.calls, 4), round(spent.seconds * 1e6)
