"""Locust's statistics, told of exchanges by the second instead of one by one.

Locust counts an exchange in two entries, each with its own look at the clock: a tenth of a small exchange's CPU. Here the exchanges of one
second are gathered by name and method, and added with `StatsEntry.extend`, as Locust's master adds what its workers counted. Its tables,
CSV files and web page come to the same numbers, at most two seconds later. Failures are told at once: Locust keeps them by their texts.
"""

from collections import defaultdict

import gevent
from locust import stats as locust_stats
from locust.stats import RequestStats, StatsEntry

from gelombang.clock import wall_seconds

LOOKED_EVERY_SECONDS = 0.5
"""How long after a second is over its exchanges are told at the latest, where none follows."""
GATHERED_LIMIT = 10_000
"""Exchanges that are gathered before they are told, however early it is."""


class LocustStatistics:
    """Stands before one Locust process's statistics, from the first exchange until `close`."""

    def __init__(self, stats: RequestStats) -> None:
        self._stats = stats
        self._gathered: defaultdict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
        self._count = 0
        self._second = 0
        self._first_seconds = self._last_seconds = 0.0
        self._teller = gevent.spawn(self._tell_regularly)

    def add(self, kind: str, name: str, service_ms: float, length_bytes: int) -> None:
        """An exchange of this kind, at the step of that name, has ended now."""
        now_seconds = wall_seconds()
        second = int(now_seconds)
        if second != self._second or self._count >= GATHERED_LIMIT:
            self.tell()
            self._second = second
        if not self._count:
            self._first_seconds = now_seconds
        self._last_seconds = now_seconds
        self._count += 1
        self._gathered[name, kind].append((service_ms, length_bytes))

    def tell(self) -> None:
        """Locust's statistics hold everything from here on."""
        if not self._count:
            return
        total = StatsEntry(self._stats, "", "")
        gathered, self._gathered, self._count = self._gathered, defaultdict(list), 0
        for key, exchanges in gathered.items():
            found = self._entry(exchanges)
            self._stats.entries[key].extend(found)
            total.extend(found)
        self._stats.total.extend(total)

    def close(self) -> None:
        """Tell the rest; nothing may be added afterwards."""
        self._teller.kill()
        self.tell()

    def _entry(self, exchanges: list[tuple[float, int]]) -> StatsEntry:
        """The exchanges of one name in the second, as Locust would have counted them."""
        entry = StatsEntry(self._stats, "", "")
        times_ms = [service_ms for service_ms, _ in exchanges]
        entry.num_requests = len(exchanges)
        entry.num_reqs_per_sec[self._second] = len(exchanges)
        entry.start_time, entry.last_request_timestamp = self._first_seconds, self._last_seconds
        entry.total_response_time = sum(times_ms)
        entry.min_response_time, entry.max_response_time = min(times_ms), max(times_ms)
        entry.total_content_length = sum([length_bytes for _, length_bytes in exchanges])
        # Asked of the module each time: Locust lets people put another rule in its place.
        bucket_of, response_times = locust_stats.bucket_response_time, entry.response_times
        for service_ms in times_ms:
            response_times[bucket_of(service_ms)] += 1
        return entry

    def _tell_regularly(self) -> None:
        while True:
            gevent.sleep(LOOKED_EVERY_SECONDS)
            if int(wall_seconds()) != self._second:
                self.tell()
