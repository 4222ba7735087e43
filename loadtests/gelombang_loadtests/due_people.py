"""Who is due when in one process: the plan's array, and what a dead process's people add to it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEVER_US = 1 << 62


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Who arrives when in this process: due times ascending, microseconds since zero."""

    due_us: NDArray[np.int64]
    indices: NDArray[np.int64]

    @classmethod
    def of(cls, indices: NDArray[np.int64], due_us: NDArray[np.int64]) -> "Arrivals":
        """As a stripe gives them."""
        return cls(due_us, indices)

    def index(self, position: int) -> int:
        return int(self.indices[position])

    def joined(self, position: int, more: "Arrivals") -> "Arrivals":
        """With more people among those from `position` on; nobody before it moves."""
        due_us = np.concatenate((self.due_us[position:], more.due_us))
        order = np.argsort(due_us, kind="stable")
        indices = np.concatenate((self.indices[position:], more.indices))[order]
        return Arrivals(np.concatenate((self.due_us[:position], due_us[order])), np.concatenate((self.indices[:position], indices)))
