"""Processor sharing by hand: numbers small enough to check on paper. 1,000,000 bytes a second is one byte a microsecond."""

import pytest

from gelombang.admission import Place
from gelombang.sharing import Finished, ProcessorSharing, SharedStore, Slowdown

BYTE_PER_US = 1_000_000.0


def test_one_job_alone_has_the_whole_bandwidth() -> None:
    sharing: ProcessorSharing[str] = ProcessorSharing(BYTE_PER_US)
    sharing.begin(100, "a", 50)
    assert sharing.next_finish_us() == 150
    assert sharing.advance(149) == []
    assert sharing.advance(150) == [(150, "a")]
    assert sharing.next_finish_us() is None


def test_a_second_job_halves_the_speed_of_the_first() -> None:
    sharing: ProcessorSharing[str] = ProcessorSharing(BYTE_PER_US)
    sharing.begin(0, "a", 100)
    sharing.begin(50, "b", 100)
    assert sharing.next_finish_us() == 150
    assert sharing.advance(1_000) == [(150, "a"), (200, "b")]


def test_who_comes_late_is_told_the_true_finish_times() -> None:
    sharing: ProcessorSharing[int] = ProcessorSharing(BYTE_PER_US)
    for job, work in enumerate((30, 60, 90)):
        sharing.begin(0, job, work)
    assert sharing.advance(1_000_000) == [(90, 0), (150, 1), (180, 2)]


def test_what_finished_before_a_begin_is_reported_once_by_the_next_advance() -> None:
    sharing: ProcessorSharing[str] = ProcessorSharing(BYTE_PER_US)
    sharing.begin(0, "a", 10)
    sharing.begin(500, "b", 10)
    assert sharing.next_finish_us() == 10
    assert sharing.advance(505) == [(10, "a")]
    assert sharing.advance(510) == [(510, "b")]


def test_a_job_that_leaves_gives_its_share_to_the_others() -> None:
    sharing: ProcessorSharing[str] = ProcessorSharing(BYTE_PER_US)
    sharing.begin(0, "a", 100)
    sharing.begin(0, "b", 100)
    assert sharing.leave(100, "b") == pytest.approx(50)
    assert sharing.in_progress == 1
    assert sharing.advance(1_000) == [(150, "a")]


def test_leaving_after_the_finish_changes_nothing() -> None:
    sharing: ProcessorSharing[str] = ProcessorSharing(BYTE_PER_US)
    sharing.begin(0, "a", 10)
    assert sharing.leave(10, "a") is None
    assert sharing.advance(10) == [(10, "a")]


def test_a_slowdown_holds_from_its_beginning_to_its_end() -> None:
    sharing: ProcessorSharing[str] = ProcessorSharing(BYTE_PER_US, [Slowdown(100, 300, 0.1)])
    sharing.begin(0, "a", 200)
    assert sharing.next_finish_us() == 380
    assert sharing.advance(1_000) == [(380, "a")]


def test_the_lowest_ratio_holds_where_slowdowns_meet() -> None:
    sharing: ProcessorSharing[str] = ProcessorSharing(BYTE_PER_US, [Slowdown(0, 100, 0.5), Slowdown(50, 100, 0.1)])
    sharing.begin(0, "a", 31)
    assert sharing.advance(1_000) == [(101, "a")]


def test_those_who_left_do_not_pile_up() -> None:
    sharing: ProcessorSharing[int] = ProcessorSharing(BYTE_PER_US)
    sharing.begin(0, -1, 1e9)
    for job in range(1_000):
        sharing.begin(job, job, 1e9)
        sharing.leave(job, job)
    assert len(sharing._heap) < 50


def test_the_next_in_line_begins_when_the_turn_before_was_over() -> None:
    store: SharedStore[str] = SharedStore(BYTE_PER_US, turns_limit=1, queue_limit=1)
    assert store.ask(0, "a", 100) is Place.TURN
    assert store.ask(10, "b", 100) is Place.QUEUE
    assert store.ask(10, "c", 100) is Place.FULL
    assert store.advance(5_000) == [Finished("a", 0, 0, 100), Finished("b", 10, 100, 200)]


def test_who_leaves_the_line_is_not_served() -> None:
    store: SharedStore[str] = SharedStore(BYTE_PER_US, turns_limit=1, queue_limit=2)
    store.ask(0, "a", 100)
    store.ask(0, "b", 100)
    store.ask(0, "c", 100)
    assert store.leave(50, "b")
    assert [finished.job for finished in store.advance(5_000)] == ["a", "c"]
    assert store.moved_bytes == pytest.approx(200)


def test_who_leaves_a_turn_makes_room_for_the_next() -> None:
    store: SharedStore[str] = SharedStore(BYTE_PER_US, turns_limit=1, queue_limit=1)
    store.ask(0, "a", 100)
    store.ask(0, "b", 100)
    assert store.leave(40, "a")
    assert store.advance(5_000) == [Finished("b", 0, 40, 140)]


def test_leaving_after_the_turn_is_over_is_refused() -> None:
    store: SharedStore[str] = SharedStore(BYTE_PER_US, turns_limit=1, queue_limit=0)
    store.ask(0, "a", 100)
    assert not store.leave(100, "a")
    assert [finished.job for finished in store.advance(100)] == ["a"]
