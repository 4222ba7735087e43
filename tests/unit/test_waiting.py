"""People who were told to come back."""

from gelombang.waiting import PeopleWaiting


def test_a_person_counts_once_until_the_last_moment_told() -> None:
    waiting = PeopleWaiting(10)
    waiting.told(1, 100)
    waiting.told(1, 200)
    waiting.told(2, 150)
    assert waiting.count(0) == 2
    assert waiting.count(100) == 2
    assert waiting.count(150) == 1
    assert waiting.count(200) == 0


def test_who_is_admitted_waits_no_more() -> None:
    waiting = PeopleWaiting(10)
    waiting.told(1, 100)
    waiting.admitted(1)
    waiting.admitted(2)
    assert waiting.count(0) == 0


def test_a_full_house_forgets_who_would_be_overdue_first() -> None:
    waiting = PeopleWaiting(2)
    for person, until_us in ((1, 300), (2, 100), (3, 200)):
        waiting.told(person, until_us)
    assert waiting.count(0) == 2
    assert waiting.count(200) == 1


def test_refusing_the_same_people_again_and_again_needs_no_more_room() -> None:
    waiting = PeopleWaiting(100)
    for again in range(10_000):
        waiting.told(again % 10, 1_000_000 + again)
    assert len(waiting._order) < 200
    assert waiting.count(0) == 10
