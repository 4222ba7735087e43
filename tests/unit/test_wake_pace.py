"""A loop looks again only when its pace has passed, and never waits when it has more to do than that."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from gelombang_server import wake_pace
from gelombang_server.wake_pace import WakePace


class Turns:
    """A loop's `call_soon`, and a clock that only moves by what is slept or worked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_us = 1_000_000
        self.slept_us: list[int] = []
        self._soon: list[Callable[[], None]] = []
        monkeypatch.setattr(wake_pace, "monotonic_us", lambda: self.now_us)
        monkeypatch.setattr(wake_pace, "sleep_seconds", self._sleep)

    def pace(self, every_seconds: float) -> WakePace:
        return WakePace(cast(Any, self), every_seconds)

    def call_soon(self, work: Callable[[], None]) -> None:
        self._soon.append(work)

    def turn(self, works_us: int = 0) -> int:
        """How many pieces of work the turn ended with."""
        self.now_us += works_us
        soon, self._soon = self._soon, []
        for work in soon:
            work()
        return len(soon)

    def _sleep(self, seconds: float) -> None:
        self.slept_us.append(round(seconds * 1e6))
        self.now_us += self.slept_us[-1]


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    return Turns(monkeypatch)


def test_without_a_pace_nothing_is_held_up(turns: Turns) -> None:
    turns.pace(0.0).came()
    assert turns.turn() == 0
    assert turns.slept_us == []


def test_all_that_comes_in_a_turn_rests_once(turns: Turns) -> None:
    pace = turns.pace(0.004)
    for _ in range(5):
        pace.came()
    assert turns.turn() == 1


def test_who_comes_to_a_loop_that_slept_is_not_held_up(turns: Turns) -> None:
    turns.pace(0.004).came()
    turns.turn()
    assert turns.slept_us == []


def test_the_next_look_is_a_pace_after_the_last_one(turns: Turns) -> None:
    pace = turns.pace(0.004)
    pace.came()
    turns.turn()
    pace.came()
    turns.turn(works_us=1_500)
    pace.came()
    turns.turn(works_us=500)
    assert turns.slept_us == [2_500, 3_500]


def test_a_loop_that_works_longer_than_its_pace_does_not_rest(turns: Turns) -> None:
    pace = turns.pace(0.004)
    for _ in range(3):
        pace.came()
        turns.turn(works_us=4_000)
    assert turns.slept_us == []
