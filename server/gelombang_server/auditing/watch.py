"""The auditor's metrics, on the page of the process that is scraped: read from the row that the auditor writes, when somebody looks."""

from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from gelombang import telemetry
from gelombang.clock import MICROSECONDS
from gelombang.telemetry_labels import AUDIT_FINDINGS
from gelombang_server.auditing.figures import Figures, read_figures


class AuditorWatch(Collector):
    """Of one site's auditor; no series before it has looked for the first time."""

    def __init__(self, path: Path, now_us: Callable[[], int]) -> None:
        self._path = path
        self._now_us = now_us
        self._last: Figures | None = None

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """The families as they are now."""
        found = self._last = read_figures(self._path) or self._last
        if found is None:
            return
        names = telemetry.SERVER_AUDIT
        photos = CounterMetricFamily(names.photos.name, names.photos.help, labels=names.photos.labels)
        for finding, count in zip(AUDIT_FINDINGS, (found.right, found.wrong, found.unreadable), strict=True):
            photos.add_metric((finding,), count)
        yield photos
        yield CounterMetricFamily(names.removed_bytes.name, names.removed_bytes.help, found.removed_bytes)
        for metric, value in (
            (names.kept_bytes, found.kept_bytes),
            (names.due_bytes, found.due_bytes),
            (names.limit_bytes, found.limit_bytes),
            (names.age_seconds, max(0, self._now_us() - found.at_us) / MICROSECONDS),
        ):
            yield GaugeMetricFamily(metric.name, metric.help, value)
