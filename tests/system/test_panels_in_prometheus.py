"""Every query of the dashboard, asked of a real Prometheus that scrapes the whole catalogue with values that move.

A panel that is empty here would be empty in front of an operator: a name misspelt, labels that do not match, a rate over too short a
window. The exporters serve the catalogue's metrics, and each scrape finds them moved on, so nothing here depends on the clock.
"""

import json
import math
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, start_http_server

from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.telemetry import CATALOGUE, Kind, Metric, Side
from gelombang.telemetry_labels import LABEL_SETS
from gelombang_dashboards.prometheus import Target, prometheus_config
from tests.support.asking_prometheus import AskedPrometheus
from tests.support.debian_tools import program
from tests.support.drawn_panels import drawn

PAGES = sorted((Path(__file__).parents[2] / "dashboards" / "grafana").glob("*.json"))
FILE = next(page for page in PAGES if page.stem == "where-uploads-fail")
SCRAPE_SECONDS = 0.2
WITHIN_SECONDS = 60.0
LABEL_VALUES_SHOWN = 3

Answer = TypeVar("Answer")

pytestmark = [pytest.mark.system, pytest.mark.timeout(40)]


class MovingExporter:
    """Every metric of one side, with a few values of each label, moving on at each scrape."""

    def __init__(self, side: Side) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._moves: list[Callable[[int], None]] = []
        self._scrapes = 0
        for metric in CATALOGUE:
            if metric.side is side:
                self._add(metric)

    def collect(self) -> list:
        """Called at each scrape, before the metrics are read, because it was registered first."""
        self._scrapes += 1
        for move in getattr(self, "_moves", []):
            move(self._scrapes)
        return []

    def _add(self, metric: Metric) -> None:
        form = {Kind.COUNTER: Counter, Kind.GAUGE: Gauge, Kind.HISTOGRAM: Histogram}[metric.kind]
        more = {"buckets": metric.buckets} if metric.buckets else {}
        family = form(metric.name, metric.help, metric.labels, registry=self.registry, **more)
        for place, values in enumerate(product(*(self._values(metric, label) for label in metric.labels))):
            self._moves.append(self._move(family.labels(*values) if values else family, place + 1))

    @staticmethod
    def _values(metric: Metric, label: str) -> list[str]:
        if metric.name.endswith("_info"):
            return [f"{label}-1"]
        known = LABEL_SETS[metric.side, label].values
        if label in ("outcome", "code", "stage"):
            wanted = {"completed", "failed", "ok", "timed_out", "none", "upload_failed", "photo_too_large", "uploads_busy", "store", "body"}
            return [value for value in known if value in wanted]
        if label == "status":
            return ["200", "429", "503"]
        return list(known) or [f"{label}-{n}" for n in range(LABEL_VALUES_SHOWN)]

    @staticmethod
    def _move(child: Counter | Gauge | Histogram, amount: int) -> Callable[[int], None]:
        if isinstance(child, Counter):
            return lambda _: child.inc(amount)
        if isinstance(child, Gauge):
            return lambda scrapes: child.set(amount + scrapes % 7)
        return lambda scrapes: child.observe(0.001 * (1 + scrapes % 50))


@contextmanager
def exporting(side: Side) -> Iterator[Target]:
    server, thread = start_http_server(0, "127.0.0.1", registry=MovingExporter(side).registry)
    try:
        yield Target(side, f"127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def until(what: str, ask: Callable[[], Answer | None]) -> Answer:
    """The first answer that is not None; fails after WITHIN_SECONDS with what was waited for."""
    until_us = monotonic_us() + int(WITHIN_SECONDS * 1e6)
    while monotonic_us() < until_us:
        answer = ask()
        if answer is not None:
            return answer
        sleep_seconds(0.05)
    pytest.fail(f"within {WITHIN_SECONDS} s: {what}")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AskedPrometheus]:
    """A Prometheus that has scraped both sides often enough for a rate."""
    disable_created_metrics()
    folder = tmp_path_factory.mktemp("prometheus")
    with exporting(Side.SERVER) as server, exporting(Side.GENERATOR) as generator, (folder / "log").open("wb") as log:
        (folder / "prometheus.yml").write_text(prometheus_config([server, generator], scrape_seconds=SCRAPE_SECONDS))
        arguments = [
            program("prometheus"),
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            "--web.listen-address=127.0.0.1:0",
        ]
        process = subprocess.Popen(arguments, stdout=log, stderr=log)
        try:
            port = until("Prometheus listens", lambda: listening_port(process, folder / "log"))
            api = AskedPrometheus(f"http://127.0.0.1:{port}")
            until("both sides are scraped ten times", lambda: scraped_ten_times(api))
            yield api
        finally:
            process.terminate()
            process.wait(10)


def listening_port(process: subprocess.Popen[bytes], log: Path) -> int | None:
    assert process.poll() is None, log.read_text()
    for connection in psutil.Process(process.pid).net_connections("tcp4"):
        if connection.status == psutil.CONN_LISTEN and b"ready to receive web requests" in log.read_bytes():
            return connection.laddr.port
    return None


def scraped_ten_times(api: AskedPrometheus) -> bool | None:
    counts = api.values('sum_over_time(up{job=~"gelombang-.*"}[1m])')
    return True if len(counts) == 2 and min(counts) >= 10 else None


def asked(expression: str) -> str:
    """The query as Grafana asks it with everything chosen: rates look back over at least four scrapes."""
    for variable, value in {
        "$__rate_interval": "2s",
        "$__range": "1m",
        "$job": "gelombang-server|gelombang-generator",
        "$instance": ".+",
    }.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression
    return expression


def test_every_query_of_every_panel_gives_numbers(prometheus: AskedPrometheus) -> None:
    wrong = []
    panels = [panel for page in PAGES for panel in drawn(json.loads(page.read_text(encoding="utf-8")))]
    # What reads a recording rule is asked on a recorded run: made-up values meet none of the rules' conditions.
    queries = [(p["title"], t["expr"]) for p in panels for t in p["targets"] if ":gelombang_" not in t["expr"]]
    assert len(queries) > 40
    for title, expression in queries:
        values = prometheus.values(asked(expression))
        if not values or not all(math.isfinite(value) for value in values):
            wrong.append(f"{title}: {expression} gives {values}")
    assert wrong == []


def test_shares_lie_between_0_and_1_and_move_with_what_happens(prometheus: AskedPrometheus) -> None:
    panels = {panel["title"]: panel for page in PAGES for panel in drawn(json.loads(page.read_text(encoding="utf-8")))}
    for title in ("Failed share of uploads", "Requests that succeed: account, e-mail, data, OTP"):
        for target in panels[title]["targets"]:
            for value in prometheus.values(asked(target["expr"])):
                assert 0 < value < 1, (title, target["legendFormat"], value)


def test_the_page_can_be_narrowed_to_a_profile(prometheus: AskedPrometheus) -> None:
    variables = {v["name"]: v for v in json.loads(FILE.read_text(encoding="utf-8"))["templating"]["list"]}
    for name, expected in [("job", 2), ("profile", 1), ("instance", 2)]:
        matchers = variables[name]["query"]["query"].removeprefix("label_values(").rsplit(", ", 1)[0]
        selector = asked(matchers.replace("$profile", ".+"))
        assert len(prometheus.get(f"/api/v1/label/{name}/values", **{"match[]": selector})) == expected, name


def test_every_rule_is_evaluated_without_an_error(prometheus: AskedPrometheus) -> None:
    def evaluated() -> list[dict] | None:
        rules = [rule for group in prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]]
        return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None

    rules = until("the rules are evaluated", evaluated)
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []
