"""Requests answered, by route and status, and how long they took: numbers in the process, made into metrics when somebody looks.

A counter and a histogram of the metrics' library cost a lock and some checks each time; a request is counted with two additions. Names,
labels, buckets and meanings are the catalogue's, as for every other metric. Routes and statuses are closed sets, so the tables are bounded.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gelombang import telemetry
from gelombang.clock import MICROSECONDS
from gelombang_server.routes import Route

_BOUNDS_US = [bound * MICROSECONDS for bound in telemetry.REQUEST_SECONDS.buckets]
_NAMES = [*map(floatToGoString, telemetry.REQUEST_SECONDS.buckets), "+Inf"]


class RequestTally(Collector):
    """Of one process."""

    def __init__(self) -> None:
        self._answered: Counter[tuple[Route, int]] = Counter()
        self._in_bucket: defaultdict[Route, list[int]] = defaultdict(lambda: [0] * len(_NAMES))
        self._took_us: Counter[Route] = Counter()

    def answered(self, route: Route, status: int) -> None:
        """One more answer."""
        self._answered[route, status] += 1

    def took(self, route: Route, took_us: int) -> None:
        """How long one answer took, from its head on."""
        self._in_bucket[route][bisect_left(_BOUNDS_US, took_us)] += 1
        self._took_us[route] += took_us

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        """The two families as they are now."""
        requests, seconds = telemetry.REQUESTS, telemetry.REQUEST_SECONDS
        counts = CounterMetricFamily(requests.name, requests.help, labels=requests.labels)
        for (route, status), count in self._answered.items():
            counts.add_metric((route.label, str(status)), count)
        yield counts
        times = HistogramMetricFamily(seconds.name, seconds.help, labels=seconds.labels)
        for route, each in self._in_bucket.items():
            buckets = list(zip(_NAMES, map(float, accumulate(each)), strict=True))
            times.add_metric((route.label,), buckets, self._took_us[route] / MICROSECONDS)
        yield times
