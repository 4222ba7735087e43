"""The live page's parts without a socket: series that grow, the values of panels, what readers are told, and the page."""

import json
import re
from pathlib import Path

import pytest

from gelombang.diagnosis.diagnose import Diagnosis, diagnose
from gelombang.diagnosis.following import Following
from gelombang.diagnosis.inputs import series_names
from gelombang.diagnosis.memory import Memory
from gelombang.drill_file import StoredRun, read_drill
from gelombang.errors import RecordError
from gelombang.live_panels import live_panels, panel_values, rule_values
from gelombang.live_series import SAMPLES_KEPT, LiveSeries
from gelombang.panels.catalogue import PAGES, panels
from gelombang.panels.expression import Ruled
from gelombang_cli.live_channel import MOMENTS_LIMIT, Channel, Cursor, LiveRun
from gelombang_reports.live_page import live_page, panel_facts

DRILLS = Path(__file__).parents[1] / "data" / "drill"
HEAD = json.dumps({"schema_version": 1, "zero_at_seconds": 0.0, "sources": [{"side": "server", "instance": "server-0"}]})
PASSED = 'gelombang_server_people_steps_total{step="%s"}'
RUN = LiveRun("hardened", "a run", 68_400, 60.0, [])


def line(seconds: int, places: list[int], values: list[float], new: tuple[str, ...] = (), missed: bool = False) -> str:
    return json.dumps(
        {"source": 0, "t_us": seconds * 1_000_000, "took_us": 10, "new": list(new), "places": places, "values": values, "missed": missed}
    )


def grown(seconds: int) -> LiveSeries:
    """An account a second, a person past the last step every other second."""
    series = LiveSeries()
    series.take(HEAD)
    series.take(line(0, [0, 1], [0.0, 0.0], (PASSED % "account", PASSED % "join")))
    for t in range(1, seconds + 1):
        series.take(line(t, [0, 1] if t % 2 == 0 else [0], [float(t), t / 2] if t % 2 == 0 else [float(t)]))
    return series


def shown(title: str, series: LiveSeries) -> dict[str, float]:
    live = next(live for live in live_panels() if live.panel.title == title)
    return panel_values(live, series.table(), series.ends_seconds, rule_values(None))


def test_totals_are_of_the_whole_run_and_rates_of_its_last_seconds() -> None:
    series = grown(100)
    bars = shown("People past each step", series)
    assert (bars["Account"], bars["Joined a wave"]) == (100.0, 50.0)
    assert shown("People arriving and finishing", series)["arriving"] == pytest.approx(60.0)


def test_a_value_that_stands_still_is_still_there() -> None:
    """The file names only what changed; a gauge that did not is as fresh as its scrape."""
    series = LiveSeries()
    series.take(HEAD)
    series.take(line(0, [0], [7.0], ("gelombang_server_registry_waiting",)))
    for t in range(1, 30):
        series.take(line(t, [], []))
    assert shown("People waiting for the civil registry", series)["waiting"] == 7.0


def test_a_scrape_that_was_missed_changes_nothing() -> None:
    series = grown(10)
    before = shown("People past each step", series)
    series.take(line(11, [], [], missed=True))
    assert shown("People past each step", series) == before
    assert series.ends_seconds == 10.0


def test_memory_does_not_grow_with_the_run() -> None:
    [account] = [one for one in grown(500).table().named("gelombang_server_people_steps_total") if one.labels["step"] == "account"]
    assert len(account.times) == SAMPLES_KEPT + 1
    assert (account.times[0], account.values[-1]) == (0.0, 500.0)


@pytest.mark.parametrize("later", [0, 3, SAMPLES_KEPT + 5])
def test_a_counter_that_appears_later_counts_from_zero_and_a_gauge_from_what_it_was(later: int) -> None:
    """A process registers a series when it first has something to count."""
    series = grown(5)
    series.take(line(6, [2, 3], [3.0, 40.0], (PASSED % "selfie", "gelombang_server_registry_waiting")))
    series.take(line(7, [2], [5.0]))
    for t in range(8, 8 + later):
        series.take(line(t, [], []))
    assert shown("People past each step", series)["Selfie with KTP"] == 5.0
    assert shown("People waiting for the civil registry", series)["waiting"] == 40.0


