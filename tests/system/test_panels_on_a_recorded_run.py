"""Every query of every page, and every rule, on a recorded opening hour in a real Prometheus: none is empty, none stands still that must
move.

One run against each site is recorded, and both are laid beside each other as the processes of one. To see what a longer scrape interval
shows, the same recording is laid on a slower clock (`slower_clock`). A recording without its generator is the real day: pages must not need
one, and those that do must say so.
"""

import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gelombang.series_file import RunSeries, read_series
from gelombang.telemetry import CATALOGUE, SERVER_AUDIT
from gelombang_cli.past_run import back_fill, shipped_rules, span_of
from gelombang_cli.prometheus import Prometheus
from gelombang_dashboards.prometheus import prometheus_config
from tests.support.asking_prometheus import AskedPrometheus
from tests.support.debian_tools import program
from tests.support.drawn_panels import drawn
from tests.support.slower_clock import beside, of_site, slower, slower_rules, without_generator

PAGES = sorted((Path(__file__).parents[2] / "dashboards" / "grafana").glob("*.json"))
SITES = ("april-2020", "hardened")
SCRAPES_A_RATE = 4
RULES_EVERY_SCRAPES = 5
POINTS = 120
INTERVALS = (1, 15, 30, 60)
ORDERS = re.compile(
    r"_(limit|limit_bytes|limit_per_second|capacity_bytes|bandwidth_bytes_per_second|cores|machine_memory_bytes|speed_ratio|sample_ratio"
    r"|people_planned|info)$"
)
"""What a run was ordered to be, or a machine is: it does not move."""
NEED_NOT_MOVE = frozenset(
    {
        "gelombang_server_accept_queue",
        "gelombang_server_machine_listen_overflows_total",
        "gelombang_server_machine_listen_drops_total",
        "gelombang_server_commit_queue",
        "gelombang_server_photo_checks_waiting",
        "gelombang_server_commit_threads_busy",
        "gelombang_server_commit_line_stands",
        "gelombang_server_commit_wait_seconds",
        "gelombang_server_room_people",
        "gelombang_server_room_admitted_total",
        "gelombang_server_room_told_again_total",
        "gelombang_server_hash_queue",
        "gelombang_server_hash_threads_busy",
        "gelombang_server_database_queue",
        "gelombang_server_requests_in_progress",
        "gelombang_server_machine_tcp_retransmits_total",
        "gelombang_generator_machine_tcp_retransmits_total",
        "gelombang_server_machine_stalled_seconds_total",
        "gelombang_generator_machine_stalled_seconds_total",
        "gelombang_generator_validity",
        "gelombang_generator_doubt",
    }
)
"""Trouble that an opening hour on a quiet machine does not make, and levels of work of milliseconds, which a scrape sees by luck. Each of
these moves with its cause in other tests."""
ABSENT = frozenset(
    {
        "gelombang_server_object_puts_total",
        "gelombang_server_object_put_seconds",
        "gelombang_server_object_puts_in_progress",
        "gelombang_server_payment_answers_total",
        "gelombang_server_client_upload_outcomes_total",
        "gelombang_server_client_reports_unwritten_total",
        *(metric.name for metric in SERVER_AUDIT),
    }
)
"""Of what neither site has or nobody used: an object store, wallets, a browser with the applicant's pages, a bound on the photos."""
STATES = frozenset({"Requests that succeed: account, e-mail, data, OTP", "Causes over time"})
"""The first is 1 while everything succeeds, which is what the opening hour wants of these steps; the second is 1 for a cause, or absent."""
RULE = re.compile(r"\b[a-z_]+:gelombang_[a-z_]+:[a-z0-9_]+")
SHIPPED = set(RULE.findall("".join(path.read_text(encoding="utf-8") for path in shipped_rules())))

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]


@dataclass(frozen=True, slots=True)
class Query:
    page: str
    title: str
    text: str
    instant: bool
    no_value: str

    @property
    def metrics(self) -> set[str]:
        """The catalogue's metrics in it."""
        return {metric.name for metric in CATALOGUE if re.search(rf"\b{metric.name}(_bucket|_sum|_count)?\b", self.text)}

    @property
    def may_be_empty(self) -> bool:
        return bool(self.metrics) and self.metrics <= ABSENT

    @property
    def may_stand_still(self) -> bool:
        return (
            self.title in STATES
            or self.may_be_empty
            or (bool(self.metrics) and all(ORDERS.search(name) or name in NEED_NOT_MOVE for name in self.metrics))
        )

    @property
    def needs_generator(self) -> bool:
        return "gelombang_generator_" in self.text


QUERIES = [
    Query(page.stem, panel["title"], target["expr"], bool(target.get("instant")), panel["fieldConfig"]["defaults"].get("noValue", ""))
    for page in PAGES
    for panel in drawn(json.loads(page.read_text(encoding="utf-8")))
    for target in panel["targets"]
]


