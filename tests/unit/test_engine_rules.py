"""Success rules and asking again, walked on virtual time."""

from pathlib import Path

from gelombang.attempt import Fate, Outcome
from gelombang_loadtests.applicant import Applicant
from tests.support.small_scenario import HOME, scenario
from tests.support.walking import Walk, ok, problem, scripted


def test_a_broken_rule_has_the_outcome_that_it_names_and_leads_where_it_says(tmp_path: Path) -> None:
    rules = {"welcome": {"json_pointer": "/hello", "equals": True, "otherwise": "failed", "leads_to": "step:other"}}
    home = HOME | {"headers": {}, "success": {"rules": rules}, "on": {"ok": "fate:finished"}}
    other = HOME | {"step": "other", "headers": {}, "on": {"ok": "step:home"}}
    walk = Walk(tmp_path, scenario(home, other), scripted(ok({"hello": 1}), ok(), ok({"hello": True})))
    assert walk.outcomes() == [Outcome.FAILED, Outcome.OK, Outcome.OK]
    assert walk.attempts["step"].tolist() == [0, 1, 0]
    assert walk.fates() == [Fate.FINISHED]
    assert walk.people["passed"][:, 0].tolist() == [1_000_000]


def test_asking_again_until_the_answer_holds_something_is_one_attempt(tmp_path: Path) -> None:
    until = {"json_pointer": "/state", "equals": "done", "every_seconds": 2.0, "times_limit": 5}
    site = scripted(ok({"state": "waiting"}), ok({"state": "waiting"}), ok({"state": "done"}))
    walk = Walk(tmp_path, scenario(HOME | {"headers": {}, "repeat_until": until}), site)
    assert walk.requests_at_seconds() == [1.0, 3.0, 5.0]
    assert walk.outcomes() == [Outcome.OK]
    assert walk.attempts["exchanges"].tolist() == [3]
    assert walk.attempts["done"].tolist() == [5_000_000]
    assert walk.patience_seconds == [12.0] * 3


def test_asking_again_ends_at_its_limit_with_the_outcome_that_the_step_names(tmp_path: Path) -> None:
    until = {"contains": "done", "every_seconds": 2.0, "times_limit": 3, "otherwise": "expired"}
    walk = Walk(tmp_path, scenario(HOME | {"headers": {}, "repeat_until": until}, attempts_limit=1), scripted(ok({"state": "waiting"})))
    assert walk.requests_at_seconds() == [1.0, 3.0, 5.0]
    assert walk.outcomes() == [Outcome.EXPIRED]
    assert [line.partition(";")[0] for line in walk.said] == ["step home: repeat_until (contains 'done') does not hold"]


def test_asking_again_ends_with_an_answer_that_is_not_ok_and_at_the_end_of_the_run(tmp_path: Path) -> None:
    until = {"contains": "done", "every_seconds": 20.0, "times_limit": 9}
    step = HOME | {"headers": {}, "repeat_until": until, "on": {"invalid": "fate:gave_up"}}
    walk = Walk(tmp_path, scenario(step), scripted(ok(), problem(404, "gone")))
    assert walk.outcomes() == [Outcome.INVALID]
    (tmp_path / "cut").mkdir()
    cut = Walk(tmp_path / "cut", scenario(step), scripted(ok()), end_seconds=30.0)
    assert cut.outcomes() == [Outcome.CUT]
    assert cut.fates() == [Fate.CUT]


def test_who_is_away_keeps_what_was_captured_and_how_often_they_tried() -> None:
    applicant = Applicant(7, 1, 3)
    applicant.values.update(session="kunci", note='a "quoted" é')
    applicant.tries[1] += 2
    applicant.leave_line()
    applicant.leave_line()
    assert applicant.values == {"session": "kunci", "note": 'a "quoted" é'}
    assert applicant.tries.tolist() == [0, 2, 0]
    applicant.values["more"] = "x"
    applicant.tries[1] += 1
    assert (len(applicant.values), applicant.tries[1]) == (3, 3)