def test_a_line_that_is_not_the_scraper_s_is_refused() -> None:
    series = LiveSeries()
    series.take(HEAD)
    with pytest.raises(RecordError, match="is no line of a run's series"):
        series.take('{"source": 7, "t_us": 1}')


def test_every_panel_of_the_dashboards_is_there() -> None:
    assert [live.panel for live in live_panels()] == [panel for page in PAGES for panel in panels(page)]


def replayed(name: str, until_seconds: float) -> tuple[LiveSeries, Following, Diagnosis | None]:
    """A recorded drill as a live run would have been read: line by line, looked at every second."""
    run = read_drill(DRILLS / f"{name}.json.gz")
    following = Following(run.speed)
    series = LiveSeries(series_names(), following.samples_kept)
    lines = lines_of(run)
    series.take(lines.pop(0))
    found = None
    for text in lines:
        series.take(text)
        if series.ends_seconds > until_seconds:
            break
        if following.is_due(series.ends_seconds):
            found = following.look(series.long_table(), series.ends_seconds)
    return series, following, found


def lines_of(run: StoredRun) -> list[str]:
    """As the scraper would have written it, in the order of time."""
    sources = [{"side": process.job.removeprefix("gelombang-"), "instance": process.instance} for process in run.processes]
    lines: list[tuple[float, str]] = []
    for source, process in enumerate(run.processes):
        names = [each.name + json.dumps(each.labels).replace('": ', '"=').replace(', "', ',"') for each in process.series]
        names = [re.sub(r'([{,])"([a-z_]+)"=', r"\1\2=", name) for name in names]
        for place, t in enumerate(process.times):
            told = {"source": source, "t_us": round(t * 1e6), "took_us": 10, "new": names if place == 0 else [], "missed": False}
            told |= {"places": list(range(len(names))), "values": [each.values[place] for each in process.series]}
            lines.append((t, json.dumps(told)))
        lines += [(t, json.dumps({"source": source, "t_us": round(t * 1e6), "missed": True})) for t in process.missed]
    head = json.dumps({"schema_version": 1, "zero_at_seconds": 0.0, "sources": sources})
    return [head, *(text for _, text in sorted(lines))]


@pytest.mark.parametrize("name", ["full-store-weak", "registry-capped-strong", "slow-process-strong", "control"])
def test_what_is_wrong_is_said_live_as_it_is_said_afterwards(name: str) -> None:
    run = read_drill(DRILLS / f"{name}.json.gz")
    _, _, live = replayed(name, 80.0)
    assert live is not None
    afterwards = diagnose(run.table(), live.at_seconds, run.speed)
    assert [(f.cause, f.which) for f in live.findings] == [(f.cause, f.which) for f in afterwards.findings]
    assert [f.since_seconds for f in live.findings] == pytest.approx([f.since_seconds for f in afterwards.findings], abs=2.0)
    assert live.leading == afterwards.leading
    assert live.failing_ratio == pytest.approx(afterwards.failing_ratio)
    assert live.backlog_people == afterwards.backlog_people


def test_rules_that_a_panel_reads_are_those_of_the_diagnosis() -> None:
    series, _, found = replayed("full-store-weak", 80.0)
    assert found is not None
    rules = rule_values(found)
    shown = {
        live.panel.title: panel_values(live, series.table(), series.ends_seconds, rules)
        for live in live_panels()
        if any(isinstance(query.expression, Ruled) for query in live.panel.queries)
    }
    assert list(shown["3. Leading stage and code"]) == ["store_full at store"]
    assert shown["4. Whose fault, and what to turn"] == {"full store · store · store.capacity_bytes": 1.0}
    assert shown["Causes over time"] == {"full store": 1.0}
    assert sum(shown["Excess failures by stage and code"].values()) == pytest.approx(1.0)
    assert shown["2. Failing share and trend"]["change"] == found.failing_change_ratio
    assert set(rules) == {q.expression.rule for live in live_panels() for q in live.panel.queries if isinstance(q.expression, Ruled)}


