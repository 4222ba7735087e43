"""The engine on virtual time: due order, retries, messages, the end of a run, and that nobody is ever lost."""

import pytest

from gelombang.attempt import Fate
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.engine_ports import Again, Next
from tests.support.small_surge import SECOND, Surge, arrivals, finish


def test_everybody_begins_exactly_when_due_however_slow_those_before_them_are() -> None:
    def slow(surge: Surge, applicant: Applicant) -> Next:
        surge.takes(50.0)
        return Fate.FINISHED

    surge = Surge([1.0, 1.5, 1.5, 7.0], slow).run()
    assert surge.ledger.begun == [(1_000_000, 0), (1_500_000, 1), (1_500_000, 2), (7_000_000, 3)]
    assert surge.engine.fates[Fate.FINISHED] == 4


def test_a_run_ends_as_soon_as_nobody_can_act_any_more() -> None:
    surge = Surge([1.0, 2.0], finish, end_seconds=1000.0).run()
    assert surge.loop.now_us() == 3_000_000


def test_a_next_attempt_begins_when_it_is_due_and_not_before_one_that_is_due_earlier() -> None:
    def twice(surge: Surge, applicant: Applicant) -> Next:
        applicant.attempts += 1
        return Fate.FINISHED if applicant.attempts == 2 else Again(surge.loop.now_us() + (5 - applicant.index) * SECOND)

    surge = Surge([1.0, 1.0, 1.0], twice).run()
    assert surge.ledger.begun[3:] == [(4_000_000, 2), (5_000_000, 1), (6_000_000, 0)]


def three_in_a_row(surge: Surge, applicant: Applicant) -> Next:
    surge.takes(1.0)
    applicant.attempts += 1
    return Fate.FINISHED if applicant.attempts == 3 else Again(surge.loop.now_us())


def test_who_is_due_at_once_goes_on_in_the_same_task_and_was_due_then() -> None:
    spawned = []
    due_us = []

    def three(surge: Surge, applicant: Applicant) -> Next:
        due_us.append(applicant.due_us)
        return three_in_a_row(surge, applicant)

    surge = Surge([1.0], three)
    spawn = surge.loop.spawn
    surge.loop.spawn = lambda work: spawned.append(work) or spawn(work)  # type: ignore[method-assign,func-returns-value]
    surge.run()
    assert surge.ledger.begun == [(1_000_000, 0), (2_000_000, 0), (3_000_000, 0)]
    assert due_us == [1_000_000, 2_000_000, 3_000_000]
    assert len(spawned) == 1


def test_nobody_goes_on_before_somebody_who_was_due_earlier() -> None:
    surge = Surge([1.0, 1.5], three_in_a_row, in_flight_limit=1).run()
    assert surge.ledger.begun[:2] == [(1_000_000, 0), (2_000_000, 1)]
    assert surge.engine.fates[Fate.FINISHED] == 2


def test_nobody_goes_on_after_the_end_or_when_somebody_else_may_walk_these_people() -> None:
    assert Surge([1.0], three_in_a_row, end_seconds=2.0).run().fates(Fate.FINISHED) == []
    lent = Surge([1.0], three_in_a_row)
    lent.engine.lease_us = 2_000_000
    assert len(lent.run().ledger.begun) == 1


def test_people_in_an_exchange_are_cut_at_the_end_and_people_between_attempts_wait() -> None:
    def by_index(surge: Surge, applicant: Applicant) -> Next:
        match applicant.index:
            case 0:
                return Fate.FINISHED
            case 1:
                surge.takes(500.0)
                return Fate.FINISHED
            case 2:
                return Again(50 * SECOND)
            case _:
                return Again(500 * SECOND)

    surge = Surge([1.0, 1.0, 1.0, 1.0], by_index, end_seconds=20.0).run()
    assert surge.fates(Fate.CUT) == [1]
    assert surge.fates(Fate.WAITING) == [2, 3]
    assert surge.loop.now_us() == pytest.approx(20 * SECOND, abs=0.3 * SECOND)


