"""Where people connect from when the site is on this machine.

A connection that its client closed keeps its port for a minute, for this address and that server: one in five of the surge at 22 times its
speed needed 0.91 of the 28,232 ports that a kernel gives by itself. All of 127.0.0.0/8 is this machine, and every address of it has ports
of its own, so a crowd takes more of them. Leaves out other kernels than Linux, where only 127.0.0.1 is there by itself.
"""

import sys

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS

MINUTE_US = 60 * MICROSECONDS
PEOPLE_PER_ADDRESS = 5_000
"""Who come within a minute. Where 12,200 did, 41,000 ports were in use or not free yet, of 64,512: three and a half for each."""
ADDRESSES_LIMIT = 64


def loopback_sources(due_us: NDArray[np.int64]) -> list[str]:
    """127.0.0.1 and those after it, as many as a crowd wants; none where one does, or where the kernel does not have them.

    `due_us`: when people come, of all processes, in wall time and in order.
    """
    crowd = int((np.searchsorted(due_us, due_us + MINUTE_US) - np.arange(len(due_us))).max(initial=0))
    wanted = min(-(-crowd // PEOPLE_PER_ADDRESS), ADDRESSES_LIMIT)
    return [f"127.0.0.{k}" for k in range(1, wanted + 1)] if wanted > 1 and sys.platform == "linux" else []