def test_a_window_is_evaluated_once_and_only_as_far_back_as_there_are_samples() -> None:
    asked: list[float] = []

    def evaluate(end: float) -> float:
        asked.append(end)
        return end

    memory = Memory(samples_from=5.0)
    for _ in range(2):
        assert memory.share(20.0, 10.0, lambda: evaluate(20.0)) == 20.0
        assert memory.share(14.0, 10.0, lambda: evaluate(14.0)) is None
    assert asked == [20.0]
    memory.samples_from = 15.0
    assert memory.share(20.0, 10.0, lambda: evaluate(20.0)) == 20.0
    memory.forget_before(21.0)
    assert memory.share(20.0, 10.0, lambda: evaluate(20.0)) is None


def test_the_newest_sentence_is_told_to_every_reader_once() -> None:
    channel = Channel()
    channel.begin(RUN)
    channel.say("20:00: nothing wrong.")
    channel.say("20:02: full store.")
    events, cursor = channel.after(Cursor(), 0.0)
    assert data_of(events[-1]) == {"text": "20:02: full store."}
    channel.say("20:02: full store.")
    assert channel.after(cursor, 0.0)[0] == []


def data_of(event: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(event.split(b"data: ", 1)[1])
    return found


def test_a_reader_hears_of_the_run_then_of_each_moment_once() -> None:
    channel = Channel()
    channel.begin(RUN)
    channel.tell(2.0, {(3, "failing"): 0.123456})
    events, cursor = channel.after(Cursor(), 0.0)
    assert [event.split(b"\n")[0] for event in events] == [b"event: run", b"event: moments"]
    assert data_of(events[1]) == {"from": 0, "names": [[3, "failing"]], "moments": [{"t": 2.0, "v": [0.1235]}]}
    channel.tell(4.0, {(3, "failing"): 0.2, (4, "turns"): 5.0})
    events, cursor = channel.after(cursor, 0.0)
    assert data_of(events[0]) == {"from": 1, "names": [[4, "turns"]], "moments": [{"t": 4.0, "v": [0.2, 5.0]}]}
    assert channel.after(cursor, 0.0)[0] == []


def test_a_late_reader_gets_the_whole_history_and_it_is_bounded() -> None:
    channel = Channel()
    channel.begin(RUN)
    for t in range(5 * MOMENTS_LIMIT):
        channel.tell(float(t), {(1, "x"): 1.0})
    events, _ = channel.after(Cursor(), 0.0)
    moments = data_of(events[1])["moments"]
    assert isinstance(moments, list)
    assert MOMENTS_LIMIT / 2 <= len(moments) <= MOMENTS_LIMIT
    assert moments[0]["t"] == 0.0


def test_the_next_run_begins_anew_and_the_end_is_told_once() -> None:
    channel = Channel()
    channel.begin(RUN)
    channel.tell(1.0, {(1, "x"): 1.0})
    _, cursor = channel.after(Cursor(), 0.0)
    channel.begin(RUN)
    channel.tell(1.0, {(2, "y"): 1.0})
    events, cursor = channel.after(cursor, 0.0)
    assert data_of(events[1])["names"] == [[2, "y"]]
    channel.end("runs/x/report.html")
    channel.end("")
    events, cursor = channel.after(cursor, 0.0)
    assert events == [b'event: ended\ndata: {"page":"runs/x/report.html"}\n\n']
    assert cursor.ended


def test_the_page_loads_nothing_and_speaks_only_to_where_it_came_from() -> None:
    page = live_page()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy.group(1)
    assert policy.group(1).endswith("connect-src &#39;self&#39;")
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_every_panel_says_what_it_is_and_where_it_stands() -> None:
    facts = panel_facts(live_panels())
    assert {fact["page"] for fact in facts} == {"now", "the-people", "where-uploads-fail", "the-machine", "the-instrument"}
    assert all(str(fact["description"]).endswith(".") for fact in facts)
