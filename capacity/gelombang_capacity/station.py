"""A station with a few servers and one line, first come first served: who asks later begins later, so no events are needed.

The recursion is that of Kiefer and Wolfowitz, "On the theory of queues with many servers", 1955: whoever comes next takes the server that
is free first. Its line is bounded by the people who ask, each of whom has one request under way.
"""

import numpy as np
from numpy.typing import NDArray

from gelombang_capacity.jit import compiled, compiled_entry


@compiled
def serve(free_us: NDArray[np.int64], now_us: int, service_us: int) -> int:
    """When a request that comes now is done; `free_us` holds when each server will be free."""
    first = 0
    for i in range(1, len(free_us)):
        if free_us[i] < free_us[first]:
            first = i
    done_us = max(now_us, free_us[first]) + service_us
    free_us[first] = done_us
    return int(done_us)


@compiled_entry
def serve_all(servers: int, arrivals_us: NDArray[np.int64], services_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """When each of many requests is done, in the order of their arrivals."""
    free_us = np.zeros(servers, dtype=np.int64)
    done_us = np.empty(len(arrivals_us), dtype=np.int64)
    for i in range(len(arrivals_us)):
        done_us[i] = serve(free_us, arrivals_us[i], services_us[i])
    return done_us
