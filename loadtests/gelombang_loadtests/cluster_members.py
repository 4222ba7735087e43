"""How far a run over several machines is, and what its master knows of each worker."""

from dataclasses import dataclass
from enum import IntEnum

from gelombang_loadtests.cluster_messages import Pulse


class Phase(IntEnum):
    """How far the run is."""

    JOINING = 0
    PREPARING = 1
    READY = 2
    """All workers are, and somebody is to say "begin"."""
    RUNNING = 3
    ENDED = 4


@dataclass(slots=True)
class Member:
    """One worker that may take part."""

    process: int
    host: str
    heard_us: int
    """When it was last heard of."""
    ready: bool = False
    clock_error_us: int = 0
    pulse: int = 0
    """The number of its last pulse that is in the folder."""
    last: Pulse | None = None
    done: bool = False
    dead: bool = False
