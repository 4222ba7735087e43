"""Every query of every page, and every rule, on a recorded opening hour in a real Prometheus: none is empty, none stands still that must
move.

One run against each site is recorded. To see what a longer scrape interval shows, the same recording is laid on a slower clock: N seconds
between two scrapes, and rules whose windows are N times as long, as they are for a run at a speed N times lower. A recording without its
generator is the real day: pages must not need one, and those that do must say so.
"""

import dataclasses
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gelombang.series_file import RunSeries, Series, read_series
from gelombang.telemetry import CATALOGUE, Side
from gelombang_cli.past_run import back_fill, shipped_rules, span_of
from gelombang_cli.prometheus import Prometheus
from gelombang_dashboards.prometheus import prometheus_config
from tests.support.asking_prometheus import AskedPrometheus
from tests.support.debian_tools import program
from tests.support.drawn_panels import drawn

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
        "gelombang_server_commit_threads_busy",
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
STATES = frozenset({"Requests that succeed: account, e-mail, data, OTP", "Causes over time"})
"""The first is 1 while everything succeeds, which is what the opening hour wants of these steps; the second is 1 for a cause, or absent."""
RULE = re.compile(r"\b[a-z_]+:gelombang_[a-z_]+:[a-z0-9_]+")
SHIPPED = set(RULE.findall("".join(path.read_text(encoding="utf-8") for path in shipped_rules())))
DURATION = re.compile(r"(?<=[\[: ])(\d+)(s|m|h)(?=[\]:)\s\"'])")
SECONDS_OF = {"s": 1, "m": 60, "h": 3_600}

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
    def may_stand_still(self) -> bool:
        return self.title in STATES or (bool(self.metrics) and all(ORDERS.search(name) or name in NEED_NOT_MOVE for name in self.metrics))

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
    """A run on some clock, in a Prometheus."""

    site: str
    api: AskedPrometheus
    every_seconds: int
    first: float
    last: float

    def asked(self, query: Query) -> list[float]:
        """Every number that the panel would show, over all its series and moments."""
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
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunSeries]:
    """The series of 40 minutes of the opening hour against each site, by its name."""
    program("prometheus")
    folder = tmp_path_factory.mktemp("runs")
    words = ["run", "opening-hour", "--sample", "1/200", "--for", "2400", "--seed", "7", "--out", "A", "--json"]
    command = [sys.executable, "-m", "gelombang_cli", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=360, check=False)
    assert done.returncode in (0, 1, 3), done.stdout + done.stderr
    return {site: read_series(folder / "A" / site / "metrics.jsonl") for site in SITES}


def slower(run: RunSeries, times: int) -> RunSeries:
    """The same run on a clock that is so many times slower, ending at the same moment."""

    def moved(moments_us: Iterator[int] | list[int]) -> list[int]:
        return [times * t_us for t_us in moments_us]

    series = tuple(Series(each.name, each.source, moved(each.changed_us), each.values) for each in run.series)
    scrapes = {source: moved(list(moments)) for source, moments in run.scrapes_us.items()}
    missed = {source: moved(list(moments)) for source, moments in run.missed_us.items()}
    # Ends before now: Prometheus takes no samples of the future.
    zero_at = run.zero_at_seconds - (times - 1) * max(max(moments) for moments in run.scrapes_us.values()) / 1e6
    return dataclasses.replace(run, series=series, scrapes_us=scrapes, missed_us=missed, zero_at_seconds=round(zero_at, 3))


def without_generator(run: RunSeries) -> RunSeries:
    servers = tuple(source for source in run.sources if source.side is Side.SERVER)
    return dataclasses.replace(run, sources=servers, series=tuple(each for each in run.series if each.source in servers))


