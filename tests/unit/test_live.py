"""The live page's parts without a socket: series that grow, the values of panels, what readers are told, and the page."""

import json
import re

import pytest

from gelombang.errors import RecordError
from gelombang.live_panels import live_panels, panel_values
from gelombang.live_series import SAMPLES_KEPT, LiveSeries
from gelombang_cli.live_channel import MOMENTS_LIMIT, Channel, Cursor, LiveRun
from gelombang_reports.live_page import live_page, panel_facts

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
    return panel_values(live, series.table(), series.ends_seconds)


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


def test_panels_that_ask_only_rules_are_left_out_and_all_others_are_there() -> None:
    titles = {live.panel.title for live in live_panels()}
    assert "Causes over time" not in titles
    assert {"2. Failing share and trend", "Failed share of uploads", "Lateness p99", "Server CPU"} <= titles


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
