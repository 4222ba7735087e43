"""People who do not wait for the first tab: what they do in a second one, and what the ledgers say of both."""

from pathlib import Path

import numpy as np
import pytest

from gelombang.attempt import Fate, Outcome, Phase
from gelombang.attempt_id import AttemptId, parse_traceparent
from gelombang.patience import second_tab_after_seconds
from gelombang.scale import Scale, scaled
from gelombang.scenario import Scenario
from gelombang_loadtests.exchanged import Answer, Request
from tests.support.small_scenario import ACCOUNT, CODE, HOME, KTP, SEND, SMS, scenario
from tests.support.walking import LATE, SECOND, Site, Walk, ok, problem

LOOK = {"step": "look", "form": "request", "method": "GET", "path": "/look"}
AFTER = {"ratio": 1.0, "after_seconds": {"value": 5.0}}


def impatient(*steps: dict[str, object], **more: object) -> Scenario:
    return scenario(*steps, second_tab=AFTER, **more)


def identity(request: Request) -> AttemptId:
    found = parse_traceparent(dict(request.headers)[b"traceparent"].decode())
    assert found is not None
    return found


def by_tab(*tabs: tuple[float, Answer]) -> Site:
    """Each tab's answers come so many seconds late."""

    def site(walk: Walk, request: Request) -> Answer:
        seconds, answer = tabs[identity(request).tab]
        walk.takes(seconds)
        return answer

    return site


def rows(walk: Walk) -> list[tuple[int, int, int, float, float, float, Outcome]]:
    """(tab, step, number, due, sent, done, outcome) of each attempt, as they began."""
    return [
        (int(row["tab"]), int(row["step"]), int(row["number"]), *(float(row[name]) / SECOND for name in ("due", "sent", "done")),
         Outcome(row["outcome"]))
        for row in walk.attempts
    ]  # fmt: skip


def test_the_person_goes_on_by_the_tab_that_answers_first_and_the_other_one_is_answered_for_nobody(tmp_path: Path) -> None:
    def site(walk: Walk, request: Request) -> Answer:
        who = identity(request)
        if who.step == 0 and who.tab == 0:
            walk.takes(9.0)
            return ok({"session": "of the first"})
        walk.takes(1.0)
        return ok({"session": "of the second"})

    walk = Walk(tmp_path, impatient(ACCOUNT, HOME), site)
    assert rows(walk) == [
        (0, 0, 1, 1.0, 1.0, 10.0, Outcome.OK),
        (1, 0, 1, 6.0, 6.0, 7.0, Outcome.OK),
        (0, 1, 1, 7.0, 7.0, 8.0, Outcome.OK),
    ]
    assert walk.fates() == [Fate.FINISHED]
    assert (walk.people["passed"][0, :2] == (7 * SECOND, 8 * SECOND)).all()
    assert walk.people["attempts"][0] == 3
    assert dict(walk.requests[2][1].headers)[b"authorization"] == b"Bearer of the second"


def test_an_answer_in_time_leaves_the_second_tab_closed(tmp_path: Path) -> None:
    walk = Walk(tmp_path, impatient(LOOK), by_tab((4.9, ok())))
    assert [row[0] for row in rows(walk)] == [0]


def test_an_answer_at_the_very_moment_leaves_nobody_in_a_tab_of_a_step_that_is_done(tmp_path: Path) -> None:
    def site(walk: Walk, request: Request) -> Answer:
        walk.takes(2.0)
        walk.takes(3.0)  # begun after the engine went to sleep until then, so that it opens the tab first
        return ok()

    walk = Walk(tmp_path, impatient(LOOK, {**LOOK, "step": "look-2"}), site)
    assert walk.fates() == [Fate.FINISHED]
    assert [row[:3] for row in rows(walk)] == [(0, 0, 1), (0, 1, 1)]


def test_a_tab_that_fails_while_the_other_waits_decides_nothing(tmp_path: Path) -> None:
    walk = Walk(tmp_path, impatient(LOOK), by_tab((9.0, ok()), (1.0, problem(500, "internal_error"))))
    assert rows(walk) == [(0, 0, 1, 1.0, 1.0, 10.0, Outcome.OK), (1, 0, 1, 6.0, 6.0, 7.0, Outcome.FAILED)]
    assert walk.fates() == [Fate.FINISHED]
    assert walk.people["passed"][0, 0] == 10 * SECOND


def test_when_both_have_failed_the_later_one_counts_and_the_next_try_is_in_the_first_tab_again(tmp_path: Path) -> None:
    failed = problem(500, "internal_error")

    def site(walk: Walk, request: Request) -> Answer:
        who = identity(request)
        if who.tab == 0 and who.number == 2:
            return ok()
        walk.takes((8.0, 4.0)[who.tab])
        return failed

    walk = Walk(tmp_path, impatient(LOOK, retry_seconds={"value": 3.0}), site)
    assert [(row[0], row[2], row[3]) for row in rows(walk)] == [(0, 1, 1.0), (1, 1, 6.0), (0, 2, 13.0)]
    assert walk.fates() == [Fate.FINISHED]


def test_tries_are_numbered_in_each_tab_apart(tmp_path: Path) -> None:
    def site(walk: Walk, request: Request) -> Answer:
        who = identity(request)
        walk.takes(6.0 if who.number < 3 else 0.0)
        return problem(500, "internal_error") if who.number < 3 else ok()

    walk = Walk(tmp_path, impatient(LOOK, retry_seconds={"value": 1.0}), site)
    assert [(row[0], row[2]) for row in rows(walk)] == [(0, 1), (1, 1), (0, 2), (1, 2), (0, 3)]


