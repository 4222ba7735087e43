"""Waves: who may join when, and what each is shown."""

import pytest

from gelombang.programme.wave import JoinFault, Membership, Shown, Wave, join_fault, published_us

FIRST = Wave("wave-1", opens_us=0, closes_us=100, draws_us=150, publishes_us=200, quota=5)
SECOND = Wave("wave-2", opens_us=250, closes_us=300, draws_us=350, publishes_us=400, quota=5)


def member(is_selected: bool, published: int | None = 200) -> Membership:
    return Membership(FIRST, published, is_selected)


@pytest.mark.parametrize(
    ("now_us", "published", "selected", "shown"),
    [
        (99, None, False, Shown.WAITING_TO_CLOSE),
        (100, None, False, Shown.BEING_PROCESSED),
        (149, None, False, Shown.BEING_PROCESSED),
        (150, 200, True, Shown.BEING_EVALUATED),
        (199, 200, True, Shown.BEING_EVALUATED),
        (200, 200, True, Shown.SELECTED),
        (200, 200, False, Shown.NOT_YET_SUCCESSFUL),
        (10_000, None, False, Shown.BEING_PROCESSED),
    ],
)
def test_each_moment_of_a_wave_shows_what_people_saw(now_us: int, published: int | None, selected: bool, shown: Shown) -> None:
    assert Membership(FIRST, published, selected).shown(now_us) is shown


def test_an_open_wave_can_be_joined_from_its_first_moment_to_its_last() -> None:
    assert join_fault(SECOND, None, 249) is JoinFault.NOT_OPEN_YET
    assert join_fault(SECOND, None, 250) is None
    assert join_fault(SECOND, None, 299) is None
    assert join_fault(SECOND, None, 300) is JoinFault.CLOSED


def test_who_waits_for_a_result_is_in_no_second_wave() -> None:
    assert join_fault(SECOND, member(False, published=None), 260) is JoinFault.MEMBER_ALREADY
    assert join_fault(SECOND, member(False, published=270), 260) is JoinFault.MEMBER_ALREADY


def test_who_was_not_drawn_joins_the_next_wave_and_not_the_same_one() -> None:
    assert join_fault(SECOND, member(False), 260) is None
    assert join_fault(FIRST, member(False), 260) is JoinFault.MEMBER_ALREADY


def test_who_was_drawn_joins_nothing_more() -> None:
    assert join_fault(SECOND, member(True), 260) is JoinFault.SELECTED_ALREADY


def test_a_late_draw_is_published_as_long_after_it_as_a_punctual_one() -> None:
    assert published_us(FIRST, 150) == published_us(FIRST, 120) == 200
    assert published_us(FIRST, 190) == 240