@dataclass(frozen=True, slots=True)
class Recording:
    """The runs on some clock, in a Prometheus."""

    api: AskedPrometheus
    every_seconds: int
    first: float
    last: float
    known: dict[Query, list[float]] = field(default_factory=dict)

    def asked(self, query: Query) -> list[float]:
        """Every number that the panel would show, over all its series and moments; each query is asked once."""
        if query not in self.known:
            self.known[query] = self._asked(query)
        return self.known[query]

    def _asked(self, query: Query) -> list[float]:
        text = query.text
        stood_for = {
            "$__rate_interval": f"{SCRAPES_A_RATE * self.every_seconds}s",
            "$__range": f"{round(self.last - self.first)}s",
            "$__interval": f"{self.every_seconds}s",
            "$job": "gelombang-server|gelombang-generator",
            "$instance": ".+",
        }
        for variable, value in stood_for.items():
            text = text.replace(variable, value)
        assert "$" not in text, text
        if query.instant:
            return self.api.values(text, self.last)
        return self.over(text)

    def rules(self) -> list[dict]:
        """The rules with their clocks as long as the recording's."""
        return [rule for group in self.api.get("/api/v1/rules")["groups"] for rule in group["rules"]]

    def over(self, text: str) -> list[float]:
        step = max(self.every_seconds, (self.last - self.first) / POINTS)
        return [value for series in self.api.over(text, self.first, self.last, step) for value in series]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> RunSeries:
    """The series of 40 minutes of the opening hour against both sites."""
    program("prometheus")
    folder = tmp_path_factory.mktemp("runs")
    words = ["run", "opening-hour", "--sample", "1/200", "--for", "2400", "--seed", "7", "--out", "A", "--json"]
    command = [sys.executable, "-m", "gelombang_cli", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=360, check=False)
    assert done.returncode in (0, 1, 3), done.stdout + done.stderr
    return beside([of_site(site, read_series(folder / "A" / site / "metrics.jsonl")) for site in SITES])


@pytest.fixture(scope="module", params=INTERVALS, ids=lambda seconds: f"every {seconds} s")
def recording(request: pytest.FixtureRequest, kept: RunSeries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """Both sites, scraped at one interval."""
    with opened(kept, request.param, tmp_path_factory.mktemp("recording")) as found:
        yield found


@pytest.fixture(scope="module")
def real_day(kept: RunSeries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """Both sites without a generator."""
    with opened(without_generator(kept), 15, tmp_path_factory.mktemp("real-day")) as found:
        yield found


@contextmanager
def opened(run: RunSeries, times: int, folder: Path) -> Iterator[Recording]:
    rules, recorded = slower_rules(folder, times), slower(run, times)
    back_fill(recorded, folder, rules, RULES_EVERY_SCRAPES * times)
    config = prometheus_config([], rules=False).replace("rule_files: []", f"rule_files: {json.dumps([str(rule) for rule in rules])}")
    with Prometheus(folder, config) as prometheus:
        span = span_of(recorded)
        yield Recording(AskedPrometheus(prometheus.url), times, span.from_seconds, span.to_seconds)


def test_no_panel_is_empty_or_without_a_number(recording: Recording) -> None:
    assert len(QUERIES) > 40
    wrong = []
    for query in QUERIES:
        shown = recording.asked(query)
        if not query.may_be_empty and not any(math.isfinite(value) for value in shown):
            wrong.append(f"{query.page}, {query.title}: {query.text} gives {set(shown) or 'nothing'}")
    assert not wrong, "\n".join(wrong)


def test_no_panel_stands_still_that_the_opening_hour_must_move(recording: Recording) -> None:
    """A line has two values or more over the run; a number that is asked once is not 0."""
    still = []
    for query in QUERIES:
        shown = {value for value in recording.asked(query) if math.isfinite(value)}
        moves = len(shown) >= 2 or (query.instant and shown != {0.0})
        if not moves and not query.may_stand_still:
            still.append(f"{query.page}, {query.title}: {query.text} is {shown}")
    assert not still, "\n".join(still)


def test_every_rule_is_evaluated_and_every_recorded_series_has_a_number(recording: Recording) -> None:
    rules = recording.rules()
    assert {rule["type"] for rule in rules} == {"recording", "alerting"}
    shown: dict[str, list[float]] = {}
    for rule in rules:
        # An alert that is quiet has no series; a query that can't be asked raises.
        evaluated = recording.over(rule["query"])
        if rule["type"] == "recording":
            shown.setdefault(f"{rule['name']} as it is kept", []).extend(recording.over(rule["name"]))
            shown.setdefault(rule["name"], []).extend(evaluated)
    assert [name for name, values in shown.items() if not any(map(math.isfinite, values))] == []


def test_on_the_real_day_only_panels_of_the_generator_are_empty_and_they_say_so(real_day: Recording) -> None:
    found: dict[tuple[str, str], list[tuple[Query, int]]] = {}
    for query in QUERIES:
        if query.may_be_empty:
            continue
        shown = sum(math.isfinite(value) for value in real_day.asked(query))
        found.setdefault((query.page, query.title), []).append((query, shown))
    wrong = []
    for panel, queries in found.items():
        wrong += [f"{panel}: {query.text} gives {shown} numbers" for query, shown in queries if query.needs_generator == bool(shown)]
        if not any(shown for _, shown in queries) and not queries[0][0].no_value.startswith("no client data"):
            wrong.append(f"{panel} is empty and says {queries[0][0].no_value!r}")
    assert not wrong, "\n".join(wrong)


def test_every_rule_that_a_page_reads_is_shipped() -> None:
    read = {rule for query in QUERIES for rule in RULE.findall(query.text)}
    assert read <= SHIPPED, read - SHIPPED
