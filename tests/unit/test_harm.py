"""What the command sees of a run, and what ends it."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from gelombang.stops import StopRule
from gelombang.target import TargetBlock
from gelombang_cli.harm import CommandHarm, merged
from gelombang_loadtests.harm_watch import Watched
from gelombang_loadtests.target_watch import firing_alerts, promql_value
from tests.unit.test_target import BLOCK


def progress(process: int = 0, **fields: Any) -> dict[str, Any]:
    return {"event": "progress", "process": process, **fields}


def test_all_processes_are_added_up_and_a_later_line_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    rule = StopRule.model_validate({"name": "r", "side": "generator", "measure": "people_waiting", "above": 10})
    watch = CommandHarm(Watched(tmp_path, [rule]))
    for event in (progress(0, waiting=6), progress(0, waiting=5), progress(1, waiting=5)):
        watch.take(event)
    assert watch.look() is None
    watch.take(progress(1, waiting=6))
    stop = watch.look()
    assert stop is not None
    assert stop.stopped_by == "the stop rule “r”"


def test_outcomes_add_up_by_step_and_responses_are_those_of_the_newest_line() -> None:
    first = progress(0, outcomes={"upload": {"ok": 1}}, response={"upload": {"1000": 9}}, sent_bytes=5)
    second = progress(1, outcomes={"upload": {"ok": 2, "failed": 1}}, response={"upload": {"2000": 1}}, sent_bytes=7)
    seen = merged([first, second], second)
    assert seen.outcomes == {"upload": {"ok": 3, "failed": 1}}
    assert seen.response == {"upload": {2000: 1}}
    assert seen.sent_bytes == 12


@pytest.mark.parametrize("named", [False, True])
def test_the_kill_switch_is_a_file_and_what_it_says_is_in_the_reason(tmp_path: Path, named: bool) -> None:
    other = tmp_path / "elsewhere"
    watch = CommandHarm(Watched(tmp_path, [], stop_file=other))
    assert watch.look() is None
    (other if named else tmp_path / "STOP").write_text("the pager rang\n")
    stop = watch.look()
    assert stop is not None
    assert stop.stopped_by == "the kill switch"
    assert stop.reason.endswith(": the pager rang")


def test_more_bytes_than_the_block_allows_end_a_run(tmp_path: Path) -> None:
    later = {"window": {"from": "2020-01-01T00:00:00+00:00", "until": "2999-01-01T00:00:00+00:00"}}
    watch = CommandHarm(Watched(tmp_path, [], TargetBlock.model_validate(BLOCK | later)))
    watch.take(progress(sent_bytes=1_000_000))
    assert watch.look() is None
    watch.take(progress(sent_bytes=1_000_001))
    stop = watch.look()
    assert stop is not None
    assert "1,000,001 bytes" in stop.reason


def test_the_end_of_the_window_ends_a_run(tmp_path: Path) -> None:
    over = {"window": {"from": "2020-01-01T00:00:00+00:00", "until": "2020-01-01T01:00:00+00:00"}}
    stop = CommandHarm(Watched(tmp_path, [], TargetBlock.model_validate(BLOCK | over))).look()
    assert stop is not None
    assert stop.stopped_by == "the window of time"


def test_the_canary_is_judged_without_the_outcomes_that_a_rule_calls_harmless(tmp_path: Path) -> None:
    rule = {"name": "r", "side": "generator", "measure": "failed_ratio", "above": 0.9, "harmless": ["refused"]}
    watch = CommandHarm(Watched(tmp_path, [StopRule.model_validate(rule)], has_canary=True))
    watch.take(progress(canary={"refused": 100}))
    assert watch.look() is None
    watch.take(progress(canary={"failed": 10}))
    stop = watch.look()
    assert stop is not None
    assert stop.stopped_by == "the canary"


def test_the_ways_of_the_first_people_are_added_up_over_all_processes(tmp_path: Path) -> None:
    watch = CommandHarm(Watched(tmp_path, [], has_canary=True))
    watch.take(progress(0, canary={"ok": 30}, canary_fates={"rejected": 3}))
    assert watch.look() is None
    watch.take(progress(1, canary={"ok": 30}, canary_fates={"rejected": 2, "finished": 1}))
    stop = watch.look()
    assert stop is not None
    assert stop.reason.startswith("5 of the first 6 people")


def prometheus(**data: Any) -> bytes:
    return json.dumps({"status": "success", "data": data}).encode()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (prometheus(resultType="vector", result=[{"value": [1, "2.5"]}, {"value": [1, "7"]}, {"value": [1, "NaN"]}]), 7.0),
        (prometheus(resultType="scalar", result=[1, "3"]), 3.0),
        (prometheus(resultType="vector", result=[{"value": [1, "+Inf"]}]), math.inf),
        (prometheus(resultType="vector", result=[]), None),
        (b'{"status":"error"}', None),
        (b"<html>", None),
        (None, None),
    ],
)
def test_the_value_of_a_query_is_the_largest_and_no_answer_is_no_sample(body: bytes | None, value: float | None) -> None:
    assert promql_value(body) == value


def test_only_firing_alerts_of_the_name_count_and_silence_is_no_sample() -> None:
    alerts = [{"labels": {"alertname": name}, "state": state} for name, state in (("A", "firing"), ("A", "pending"), ("B", "firing"))]
    assert firing_alerts(prometheus(alerts=alerts), "A") == 1
    assert firing_alerts(prometheus(alerts=[]), "A") == 0
    assert firing_alerts(None, "A") is None
