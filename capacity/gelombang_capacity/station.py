"""Stations that need no events: a few servers with one line, first come first served, and a database that commits many at once.

The recursion is that of Kiefer and Wolfowitz, "On the theory of queues with many servers", 1955: whoever comes next takes the server that
is free first. Its line is bounded by the people who ask, each of whom has one request under way. A commit takes all who have come until it
begins; who comes while it is under way goes into the next one, which begins when it ends (group commit; DeWitt et al., "Implementation
Techniques for Main Memory Database Systems", 1984, section 5). How long a transaction takes is drawn by whoever opens it.
"""

import numpy as np
from numpy.typing import NDArray

from gelombang_capacity.jit import compiled, compiled_entry

COMMITS = np.dtype([("commit_begins", "<i8"), ("commit_ends", "<i8")])
"""The part of the site's row that `commit` reads and writes."""


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


@compiled
def commit(site: NDArray[np.void], now_us: int, commit_us: int) -> int:
    """When what is written now is durable; `site` holds when the last transaction begins and ends."""
    s = site[0]
    if now_us >= s.commit_begins:
        s.commit_begins = max(now_us, s.commit_ends)
        s.commit_ends = s.commit_begins + commit_us
    return int(s.commit_ends)


@compiled_entry
def serve_all(servers: int, arrivals_us: NDArray[np.int64], services_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """When each of many requests is done, in the order of their arrivals."""
    free_us = np.zeros(servers, dtype=np.int64)
    done_us = np.empty(len(arrivals_us), dtype=np.int64)
    for i in range(len(arrivals_us)):
        done_us[i] = serve(free_us, arrivals_us[i], services_us[i])
    return done_us


@compiled_entry
def commit_all(site: NDArray[np.void], arrivals_us: NDArray[np.int64], commits_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """When each of many writes is durable, in the order of their arrivals; `site` is a fresh row of COMMITS."""
    done_us = np.empty(len(arrivals_us), dtype=np.int64)
    for i in range(len(arrivals_us)):
        done_us[i] = commit(site, arrivals_us[i], commits_us[i])
    return done_us