def test_people_who_can_only_act_after_the_end_do_not_hold_the_run_up() -> None:
    surge = Surge([1.0], lambda surge, applicant: Again(500 * SECOND), end_seconds=400.0).run()
    assert surge.loop.now_us() == 1_000_000
    assert surge.fates(Fate.WAITING) == [0]


def test_a_message_wakes_a_parked_person_before_the_end_of_the_wait() -> None:
    def park_then_finish(surge: Surge, applicant: Applicant) -> Next:
        applicant.attempts += 1
        if applicant.attempts == 1:
            surge.loop.spawn(lambda: deliver(surge, applicant))
            return Again(60 * SECOND, parked=True)
        return Fate.FINISHED

    def deliver(surge: Surge, applicant: Applicant) -> None:
        surge.takes(3.0)
        surge.engine.wake(applicant)
        surge.engine.wake(applicant)

    surge = Surge([1.0], park_then_finish, messages_may_come=True).run()
    assert surge.ledger.begun == [(1_000_000, 0), (4_000_000, 0)]
    assert surge.engine.parked == 0


def test_who_waits_long_for_a_message_is_kept_small_and_who_waits_a_moment_is_not() -> None:
    small: dict[int, list[bool]] = {0: [], 1: [], 2: []}

    def park_until_woken(surge: Surge, applicant: Applicant) -> Next:
        small[applicant.index].append(applicant.filling is None)
        applicant.filling = {}
        applicant.attempts += 1
        if applicant.attempts == 1:
            surge.loop.spawn(lambda: deliver(surge, applicant))
            return Again(60 * SECOND, parked=True)
        return Fate.FINISHED

    def deliver(surge: Surge, applicant: Applicant) -> None:
        surge.takes((9.0, 1.0, 1.0)[applicant.index])
        surge.engine.wake(applicant)

    surge = Surge([1.0, 3.0, 8.0], park_until_woken, messages_may_come=True).run()
    assert surge.fates(Fate.FINISHED) == [0, 1, 2]
    assert [seen[1] for seen in small.values()] == [True, False, False]


def test_the_end_of_a_wait_that_a_message_ended_means_nothing_any_more() -> None:
    def park_then_come_back_later(surge: Surge, applicant: Applicant) -> Next:
        applicant.attempts += 1
        if applicant.attempts == 1:
            surge.loop.spawn(lambda: deliver(surge, applicant))
            return Again(30 * SECOND, parked=True)
        return Again(60 * SECOND) if applicant.attempts == 2 else Fate.FINISHED

    def deliver(surge: Surge, applicant: Applicant) -> None:
        surge.takes(3.0)
        surge.engine.wake(applicant)

    surge = Surge([1.0], park_then_come_back_later, messages_may_come=True).run()
    assert [now for now, _ in surge.ledger.begun] == [1_000_000, 4_000_000, 60_000_000]


def test_a_parked_person_is_resumed_at_the_end_of_the_wait_when_nothing_comes() -> None:
    def park(surge: Surge, applicant: Applicant) -> Next:
        applicant.attempts += 1
        return Again(60 * SECOND, parked=True) if applicant.attempts == 1 else Fate.GAVE_UP

    surge = Surge([1.0], park, messages_may_come=True).run()
    assert surge.ledger.begun == [(1_000_000, 0), (60_000_000, 0)]


def test_the_limit_of_attempts_in_flight_delays_the_next_and_loses_nobody() -> None:
    surge = Surge([1.0] * 4, finish, in_flight_limit=2).run()
    assert [now for now, _ in surge.ledger.begun] == [1_000_000, 1_000_000, 2_000_000, 2_000_000]
    assert surge.engine.fates[Fate.FINISHED] == 4


def test_a_stop_ends_arrivals_drains_what_is_open_and_leaves_the_rest_unsent() -> None:
    def stopping(surge: Surge, applicant: Applicant) -> Next:
        if applicant.index == 1:
            surge.engine.stop(drain_us=2 * SECOND)
        surge.takes(3.0 if applicant.index == 1 else 1.5)
        return Fate.FINISHED

    surge = Surge([1.0, 2.0, 3.0, 4.0], stopping).run()
    assert surge.fates(Fate.FINISHED) == [0]
    assert surge.fates(Fate.CUT) == [1]
    assert surge.fates(Fate.UNSENT) == [2, 3]
    assert surge.loop.now_us() < 5 * SECOND