def slower_rules(folder: Path, times: int) -> list[Path]:
    """The shipped rules with windows and offsets so many times as long."""
    made = []
    for path in shipped_rules():
        text = DURATION.sub(lambda found: f"{int(found[1]) * SECONDS_OF[found[2]] * times}s", path.read_text(encoding="utf-8"))
        (folder / path.name).write_text(text, encoding="utf-8")
        made.append(folder / path.name)
    return made


@pytest.fixture(scope="module", params=INTERVALS, ids=lambda seconds: f"every {seconds} s")
def recordings(
    request: pytest.FixtureRequest, kept: dict[str, RunSeries], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Recording]]:
    """Both sites, scraped at one interval."""
    yield from opened(kept, request.param, tmp_path_factory)


@pytest.fixture(scope="module")
def real_day(kept: dict[str, RunSeries], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Recording]]:
    """Both sites without a generator."""
    yield from opened({site: without_generator(run) for site, run in kept.items()}, 15, tmp_path_factory)


def opened(runs: dict[str, RunSeries], times: int, folders: pytest.TempPathFactory) -> Iterator[list[Recording]]:
    found, running = [], []
    try:
        for site, run in runs.items():
            folder = folders.mktemp(site)
            rules, recorded = slower_rules(folder, times), slower(run, times)
            back_fill(recorded, folder, rules, RULES_EVERY_SCRAPES * times)
            config = prometheus_config([], rules=False).replace(
                "rule_files: []", f"rule_files: {json.dumps([str(rule) for rule in rules])}"
            )
            prometheus = Prometheus(folder, config)
            running.append(prometheus.__enter__())
            span = span_of(recorded)
            found.append(Recording(site, AskedPrometheus(prometheus.url), times, span.from_seconds, span.to_seconds))
        yield found
    finally:
        for prometheus in running:
            prometheus.__exit__(None, None, None)


def numbers(recordings: list[Recording], query: Query) -> list[float]:
    return [value for recording in recordings for value in recording.asked(query)]


def test_no_panel_is_empty_or_without_a_number(recordings: list[Recording]) -> None:
    assert len(QUERIES) > 40
    wrong = []
    for query in QUERIES:
        shown = numbers(recordings, query)
        if not any(math.isfinite(value) for value in shown):
            wrong.append(f"{query.page}, {query.title}: {query.text} gives {set(shown) or 'nothing'}")
    assert not wrong, "\n".join(wrong)


def test_no_panel_stands_still_that_the_opening_hour_must_move(recordings: list[Recording]) -> None:
    """A line has two values or more over the run; a number that is asked once is not 0 for both sites."""
    still = []
    for query in QUERIES:
        shown = {value for value in numbers(recordings, query) if math.isfinite(value)}
        moves = len(shown) >= 2 or (query.instant and shown != {0.0})
        if not moves and not query.may_stand_still:
            still.append(f"{query.page}, {query.title}: {query.text} is {shown}")
    assert not still, "\n".join(still)


def test_every_rule_is_evaluated_and_every_recorded_series_has_a_number(recordings: list[Recording]) -> None:
    rules = [rule for recording in recordings[:1] for rule in recording.rules()]
    assert {rule["type"] for rule in rules} == {"recording", "alerting"}
    shown: dict[str, list[float]] = {}
    for rule in rules:
        for recording in recordings:
            # An alert that is quiet has no series; a query that can't be asked raises.
            evaluated = recording.over(rule["query"])
            if rule["type"] == "recording":
                shown.setdefault(f"{rule['name']} as it is kept", []).extend(recording.over(rule["name"]))
                shown.setdefault(rule["name"], []).extend(evaluated)
    assert [name for name, values in shown.items() if not any(map(math.isfinite, values))] == []


def test_on_the_real_day_only_panels_of_the_generator_are_empty_and_they_say_so(real_day: list[Recording]) -> None:
    found: dict[tuple[str, str], list[tuple[Query, int]]] = {}
    for query in QUERIES:
        shown = sum(math.isfinite(value) for value in numbers(real_day, query))
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
