"""Server hosts that nobody could reach for a while, and which attempts were on their way to one of them just then.

A site on several hosts loses one when its cable is pulled: requests that were sent there get no answer, or the proxy's own, and what the
host did for them nobody heard. Such a cut explains an attempt only where all of this holds: somebody noted from when to when the host was
away, the proxy's log names the attempt as sent to that host, and the person was waiting at some moment in between. Whoever waited
elsewhere meanwhile, and failed, stays unexplained.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gelombang.runplan import read_model, write_model
from gelombang.scale import FixedInt

HOST_CUTS_FILE = "host-cuts.json"
"""In a run's folder, when a server host was cut off."""
HEARD_WITHIN_US = 1_000_000
"""Wall time in which a generator notices what the proxy has ended."""

Number = Annotated[FixedInt, Field(ge=0)]


class SentAttempt(BaseModel):
    """An attempt of which a request was sent to the host that was away, by the proxy's log."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    person: Number
    tab: Number
    step: Number
    number: Number


class HostCut(BaseModel):
    """One host, once; wall µs from the run's zero."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    host: str
    from_us: FixedInt
    until_us: FixedInt
    """When the proxy sent people there again."""
    attempts: tuple[SentAttempt, ...] = ()


class HostCuts(BaseModel):
    """All of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    cuts: tuple[HostCut, ...] = ()


def write_host_cuts(folder: Path, cuts: Sequence[HostCut]) -> None:
    """Write `host-cuts.json`. Raises HostError."""
    write_model(folder / HOST_CUTS_FILE, HostCuts(cuts=tuple(cuts)))


def read_host_cuts(folder: Path) -> tuple[HostCut, ...]:
    """What was noted; nothing without a file. Raises RecordError."""
    path = folder / HOST_CUTS_FILE
    return read_model(path, HostCuts).cuts if path.exists() else ()


def sent_to_cut_host(rows: NDArray[np.void], cuts: Sequence[HostCut]) -> NDArray[np.bool_]:
    """Which of the generator's rows were on their way to a host while it was away."""
    found = np.zeros(len(rows), dtype=np.bool_)
    for cut in cuts:
        named = {(one.person, one.tab, one.step, one.number) for one in cut.attempts}
        waited = np.flatnonzero(
            (rows["sent"] <= cut.until_us) & (rows["done"] >= cut.from_us) & (rows["done"] <= cut.until_us + HEARD_WITHIN_US)
        )
        for row in waited.tolist():
            found[row] |= tuple(rows[["person", "tab", "step", "number"]][row].tolist()) in named
    return found
