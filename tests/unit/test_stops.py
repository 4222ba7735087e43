"""When a stop rule comes true, and when it does not."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gelombang.canary import canary_people, judge_canary, judge_first_people
from gelombang.errors import FileError
from gelombang.loading import load_scenario
from gelombang.stops import Seen, Stop, StopJudge, StopRule

SECOND = 1_000_000


def rule(**fields: Any) -> StopRule:
    return StopRule.model_validate({"name": "a rule", "side": "generator", "measure": "failed_ratio", "above": 0.5} | fields)


def told(judge: StopJudge, *seconds: Seen) -> list[Stop | None]:
    found = []
    for i, seen in enumerate(seconds):
        judge.take(i * SECOND, seen)
        found.append(judge.verdict())
    return found


def outcomes(**counts: int) -> Seen:
    return Seen(outcomes={"upload": counts})


def test_more_than_the_share_stops_and_says_which_rule_what_and_when() -> None:
    (stop,) = told(StopJudge([rule()]), outcomes(ok=4, failed=6))
    assert stop == Stop("the stop rule “a rule”", "the failed share of attempts over 10 s was 0.6, above 0.5", 0)


def test_exactly_the_limit_does_not_stop() -> None:
    assert told(StopJudge([rule()]), outcomes(ok=5, failed=5)) == [None]


def test_a_rule_without_samples_does_not_stop() -> None:
    assert told(StopJudge([rule(above=0.0)]), Seen(), outcomes(cut=9, not_read=3)) == [None, None]


def test_harmless_outcomes_are_in_neither_part_of_the_share() -> None:
    assert told(StopJudge([rule(harmless=["refused"])]), outcomes(ok=1, refused=99)) == [None]
    (stop,) = told(StopJudge([rule(harmless=["refused"])]), outcomes(refused=99, ok=1, timed_out=2))
    assert stop is not None
    assert "0.6667" in stop.reason


def test_what_happened_before_the_window_does_not_count() -> None:
    judge = StopJudge([rule(window_seconds=2.0)])
    found = told(judge, outcomes(ok=100), outcomes(ok=100), outcomes(ok=100, failed=1), outcomes(ok=100, failed=2))
    assert [stop is not None for stop in found] == [False, False, True, True]


def test_a_breach_must_last_without_a_break() -> None:
    judge = StopJudge([rule(measure="people_waiting", above=10, for_seconds=2.0)])
    waiting = [11, 12, 3, 11, 11, 11]
    assert [stop is not None for stop in told(judge, *[Seen(waiting=n) for n in waiting])] == [False, False, False, False, False, True]


def test_the_response_is_the_nearest_rank_of_the_window() -> None:
    judge = StopJudge([rule(measure="response_seconds", quantile=0.5, above=1.0, window_seconds=2.0)])
    slow, fast = Seen(response={"upload": {3 * SECOND: 1}}), Seen(response={"upload": {SECOND // 2: 1}})
    # Of two samples the one at rank 1 is the median: the fast one.
    assert [stop is not None for stop in told(judge, fast, slow, slow)] == [False, False, True]


def test_steps_that_a_rule_does_not_name_are_not_judged() -> None:
    seen = Seen(outcomes={"upload": {"failed": 9}, "home": {"ok": 1}})
    assert told(StopJudge([rule(step=["home"])]), seen) == [None]
    assert told(StopJudge([rule(step=["upload"])]), seen) != [None]


def test_named_outcomes_are_counted_over_the_window() -> None:
    judge = StopJudge([rule(measure="outcomes", outcome=["reset", "timed_out"], above=3)])
    assert [stop is not None for stop in told(judge, outcomes(reset=2, failed=50), outcomes(reset=3, timed_out=1))] == [False, True]


def test_a_target_rule_takes_its_own_samples_and_none_of_them_is_no_breach() -> None:
    health = rule(side="target", measure="health_seconds", above=0.5, url="http://127.0.0.1:9/health", for_seconds=1.0)
    judge = StopJudge([rule(), health])
    for at, value in enumerate((0.9, None, float("inf"))):
        judge.observe(health, at * SECOND, value)
    assert judge.verdict() is None
    judge.observe(health, 3 * SECOND, float("inf"))
    stop = judge.verdict()
    assert stop is not None
    assert "not there in time" in stop.reason


@pytest.mark.parametrize(
    "fields",
    [
        {"measure": "health_seconds", "url": "http://a.example"},
        {"measure": "response_seconds"},
        {"measure": "outcomes"},
        {"side": "target", "measure": "promql", "url": "http://a.example"},
        {"side": "target", "measure": "alert", "alert": "Down"},
        {"quantile": 0.5},
        {"headers": {"x-key": "k"}},
    ],
)
def test_a_rule_that_is_not_whole_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="want"):
        rule(**fields)


def test_the_canary_is_one_per_cent_and_at_least_ten() -> None:
    assert [canary_people(people) for people in (3, 10, 500, 1_000, 1_001, 100_000)] == [3, 10, 10, 10, 11, 1_000]


def test_the_canary_stops_when_most_first_attempts_go_badly_and_not_before_ten_are_decided() -> None:
    assert judge_canary({"failed": 9}, [], 0) is None
    assert judge_canary({"failed": 5, "ok": 5}, [], 0) is None
    assert judge_canary({"refused": 50, "ok": 10}, ["refused"], 0) is None
    stop = judge_canary({"failed": 4, "timed_out": 5, "ok": 3, "cut": 9}, [], 7)
    assert stop is not None
    assert (stop.stopped_by, stop.at_us) == ("the canary", 7)
    assert "9 of the first 12" in stop.reason
    assert "timed_out" in stop.reason


def test_the_canary_stops_when_most_of_the_first_people_do_not_finish_however_well_their_attempts_go() -> None:
    assert judge_first_people({"rejected": 4}, [], 0) is None
    assert judge_first_people({"rejected": 3, "finished": 3}, [], 0) is None
    assert judge_first_people({"unreachable": 9, "cut": 9, "finished": 5}, [], 0) is None
    assert judge_first_people({"gave_up": 50}, ["refused"], 0) is None
    stop = judge_first_people({"gave_up": 2, "rejected": 4, "finished": 5}, [], 7)
    assert stop is not None
    assert (stop.stopped_by, stop.at_us) == ("the canary", 7)
    assert stop.reason.startswith("6 of the first 11 people whose way ended did not finish")


def test_a_scenario_with_stop_rules_of_one_name_or_of_no_such_step_is_refused(tmp_path: Path) -> None:
    stop = '[[stop]]\nname = "one"\nside = "generator"\nmeasure = "failed_ratio"\nabove = 0.5\nstep = ["{step}"]\n'
    file = tmp_path / "mine.toml"
    file.write_text('extends = "smoke"\n' + stop.format(step="ktpp") + stop.format(step="ktp"))
    with pytest.raises(FileError) as refused:
        load_scenario(file)
    named, known = refused.value.faults
    assert str(named).startswith("stop[0].step[0] is 'ktpp'; want a step of this journey: ktp")
    assert str(known).startswith("stop[1].name is 'one'; want a name of its own")