def test_a_stop_ends_the_run_at_once_when_all_left_are_due_after_its_drain() -> None:
    def stopping(surge: Surge, applicant: Applicant) -> Next:
        if applicant.index == 1:
            surge.engine.stop(drain_us=5 * SECOND)
        return Again(60 * SECOND)

    surge = Surge([1.0, 2.0], stopping).run()
    assert surge.loop.now_us() == 2_000_000
    assert surge.fates(Fate.WAITING) == [0, 1]


def test_a_defect_in_an_attempt_ends_the_run_at_once_and_is_kept() -> None:
    def broken(surge: Surge, applicant: Applicant) -> Next:
        if applicant.index == 1:
            raise ZeroDivisionError("a defect")
        surge.takes(50.0)
        return Fate.FINISHED

    surge = Surge([1.0, 2.0, 3.0], broken).run()
    assert isinstance(surge.engine.failure, ZeroDivisionError)
    assert surge.loop.now_us() == 2_000_000


def test_offered_counts_those_whose_due_time_has_come_and_started_those_who_were_begun() -> None:
    seen: list[tuple[int, int]] = []

    def look(surge: Surge, applicant: Applicant) -> Next:
        seen.append((surge.engine.offered(surge.loop.now_us()), surge.engine.started))
        surge.takes(10.0)
        return Fate.FINISHED

    Surge([1.0, 2.0, 2.0], look, in_flight_limit=2).run()
    assert seen[:2] == [(1, 1), (3, 2)]


def test_people_taken_over_begin_when_due_among_the_others_and_those_whose_time_has_come_at_once() -> None:
    def take_over(surge: Surge, applicant: Applicant) -> Next:
        if applicant.index == 1:
            surge.engine.adopt(arrivals([1.0, 2.5, 4.0], first=10))
            assert surge.engine.offered(2 * SECOND) == 3
        return Fate.FINISHED

    surge = Surge([1.0, 2.0, 3.0], take_over).run()
    assert surge.ledger.begun == [
        (1_000_000, 0), (2_000_000, 1), (2_000_000, 10), (2_500_000, 11), (3_000_000, 2), (4_000_000, 12),
    ]  # fmt: skip
    assert surge.engine.planned == surge.engine.fates[Fate.FINISHED] == 6


def test_people_taken_over_after_a_stop_are_unsent() -> None:
    def stop(surge: Surge, applicant: Applicant) -> Next:
        surge.engine.stop(0)
        surge.engine.adopt(arrivals([2.0], first=10))
        return Fate.FINISHED

    surge = Surge([1.0], stop).run()
    assert surge.fates(Fate.UNSENT) == [10]


def test_nothing_begins_once_the_lease_is_over_even_when_the_process_itself_stood_still() -> None:
    def stands_still(surge: Surge, applicant: Applicant) -> Next:
        surge.takes(10.0)  # as a stopped process does: nobody extends its lease, and others may have its people
        return Fate.FINISHED

    surge = Surge([1.0, 2.0, 5.0, 6.0], stands_still, in_flight_limit=1)
    surge.engine.lease_us = 4 * SECOND
    surge.run()
    assert surge.ledger.begun == [(1_000_000, 0)]
    assert surge.engine.stopped
    assert surge.fates(Fate.CUT) == [0]
    assert surge.fates(Fate.UNSENT) == [1, 2, 3]


def test_a_lease_that_is_extended_in_time_is_not_felt() -> None:
    def extends(surge: Surge, applicant: Applicant) -> Next:
        surge.engine.lease_us += 2 * SECOND
        return Fate.FINISHED

    surge = Surge([1.0, 2.5, 4.0], extends)
    surge.engine.lease_us = 2 * SECOND
    assert surge.run().engine.fates[Fate.FINISHED] == 3
