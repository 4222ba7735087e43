"""Who counts as one who could upload, and who of them did."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from gelombang.clock import MICROSECONDS
from gelombang.scale import Scale
from gelombang_capacity.plan_outcome import _early
from gelombang_capacity.world import PERSON

DATA, GATE, PHOTO = 0, 1, 2
HOUR = 3_600.0


def share_of(for_seconds: float, *people: tuple[float, tuple[int, ...], bool]) -> tuple[int, int, int]:
    """Those who could, were verified, and are through. People: came after so many seconds, passed these steps, have a known NIK or not."""
    rows = np.zeros(len(people), dtype=PERSON)
    rows["passed"] = [sum(1 << step for step in steps) for _, steps, _ in people]
    rows["is_known"] = [is_known for _, _, is_known in people]
    scale = Scale(speed=10.0)
    due_us = np.array([scale.wall_seconds(came) * MICROSECONDS for came, _, _ in people], dtype=np.int64)
    simulated = SimpleNamespace(
        order=SimpleNamespace(scale=scale, for_seconds=for_seconds), plan=SimpleNamespace(due_us=due_us), world=SimpleNamespace(people=rows)
    )
    return _early(cast("Any", simulated), (DATA, GATE, PHOTO))


def test_latecomers_who_got_through_do_not_stand_for_those_before_them_who_did_not() -> None:
    early = [(100.0, (DATA, GATE), True)] * 4
    late = [(20.5 * HOUR, (DATA, GATE, PHOTO), True)] * 4
    assert share_of(21 * HOUR, *early, *late) == (4, 4, 0)


def test_whom_the_registry_still_keeps_waiting_could_have_and_who_is_unknown_or_has_no_data_could_not() -> None:
    waits, unknown, silent, through = (0.0, (DATA,), True), (0.0, (DATA,), False), (0.0, (), True), (0.0, (DATA, GATE, PHOTO), True)
    assert share_of(21 * HOUR, waits, unknown, silent, through) == (2, 1, 1)


@pytest.mark.parametrize(("came", "could"), [(20 * HOUR, 1), (20 * HOUR + 10, 0)])
def test_an_hour_before_the_end_is_early_enough(came: float, could: int) -> None:
    assert share_of(21 * HOUR, (came, (DATA, GATE, PHOTO), True))[0] == could


@pytest.mark.parametrize(("came", "could"), [(1_350.0, 1), (1_360.0, 0)])
def test_of_a_run_of_less_than_two_hours_the_first_half_is(came: float, could: int) -> None:
    assert share_of(2_700.0, (came, (DATA, GATE, PHOTO), True))[0] == could
