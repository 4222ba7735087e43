"""The generator's metrics pushed by OTLP over HTTP (`--otlp URL`), for a collector that can't scrape a run that lives for a minute.

The scraper hands over each page as it comes; a thread sends the latest of each process every few seconds, and once more when the run has
ended, so that a short run is whole. The official OpenTelemetry exporter does the encoding and the sending; it is an extra (`pip install
'gelombang[otlp]'`) and is imported only here. A collector that does not take what it is sent never stops a run: how often that happened is
said at its end. Counters and histograms are cumulative from the run's beginning (OpenTelemetry, "Metrics Data Model", temporality).
"""

import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from prometheus_client import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from gelombang.clock import utc_now
from gelombang.errors import HostError, InputError
from gelombang.openmetrics import JOBS
from gelombang.series_file import Source

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics

PUSH_EVERY_SECONDS = 5.0
ANSWER_WITHIN_SECONDS = 3.0
NANOSECONDS = 1_000_000_000
SCOPE = "gelombang"
PATH = "/v1/metrics"
"""Where a collector takes metrics when the URL names no path (OTLP/HTTP, "Binary Protobuf Encoding")."""

_NO_EXTREMES: dict[str, Any] = {"min": None, "max": None}
"""A page has neither the smallest nor the largest; None leaves the fields out, which the message allows and the class's types don't."""
_EXPORTER = "opentelemetry.exporter.otlp.proto.http.metric_exporter"


def metrics_endpoint(url: str) -> str:
    """The address that is pushed to. Raises InputError for what is no URL, HostError when the exporter is not installed."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"--otlp is {url!r}; want the URL of a collector such as http://127.0.0.1:4318")
    try:
        import_module(_EXPORTER)
    except ImportError:
        raise HostError("--otlp is given and the OpenTelemetry exporter is not installed; want pip install 'gelombang[otlp]'") from None
    return url if parts.path.strip("/") else url.rstrip("/") + PATH


class OtlpPush:
    """Pushes while the block lasts. `about` describes the run: it is on every process's resource."""

    def __init__(self, endpoint: str, about: Mapping[str, str]) -> None:
        # Imported here: the exporter is an extra.
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        self._exporter: OTLPMetricExporter = OTLPMetricExporter(endpoint=endpoint, timeout=ANSWER_WITHIN_SECONDS)
        self._about = dict(about)
        self._began_ns = _now_ns()
        self._latest: dict[Source, tuple[int, bytes]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._push_on, name="otlp-push", daemon=True)
        self.pushes = 0
        self.failures = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._push()
        self._exporter.shutdown()

    def offer(self, source: Source, page: bytes) -> None:
        """The newest page of a process; an older one that was not sent yet is forgotten."""
        with self._lock:
            self._latest[source] = (_now_ns(), page)

    def _push_on(self) -> None:
        while not self._stop.wait(PUSH_EVERY_SECONDS):
            self._push()

    def _push(self) -> None:
        from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData

        with self._lock:
            latest, self._latest = self._latest, {}
        if not latest:
            return
        found = [self._of_process(source, at_ns, page) for source, (at_ns, page) in latest.items()]
        self.pushes += 1
        if self._exporter.export(MetricsData(resource_metrics=found)) is not MetricExportResult.SUCCESS:
            self.failures += 1

    def _of_process(self, source: Source, at_ns: int, page: bytes) -> "ResourceMetrics":
        from opentelemetry.sdk.metrics.export import ResourceMetrics, ScopeMetrics
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        resource = Resource({"service.name": JOBS[source.side], "service.instance.id": source.instance, **self._about})
        metrics = [metric for family in text_string_to_metric_families(page.decode()) if (metric := self._metric(family, at_ns))]
        scope = ScopeMetrics(scope=InstrumentationScope(SCOPE), metrics=metrics, schema_url="")
        return ResourceMetrics(resource=resource, scope_metrics=[scope], schema_url="")

    def _metric(self, family: Family, at_ns: int) -> "Metric | None":
        """A family that has no sample yet has nothing to say."""
        from opentelemetry.sdk.metrics.export import AggregationTemporality, Gauge, Histogram, Metric, Sum

        if not family.samples:
            return None
        cumulative = AggregationTemporality.CUMULATIVE
        name = f"{family.name}_total" if family.type == "counter" else family.name
        data: Sum | Histogram | Gauge
        match family.type:
            case "counter":
                data = Sum(self._numbers(family.samples, at_ns), cumulative, is_monotonic=True)
            case "histogram":
                data = Histogram(self._histograms(family, at_ns), cumulative)
            case _:
                data = Gauge(self._numbers(family.samples, at_ns))
        return Metric(name=name, description=family.documentation, unit=_unit(family.name), data=data)

    def _numbers(self, samples: Sequence[Sample], at_ns: int) -> "list[NumberDataPoint]":
        from opentelemetry.sdk.metrics.export import NumberDataPoint

        return [NumberDataPoint(dict(sample.labels), self._began_ns, at_ns, sample.value) for sample in samples]

    def _histograms(self, family: Family, at_ns: int) -> "list[HistogramDataPoint]":
        from opentelemetry.sdk.metrics.export import HistogramDataPoint

        points = []
        for labels, edges, total in _by_labels(family):
            counts = [round(edges[0][1]), *(round(more - less) for (_, less), (_, more) in pairwise(edges))]
            bounds = [edge for edge, _ in edges[:-1]]
            points.append(HistogramDataPoint(labels, self._began_ns, at_ns, sum(counts), total, counts, bounds, **_NO_EXTREMES))
        return points


def _by_labels(family: Family) -> list[tuple[dict[str, str], list[tuple[float, float]], float]]:
    """Each histogram of a family: its labels, its (edge, count up to it) and its sum."""
    edges: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    sums: dict[tuple[tuple[str, str], ...], float] = {}
    for sample in family.samples:
        labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
        if sample.name.endswith("_bucket"):
            edges.setdefault(labels, []).append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_sum"):
            sums[labels] = sample.value
    return [(dict(labels), found, sums[labels]) for labels, found in edges.items()]


def _unit(name: str) -> str:
    """UCUM, as OpenTelemetry wants it, from the end of a Prometheus name."""
    return {"seconds": "s", "bytes": "By", "ratio": "1"}.get(name.rpartition("_")[2], "")


def _now_ns() -> int:
    return int(utc_now().timestamp() * NANOSECONDS)
