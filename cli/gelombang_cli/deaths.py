"""Notices generator processes that died, and tells the living whose people they go on with (`gelombang.striping`).

The kernel says of a child that it is dead, so nobody has to be outwaited: the dead-man delay only gives the living time to hear of it.
"""

import signal
from collections.abc import Sequence
from pathlib import Path

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.striping import DEATHS_LIMIT, Death, write_deaths
from gelombang_cli.child import Child

DEAD_MAN_SECONDS = 1.0
"""Wall time from the moment that a death was noticed to that from which the dead process's people are walked by others."""
ORDERLY_CODES = (0, 1, 2, 4)
"""Exit codes of a process that closed its files: as expected, with a failed run, or with one sentence about its input or the target."""


class DeathWatch:
    """Looks after the generator processes of one run; process k is the k-th child."""

    def __init__(self, generators: Sequence[Child], zero_us: int, folder: Path) -> None:
        assert len(generators) <= DEATHS_LIMIT
        self._generators = generators
        self._zero_us = zero_us
        self._folder = folder
        self.deaths: list[Death] = []

    def look(self) -> list[Death]:
        """Deaths since the last call; the living have been told, and `deaths.json` holds them."""
        dead = [k for k, child in enumerate(self._generators) if not child.running and child.process.returncode not in ORDERLY_CODES]
        known = {death.process for death in self.deaths}
        return [self._died(process) for process in dead if process not in known]

    def _died(self, process: int) -> Death:
        now_us = monotonic_us() - self._zero_us
        living = tuple(k for k, child in enumerate(self._generators) if child.running)
        death = Death(
            epoch=len(self.deaths) + 1,
            process=process,
            how=_how(self._generators[process].process.returncode),
            at_us=now_us,
            from_us=now_us + int(DEAD_MAN_SECONDS * MICROSECONDS),
            living=living,
        )
        self.deaths.append(death)
        write_deaths(self._folder, self.deaths)
        for k in living:
            self._generators[k].offer({"death": death.model_dump()})
        return death


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
