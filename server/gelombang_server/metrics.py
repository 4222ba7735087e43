"""The metrics of one server process: every family of the catalogue that belongs to the server, in one registry.

Names, labels, buckets and meanings come from `gelombang.telemetry` alone. Children with labels are prepared once and kept, because
looking one up costs more than counting; all label values come from closed sets, so the caches are bounded. What is a level and not an
event is read at scrape (`at_scrape`, or `level` where the database has to be asked).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import cache
from types import MappingProxyType
from typing import Never

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from gelombang import telemetry
from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.metrics_text import PageWriter
from gelombang.steps import PhotoKind
from gelombang.telemetry import Kind, Metric, Side
from gelombang_server.problem import Problem
from gelombang_server.tally import RequestTally, TimeTally

LAG_SAMPLE_SECONDS = 0.05
"""How often the event loop's lag is sampled."""

_TALLIED = frozenset({telemetry.REQUESTS, telemetry.REQUEST_SECONDS, telemetry.UPLOAD_STAGE_SECONDS})
"""Counted by the tallies, because every request is, and every stage of an upload."""
_KEPT_ELSEWHERE = _TALLIED.union(telemetry.SERVER_AUDIT)
"""With those that an auditor keeps, where there is one (`gelombang_server.auditing.figures`)."""

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """One registry and its handles."""

    def __init__(
        self, profile: str, scale: str, slot: int, run_id: str = "", scenario: str = "", labels: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._handles: dict[str, Counter | Gauge | Histogram] = {}
        self._scrapes: list[Callable[[], None]] = []
        self._levels: list[Callable[[], Awaitable[None]]] = []
        self.lag_listeners: list[Callable[[int, int], None]] = []
        """Told of each look at the event loop: when it was (monotonic), and how late the timer came, in microseconds."""
        self._writer = PageWriter()
        for spec in telemetry.CATALOGUE:
            # A machine that another process reports is absent here, and not 0.
            if spec.side is Side.SERVER and spec not in _KEPT_ELSEWHERE and (slot == 0 or spec not in telemetry.SERVER_MACHINE):
                self._handles[spec.name] = self._register(spec, tuple(labels) if spec.takes_labels else ())
        self.requests = RequestTally()
        self.registry.register(self.requests)
        self.upload_stages = TimeTally[str](telemetry.UPLOAD_STAGE_SECONDS, str)
        self.registry.register(self.upload_stages)
        self.gauge(telemetry.SERVER_INFO).labels(profile, scale, str(slot), run_id, scenario, *labels.values()).set(1)
        self.upload_started = {kind: self.counter(telemetry.UPLOAD_ATTEMPTS_STARTED).labels(kind.value) for kind in PhotoKind}
        self.in_flight = self.gauge(telemetry.UPLOAD_ATTEMPTS_IN_FLIGHT)
        self.received_bytes = self.counter(telemetry.UPLOAD_RECEIVED_BYTES)
        self.kept_bytes = self.counter(telemetry.UPLOAD_KEPT_BYTES)
        self.upload_ended = cache(self._upload_ended)
        self.problem = cache(self._problem)
        self.shed = cache(self._shed)
        self.passed = cache(self._passed)

    def counter(self, spec: Metric) -> Counter:
        """The counter of this catalogue entry."""
        handle = self._handles[spec.name]
        assert isinstance(handle, Counter), f"{spec.name} is a {spec.kind}"
        return handle

    def gauge(self, spec: Metric) -> Gauge:
        """The gauge of this catalogue entry."""
        handle = self._handles[spec.name]
        assert isinstance(handle, Gauge), f"{spec.name} is a {spec.kind}"
        return handle

    def histogram(self, spec: Metric) -> Histogram:
        """The histogram of this catalogue entry."""
        handle = self._handles[spec.name]
        assert isinstance(handle, Histogram), f"{spec.name} is a {spec.kind}"
        return handle

    def at_scrape(self, read: Callable[[], None]) -> None:
        """Call `read` before every scrape, to set gauges from what they show."""
        self._scrapes.append(read)

    def level(self, look: Callable[[], Awaitable[None]]) -> None:
        """Call `look` before every scrape of the harness, to set a gauge from what the database holds."""
        self._levels.append(look)

    async def look_at_levels(self) -> None:
        """While the database can't be read, its levels stay as they were last seen; why is in its own metrics."""
        for look in self._levels:
            with suppress(Problem):
                await look()

    def page(self) -> bytes:
        """The Prometheus text of this process now."""
        for read in self._scrapes:
            read()
        return self._writer.page(self.registry.collect())

    async def sample_loop_lag(self) -> Never:
        """Runs for ever: how late the event loop wakes a timer."""
        lag = self.histogram(telemetry.LOOP_LAG_SECONDS)
        while True:
            due_us = monotonic_us() + round(LAG_SAMPLE_SECONDS * MICROSECONDS)
            await asyncio.sleep(LAG_SAMPLE_SECONDS)
            now_us = monotonic_us()
            late_us = max(0, now_us - due_us)
            lag.observe(late_us / MICROSECONDS)
            for listen in self.lag_listeners:
                listen(now_us, late_us)

    def _register(self, spec: Metric, more_labels: tuple[str, ...]) -> Counter | Gauge | Histogram:
        labels = (*spec.labels, *more_labels)
        match spec.kind:
            case Kind.COUNTER:
                return Counter(spec.name, spec.help, labels, registry=self.registry)
            case Kind.GAUGE:
                return Gauge(spec.name, spec.help, labels, registry=self.registry)
            case Kind.HISTOGRAM:
                return Histogram(spec.name, spec.help, labels, registry=self.registry, buckets=spec.buckets)

    def _upload_ended(self, photo: PhotoKind, stage: Stage, outcome: ServerOutcome, code: Code) -> Counter:
        names = (photo.value, stage.name.lower(), outcome.name.lower(), code.name.lower())
        return self.counter(telemetry.UPLOAD_ATTEMPTS).labels(*names)

    def _problem(self, code: Code) -> Counter:
        return self.counter(telemetry.PROBLEMS).labels(code.name.lower())

    def _shed(self, code: Code) -> Counter:
        return self.counter(telemetry.SHED).labels(code.name.lower())

    def _passed(self, step: str) -> Counter:
        return self.counter(telemetry.PEOPLE_STEPS).labels(step)