def test_each_tab_has_a_patience_of_its_own_from_its_own_beginning(tmp_path: Path) -> None:
    walk = Walk(tmp_path, impatient(LOOK, attempts_limit=1), by_tab((0.0, LATE), (0.0, LATE)))
    assert rows(walk) == [(0, 0, 1, 1.0, 1.0, 13.0, Outcome.TIMED_OUT), (1, 0, 1, 6.0, 6.0, 18.0, Outcome.TIMED_OUT)]
    assert walk.fates() == [Fate.GAVE_UP]


def test_the_end_of_the_run_cuts_both_tabs_and_the_person_once(tmp_path: Path) -> None:
    walk = Walk(tmp_path, impatient(LOOK), by_tab((0.0, LATE), (0.0, LATE)), end_seconds=8.0)
    assert walk.outcomes() == [Outcome.CUT, Outcome.CUT]
    assert walk.fates() == [Fate.CUT]
    assert walk.engine.fates[Fate.CUT] == 1
    assert walk.engine.in_flight == 0


def test_a_tab_left_behind_holds_the_run_until_it_ends_and_its_person_has_the_fate_of_the_other(tmp_path: Path) -> None:
    walk = Walk(tmp_path, impatient(LOOK), by_tab((11.0, ok()), (0.0, ok())), end_seconds=50.0)
    assert walk.fates() == [Fate.FINISHED]
    assert walk.people["done"][0] == 6 * SECOND
    assert walk.outcomes() == [Outcome.OK, Outcome.OK]
    assert walk.engine.waiting == 0


def test_a_tab_left_behind_that_does_not_notice_the_end_is_cut_in_no_phase(tmp_path: Path) -> None:
    def site(walk: Walk, request: Request) -> Answer:
        if identity(request).tab == 0:
            walk.takes(7.0)
            walk.loop.sleep_until(10_000 * SECOND)
        return ok()

    walk = Walk(tmp_path, impatient(LOOK), site, end_seconds=9.0)
    assert walk.fates() == [Fate.FINISHED]
    assert walk.outcomes() == [Outcome.CUT, Outcome.OK]
    assert Phase(walk.attempts["phase"][0]) is Phase.NONE


def test_a_photo_from_the_second_tab_is_acknowledged_there(tmp_path: Path) -> None:
    walk = Walk(tmp_path, impatient(KTP), by_tab((20.0, ok()), (1.0, ok())))
    assert sorted(walk.acknowledged["tab"].tolist()) == [0, 1]
    assert len(np.unique(walk.acknowledged["sha256"], axis=0)) == 1, "it is the same photo"
    assert walk.people["passed"][0, 0] == 7 * SECOND


def test_a_message_is_waited_for_in_one_tab_and_asked_for_in_two(tmp_path: Path) -> None:
    def site(walk: Walk, request: Request) -> Answer:
        who = identity(request)
        if request.target == b"/otp" and request.method == b"POST":
            walk.deliver(1.0, address="+6200000000000", kind="otp", code=str(who.tab))
            walk.takes(7.0 if who.tab == 0 else 1.0)
        return ok()

    walk = Walk(tmp_path, impatient(SEND, SMS, CODE), site)
    assert [(row[0], row[1]) for row in rows(walk)] == [(0, 0), (1, 0), (0, 1), (0, 2)]
    assert walk.fates() == [Fate.FINISHED]


def test_the_limit_of_attempts_in_flight_counts_a_tab_that_is_left_behind_and_a_second_tab_waits_for_a_place(tmp_path: Path) -> None:
    site = by_tab((11.0, ok()), (0.0, ok()))
    walk = Walk(tmp_path, impatient(LOOK), site, due_seconds=(1.0, 7.0, 7.5), in_flight_limit=2)
    third = walk.attempts[walk.attempts["person"] == 2]
    assert third["sent"][0] == 12 * SECOND, "the first person's first tab was open until then, beside the second person"
    alone = Walk(tmp_path / "alone", impatient(LOOK), site, in_flight_limit=1)
    assert [row[0] for row in rows(alone)] == [0]


@pytest.mark.parametrize("ratio", [0.3, 1.0])
def test_the_share_of_tries_that_get_a_second_tab_is_the_ratio(ratio: float) -> None:
    patience = scenario(LOOK, second_tab={"ratio": ratio, "after_seconds": {"low": 2.0, "high": 4.0}}).patience
    drawn = [second_tab_after_seconds(1, person, patience, 0, 1) for person in range(2_000)]
    opened = [seconds for seconds in drawn if seconds is not None]
    assert abs(len(opened) - 2_000 * ratio) < 6 * (2_000 * 0.25) ** 0.5 + 1
    assert 2.0 <= min(opened) < max(opened) <= 4.0


def test_a_faster_clock_opens_the_second_tab_sooner_and_nobody_opens_one_unless_told() -> None:
    fast = scaled(impatient(LOOK), Scale(speed=60.0)).patience
    assert second_tab_after_seconds(1, 0, fast, 0, 1) == pytest.approx(5.0 / 60.0)
    assert second_tab_after_seconds(1, 0, scenario(LOOK).patience, 0, 1) is None
