"""The master of a run over several machines, by messages and a clock that the test moves: no socket, no waiting."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gelombang.attempt import Fate
from gelombang.errors import HostError
from gelombang.histogram import Histogram
from gelombang.ledger import PERSON_ROW, read_rows
from gelombang.striping import read_deaths
from gelombang.workers import announce, read_workers
from gelombang_loadtests import coordinator as limits
from gelombang_loadtests.cluster_members import Phase
from gelombang_loadtests.cluster_messages import (
    AskTime,
    Bye,
    Died,
    Harm,
    Heard,
    Hello,
    Joined,
    Orders,
    Pulse,
    Refused,
    StopNow,
    Zero,
)
from gelombang_loadtests.coordinator import DEAD_MAN_SECONDS, LEASE_SECONDS, TELL_SECONDS
from gelombang_loadtests.standing import Standing, summed
from tests.support.coordinated import OWN, SECOND, Run, people
from tests.support.small_scenario import HOME, scenario


@pytest.fixture
def make(tmp_path: Path) -> Callable[[], Run]:
    return lambda: Run(tmp_path)


def test_nobody_gets_orders_before_all_are_there_and_all_begin_at_one_moment(make: Callable[[], Run]) -> None:
    run = make()
    for name in run.names[:2]:
        assert run.says(name, Hello(announcement=OWN, host=name)) == []
    run.says("w2", Hello(announcement=OWN, host="w2"))
    assert run.got(Orders) == run.names
    (asked,) = run.says("w1", AskTime(asked_us=7))
    assert (asked.asked_us, asked.master_us) == (7, run.now_us)
    for name in run.names[:2]:
        assert run.says(name, Joined(people=20, clock_error_us=300, setup={})) == []
    run.says("w2", Joined(people=20, clock_error_us=300, setup={}))
    assert {message.zero_us for _, message in run.sent if isinstance(message, Zero)} == {run.run.plan.zero_us}
    assert run.run.plan.zero_us > run.now_us
    assert [worker.clock_error_seconds for worker in read_workers(run.folder)] == [0.0003] * 3


@pytest.mark.parametrize("field", ["version", "scenario_digest", "curve_digest"])
def test_a_worker_that_would_walk_by_another_plan_is_refused_with_both_digests(make: Callable[[], Run], field: str) -> None:
    run = make()
    (refused,) = run.says("w0", Hello(announcement=OWN.model_copy(update={field: "zzz"}), host="far"))
    assert isinstance(refused, Refused)
    assert "zzz" in refused.reason
    assert f"want {getattr(OWN, field)}, the master's" in refused.reason
    assert run.run.members == {}
    assert run.run.refused == [f"far: {refused.reason}"]


def test_workers_that_do_not_come_and_one_that_never_says_ready_end_the_wait_with_a_sentence(make: Callable[[], Run]) -> None:
    run = make()
    run.says("w0", Hello(announcement=OWN, host="near"))
    with pytest.raises(HostError, match="1 of 3 workers said hello within 120 s"):
        run.after(121)
    run = make()
    for name in run.names:
        run.says(name, Hello(announcement=OWN, host=f"host-{name}"))
    for name in run.names[:2]:
        run.says(name, Joined(people=20, clock_error_us=0, setup={}))
    with pytest.raises(HostError, match="2 of 3 workers said ready within 120 s; not host-w2; want all of them"):
        run.after(121)


def test_a_worker_more_than_expected_is_refused(make: Callable[[], Run]) -> None:
    (refused,) = make().begun().says("w9", Hello(announcement=OWN, host="late"))
    assert isinstance(refused, Refused)
    assert "has its 3 workers" in refused.reason


def test_the_dead_mans_people_go_to_the_living_only_from_when_its_own_lease_is_over(make: Callable[[], Run]) -> None:
    run = make().begun().at(10).silent("w2", 4)
    assert run.run.deaths == []
    run.silent("w2", 1)
    (death,) = run.run.deaths
    assert (death.process, death.living, death.at_us) == (2, (0, 1), 15 * SECOND)
    assert death.from_us == 15 * SECOND + round(TELL_SECONDS * SECOND) > 10 * SECOND + round(LEASE_SECONDS * SECOND)
    assert run.got(Died) == ["w0", "w1"]
    assert read_deaths(run.folder) == (death,)


def test_the_lease_ends_before_anybody_else_may_begin() -> None:
    assert LEASE_SECONDS < DEAD_MAN_SECONDS
    assert limits.TELL_SECONDS > 0


def test_who_a_dead_worker_had_started_is_cut_and_who_was_due_after_its_lease_is_unsent(make: Callable[[], Run]) -> None:
    run = make().begun().at(10)
    run.pulse("w2", 2, people(2, 5))
    run.silent("w2", 5).done("w0", "w1")
    assert run.run.phase is Phase.ENDED
    rows = read_rows(run.folder / "people-2.bin", PERSON_ROW)
    # Heard of at 10 s, so nobody begins after 13 s: 8 and 11 are due by then and untold. 14 never left, 17 is walked by others.
    assert {int(row["person"]): int(row["fate"]) for row in rows} == {2: Fate.FINISHED, 5: Fate.FINISHED, 8: Fate.OPEN, 11: Fate.OPEN}


def test_rows_that_come_twice_are_kept_once_and_are_acknowledged_again(make: Callable[[], Run]) -> None:
    run = make().begun().at(1)
    for _ in range(2):
        (heard,) = run.pulse("w0", 2, people(0))
        assert heard == Heard(number=2)
    assert len(read_rows(run.folder / "people-0.bin", PERSON_ROW)) == 1


def test_a_worker_that_comes_back_from_the_dead_is_sent_away_and_what_it_did_is_kept(make: Callable[[], Run]) -> None:
    run = make().begun().at(10).silent("w2", 6)
    assert [death.process for death in run.run.deaths] == [2]
    late = np.concatenate((people(2), people(29, fate=Fate.UNSENT)))
    (answer,) = run.pulse("w2", 2, late, done=True)
    assert isinstance(answer, Bye)
    assert "took this worker for dead" in answer.reason
    run.done("w0", "w1")
    rows = read_rows(run.folder / "people-2.bin", PERSON_ROW)
    assert 29 not in rows["person"], "somebody whom others walk"
    assert rows["fate"][rows["person"] == 2] == Fate.FINISHED


def test_a_worker_that_ends_by_itself_before_its_time_is_a_death_at_once(make: Callable[[], Run]) -> None:
    run = make().begun().at(10)
    run.pulse("w1", 2, np.concatenate((people(1), people(58, fate=Fate.UNSENT))), done=True, failure="was stopped there")
    (death,) = run.run.deaths
    assert (death.how, death.process, death.living) == ("was stopped there", 1, (0, 2))
    run.done("w0", "w2")
    assert read_rows(run.folder / "people-1.bin", PERSON_ROW)["person"].tolist() == [1]


def test_a_stop_goes_to_everybody_and_who_does_not_end_is_given_up(make: Callable[[], Run]) -> None:
    run = make().begun().at(10)
    run.run.stop(5.0)
    assert run.got(StopNow) == run.names
    run.done("w0", "w1")
    run.after(limits.STOP_SECONDS_LIMIT + 1)
    assert run.run.phase is Phase.ENDED
    assert [death.how for death in run.run.deaths] == ["did not come to its end"]


def test_a_file_that_is_none_of_a_workers_own_is_not_written(make: Callable[[], Run]) -> None:
    run = make().begun()
    with pytest.raises(HostError, match=r"sends a file '\.\./x'"):
        run.says("w0", Pulse(number=1, files={"../x": b"1"}))
    with pytest.raises(HostError, match=r"people-1\.bin"):
        run.says("w0", Pulse(number=1, files={"people-1.bin": b"1"}))


def test_standings_of_all_workers_add_up_and_of_who_is_gone_nobody_is_live(make: Callable[[], Run]) -> None:
    run = make().begun()
    for k, name in enumerate(run.names):
        late = Histogram.of([1_000 * (k + 1)] * 10).to_bytes()
        stands = Standing(started=10, in_flight=2, waiting=3, fates={"finished": k}, passed={"home": 5}, lateness=late)
        run.says(name, Pulse(number=1, files={}, standing=stands))
    now = summed(run.run.standings())
    assert (now.started, now.in_flight, now.waiting, now.fates, now.passed) == (30, 6, 9, {"finished": 3}, {"home": 15})
    assert now.late.samples == 30
    assert now.late.max_us == 3_000
    run.silent("w1", 7)
    now = summed(run.run.standings())
    assert (now.started, now.in_flight, now.waiting) == (10, 0, 0), "the others' pulses since say nothing of standings"


def test_each_pulse_is_news_once_however_often_it_is_sent(make: Callable[[], Run]) -> None:
    run = make().begun()
    run.pulse("w0", 1)
    run.pulse("w0", 1)
    run.pulse("w1", 1)
    run.pulse("w0", 2)
    assert run.news == [(0, 1), (1, 1), (0, 2)]


def test_a_stop_reaches_all_that_live_at_once_with_what_open_attempts_get(make: Callable[[], Run]) -> None:
    run = make().begun().at(5).silent("w2", 6)
    before = len(run.sent)
    run.run.stop(1.0)
    assert run.sent[before:] == [("w0", StopNow(drain_seconds=1.0)), ("w1", StopNow(drain_seconds=1.0))]


def test_who_throws_the_kill_switch_at_a_worker_is_named_and_the_first_one_counts(make: Callable[[], Run]) -> None:
    run = make().begun()
    assert run.run.harm is None
    run.says("w1", Harm(stopped_by="the kill switch", reason="STOP is there: the pager rang"))
    run.says("w2", Harm(stopped_by="the kill switch", reason="STOP is there"))
    assert run.run.harm is not None
    assert run.run.harm.reason == "STOP is there: the pager rang (worker 1, host-w1)"


def test_a_run_that_waits_for_start_begins_when_it_is_said_and_not_before_all_are_ready(make: Callable[[], Run]) -> None:
    run = make()
    run.run.wait_for_start()
    run.join()
    assert run.run.phase is Phase.READY
    assert run.got(Zero) == []
    run.run.start()
    assert run.run.phase is Phase.RUNNING
    assert run.got(Zero) == run.names
    early = make()
    early.run.wait_for_start()
    early.run.start()
    early.join()
    assert early.run.phase is Phase.RUNNING


def test_workers_that_are_ready_wait_an_hour_for_start(make: Callable[[], Run]) -> None:
    run = make()
    run.run.wait_for_start()
    run.join().after(limits.START_SECONDS_LIMIT - 1)
    with pytest.raises(HostError, match="nobody began the run within 3600 s"):
        run.after(2)


def test_the_announcement_tells_scenario_and_curve_apart_and_not_where_files_lie() -> None:
    one = announce(scenario(HOME))
    faster = announce(scenario(HOME, arrivals_per_second=2.0))
    other = announce(scenario(HOME, persist_tries=4))
    assert (faster.scenario_digest, other.curve_digest) == (one.scenario_digest, one.curve_digest)
    assert faster.curve_digest != one.curve_digest
    assert other.scenario_digest != one.scenario_digest
