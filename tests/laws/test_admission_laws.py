"""What admission may never do, whoever comes in whatever order."""

from hypothesis import given
from hypothesis import strategies as st

from gelombang.admission import Admission, Place, admission_for_ticket, place_for_turn, return_after_seconds

photos = st.lists(st.tuples(st.integers(1, 400), st.sampled_from([0.8, 1.0]), st.booleans()), max_size=60)
"""(work, share of the budgets, whether one that is inside finishes first) of each photo that asks."""


@given(photos)
def test_admitted_work_never_passes_the_budget_unless_one_photo_is_alone(asked: list[tuple[int, float, bool]]) -> None:
    inside: list[int] = []
    for work, ratio, one_finishes in asked:
        if one_finishes and inside:
            inside.pop(0)
        answer = admission_for_ticket(work, 0, 1, sum(inside), 1_000, ratio, len(inside), 7)
        if answer is Admission.ADMITTED:
            inside.append(work)
        assert len(inside) <= 7
        assert sum(inside) <= 1_000 or len(inside) == 1


@given(st.integers(1, 9_999), st.integers(0, 9_999), st.integers(0, 9_999), st.integers(0, 60), st.floats(0.1, 1.0))
def test_more_room_never_turns_a_photo_away(work: int, received: int, admitted: int, unfinished: int, ratio: float) -> None:
    before = admission_for_ticket(work, received, 1_000, admitted, 5_000, ratio, unfinished, 50)
    if before is Admission.ADMITTED:
        assert admission_for_ticket(work, received // 2, 1_000, admitted // 2, 5_000, 1.0, unfinished, 60) is Admission.ADMITTED


@given(st.integers(1, 5), st.integers(0, 5), st.lists(st.booleans(), max_size=60))
def test_turns_and_line_stay_within_their_limits(turns_limit: int, queue_limit: int, comes: list[bool]) -> None:
    turns = waiting = 0
    for one_comes in comes:
        if one_comes:
            place = place_for_turn(turns, turns_limit, waiting, queue_limit)
            assert (place is Place.FULL) == (turns == turns_limit and waiting == queue_limit)
            turns += place is Place.TURN
            waiting += place is Place.QUEUE
        elif turns:
            turns, waiting = (turns, waiting - 1) if waiting else (turns - 1, waiting)
        assert turns <= turns_limit
        assert waiting <= queue_limit
        assert waiting == 0 or turns == turns_limit, "nobody waits while a turn is free"


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0.5, 1.5))
def test_the_more_people_wait_the_later_the_next_is_told_to_come(few: int, more: int, jitter: float) -> None:
    few, more = sorted((few, more))
    told = [return_after_seconds(n, 1.1e6, 1.35e7, 0.25, jitter, 5.0, 3_600.0) for n in (few, more)]
    assert 5.0 <= told[0] <= told[1] <= 3_600.0
