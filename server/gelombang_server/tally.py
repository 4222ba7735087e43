"""Requests answered and how long they took, and the stages of uploads: numbers in the process, made into metrics when somebody looks.

A counter and a histogram of the metrics' library cost a lock and some checks each time; a request is counted with two additions. Names,
labels, buckets and meanings are the catalogue's, as for every other metric. Routes, statuses and stages are closed sets, so the tables are
bounded. Left out: what threads count, because an addition here is no single step.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gelombang import telemetry
from gelombang.clock import MICROSECONDS
from gelombang.telemetry import Metric
from gelombang_server.routes import Route

K = TypeVar("K")


class TimeTally(Collector, Generic[K]):
    """A histogram of the catalogue that has one label, whose value `label_of` tells; counted in the loop's thread alone."""

    def __init__(self, spec: Metric, label_of: Callable[[K], str]) -> None:
        self._spec = spec
        self._label_of = label_of
        self._bounds_us = [bound * MICROSECONDS for bound in spec.buckets]
        self._names = [*map(floatToGoString, spec.buckets), "+Inf"]
        self._in_bucket: defaultdict[K, list[int]] = defaultdict(lambda: [0] * len(self._names))
        self._took_us: Counter[K] = Counter()

    def took(self, what: K, took_us: int) -> None:
        """How long one of `what` took."""
        self._in_bucket[what][bisect_left(self._bounds_us, took_us)] += 1
        self._took_us[what] += took_us

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The family as it is now."""
        times = HistogramMetricFamily(self._spec.name, self._spec.help, labels=self._spec.labels)
        for what, each in self._in_bucket.items():
            buckets = list(zip(self._names, map(float, accumulate(each)), strict=True))
            times.add_metric((self._label_of(what),), buckets, self._took_us[what] / MICROSECONDS)
        yield times


class RequestTally(Collector):
    """Of one process."""

    def __init__(self) -> None:
        self._answered: Counter[tuple[Route, int]] = Counter()
        self._seconds = TimeTally[Route](telemetry.REQUEST_SECONDS, lambda route: route.label)

    def answered(self, route: Route, status: int) -> None:
        """One more answer."""
        self._answered[route, status] += 1

    def took(self, route: Route, took_us: int) -> None:
        """How long one answer took, from its head on."""
        self._seconds.took(route, took_us)

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        """The two families as they are now."""
        requests = telemetry.REQUESTS
        counts = CounterMetricFamily(requests.name, requests.help, labels=requests.labels)
        for (route, status), count in self._answered.items():
            counts.add_metric((route.label, str(status)), count)
        yield counts
        yield from self._seconds.collect()
