"""Admission, number by number."""

import pytest

from gelombang.admission import (
    Admission,
    Place,
    admission_for_ticket,
    budget_ratio,
    patience_end_us,
    place_for_turn,
    return_after_seconds,
)


@pytest.mark.parametrize(
    ("turns", "waiting", "place"),
    [(0, 0, Place.TURN), (1, 0, Place.TURN), (2, 0, Place.QUEUE), (2, 2, Place.QUEUE), (2, 3, Place.FULL), (1, 1, Place.QUEUE)],
)
def test_a_turn_is_free_or_there_is_a_place_in_line_or_the_store_is_full(turns: int, waiting: int, place: Place) -> None:
    assert place_for_turn(turns, 2, waiting, 3) is place


def test_without_a_line_the_store_is_full_when_its_turns_are() -> None:
    assert place_for_turn(2, 2, 0, 0) is Place.FULL


def admission(work: int = 100, received: int = 0, admitted: int = 100, ratio: float = 1.0, unfinished: int = 1) -> Admission:
    return admission_for_ticket(work, received, 1_000, admitted, 3_000, ratio, unfinished, 50)


def test_a_photo_is_admitted_up_to_the_last_byte_of_the_budget() -> None:
    assert admission(work=100, admitted=2_900) is Admission.ADMITTED
    assert admission(work=101, admitted=2_900) is Admission.ADMITTED_BUDGET_FULL


def test_a_full_received_budget_stops_new_tickets() -> None:
    assert admission(received=999) is Admission.ADMITTED
    assert admission(received=1_000) is Admission.RECEIVED_BUDGET_FULL


def test_a_first_photo_may_use_only_its_share_of_each_budget() -> None:
    assert admission(received=800, ratio=0.8) is Admission.RECEIVED_BUDGET_FULL
    assert admission(received=799, ratio=0.8) is Admission.ADMITTED
    assert admission(work=100, admitted=2_301, ratio=0.8) is Admission.ADMITTED_BUDGET_FULL
    assert admission(work=100, admitted=2_300, ratio=0.8) is Admission.ADMITTED


def test_each_ticket_keeps_a_place_at_the_store() -> None:
    assert admission(unfinished=49) is Admission.ADMITTED
    assert admission(unfinished=50) is Admission.PLACES_FULL


def test_an_idle_site_admits_a_photo_larger_than_its_budget() -> None:
    assert admission(work=10_000, admitted=0, unfinished=0) is Admission.ADMITTED
    assert admission(work=10_000, admitted=1, unfinished=1) is Admission.ADMITTED_BUDGET_FULL


def test_the_photo_that_completes_the_pair_may_use_all() -> None:
    assert budget_ratio(True, 0.8) == 1.0
    assert budget_ratio(False, 0.8) == 0.8


def test_the_time_to_come_back_is_a_share_of_the_time_that_the_store_needs() -> None:
    assert return_after_seconds(1_000, 1e6, 1e7, 0.25, 1.0, 5.0, 3_600.0) == pytest.approx(25.0)
    assert return_after_seconds(1_000, 1e6, 1e7, 0.25, 1.5, 5.0, 3_600.0) == pytest.approx(37.5)


def test_the_time_to_come_back_is_kept_between_its_bounds() -> None:
    assert return_after_seconds(0, 1e6, 1e7, 0.25, 1.0, 5.0, 3_600.0) == 5.0
    assert return_after_seconds(10_000_000, 1e6, 1e7, 0.25, 1.0, 5.0, 3_600.0) == 3_600.0


def test_a_refused_person_counts_as_waiting_for_twice_the_told_time_and_the_shortest() -> None:
    assert patience_end_us(1_000_000, 10.0, 5.0) == 26_000_000
