"""Who complains in public, from small ledgers whose failures can be counted by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gelombang.arrivals import make_plan
from gelombang.attempt import Outcome
from gelombang.complaint_form import Complaints
from gelombang.distribution import Distribution, Fixed, Lognormal, Uniform
from gelombang.ledger import GENERATOR_ROW
from gelombang.loading import load_scenario
from gelombang.public_complaints import complaints
from gelombang.record_complaints import PublicComplaints, public_complaints
from gelombang.scale import Scale
from gelombang.windows import WindowGrid
from support.run_folder import scenario_of

SECOND = 1_000_000
KTP, SELFIE = 9, 10
MINUTES = WindowGrid(seconds=60.0, count=5, speed=1.0)


TWO, HALF_A_MINUTE = Fixed(value=2.0), Fixed(value=30.0)


def table(ratio: float = 1.0, after: Distribution = TWO, delay: Distribution = HALF_A_MINUTE) -> Complaints:
    return Complaints(ratio=ratio, after_failures=after, delay_seconds=delay, noticed_per_minute=60.0)


def rows(*tries: tuple[int, int, int, Outcome, int]) -> NDArray[np.void]:
    """Person, step, number, outcome and the second at which the try ended."""
    found = np.zeros(len(tries), GENERATOR_ROW)
    for row, (person, step, number, outcome, second) in zip(found, tries, strict=True):
        row["person"], row["step"], row["number"], row["outcome"] = person, step, number, outcome
        row["sent"] = row["done"] = second * SECOND
    return found


def recorded(complain: Complaints | None, tries: NDArray[np.void], scale: Scale | None = None) -> PublicComplaints | None:
    scenario = scenario_of().model_copy(update={"complaints": complain})
    return public_complaints(scenario, scale or Scale(), 7, tries, MINUTES)


def test_a_person_complains_once_after_the_failure_that_was_one_too_many() -> None:
    tries = rows(*((4, KTP, n, Outcome.FAILED, 10 * n) for n in range(1, 8)))
    found = complaints(table(), 7, tries)
    assert (found.person.tolist(), found.step.tolist(), found.at_us.tolist()) == ([4], [KTP], [50 * SECOND])


def test_failures_count_over_the_whole_journey_in_order_of_time_and_the_last_names_the_step() -> None:
    tries = rows((1, KTP, 1, Outcome.TIMED_OUT, 90), (1, SELFIE, 1, Outcome.RESET, 20), (1, 0, 1, Outcome.CONNECT_REFUSED, 5))
    found = complaints(table(after=Fixed(value=3.0)), 7, tries)
    assert (found.step.tolist(), found.at_us.tolist()) == ([KTP], [120 * SECOND])


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.TOO_LARGE, Outcome.REFUSED, Outcome.CUT, Outcome.NOT_READ, Outcome.PROCESS_DIED])
def test_only_what_uses_up_patience_is_a_failure(outcome: Outcome) -> None:
    tries = rows((1, KTP, 1, Outcome.FAILED, 1), (1, KTP, 2, outcome, 2), (2, KTP, 1, outcome, 3))
    assert not len(complaints(table(), 7, tries).person)


def test_a_part_of_a_failure_is_rounded_up_and_nobody_complains_without_one() -> None:
    tries = rows((1, KTP, 1, Outcome.FAILED, 1), (2, KTP, 1, Outcome.OK, 1))
    assert complaints(table(after=Fixed(value=0.0)), 7, tries).person.tolist() == [1]
    assert not len(complaints(table(after=Fixed(value=1.2)), 7, tries).person)


def test_as_many_complain_as_the_ratio_says() -> None:
    tries = rows(*((person, KTP, 1, Outcome.FAILED, 1) for person in range(2_000)))
    share = len(complaints(table(0.25, Fixed(value=1.0)), 7, tries).person) / 2_000
    assert share == pytest.approx(0.25, abs=0.04)
    assert not len(complaints(table(0.0, Fixed(value=1.0)), 7, tries).person)


def test_limits_beyond_any_run_are_borne() -> None:
    far = Lognormal(median=1e300, sigma=0.0)
    tries = rows((1, KTP, 1, Outcome.FAILED, 1))
    assert not len(complaints(table(after=far), 7, tries).person)
    assert recorded(table(after=Fixed(value=1.0), delay=far), tries) == PublicComplaints(windows={}, later=1, noticed_per_minute=60.0)


def test_complaints_are_counted_by_step_and_window_and_those_after_the_end_apart() -> None:
    tries = rows(
        *((1, KTP, n, Outcome.FAILED, 5 * n) for n in (1, 2)),
        *((2, SELFIE, n, Outcome.FAILED, 40 * n) for n in (1, 2)),
        *((3, KTP, n, Outcome.FAILED, 45 * n) for n in (1, 2)),
        *((4, KTP, n, Outcome.FAILED, 140 * n) for n in (1, 2)),
    )
    found = recorded(table(), tries)
    assert found is not None
    assert found.windows == {"ktp": [1, 0, 1, 0, 0], "selfie": [0, 1, 0, 0, 0]}
    assert (found.later, found.people, found.per_window) == (1, 3, [1, 1, 1, 0, 0])


def test_the_delay_is_the_peoples_time() -> None:
    tries = rows((1, KTP, 1, Outcome.FAILED, 1))
    scenario = scenario_of().model_copy(update={"complaints": table(after=Fixed(value=1.0), delay=Uniform(low=120.0, high=120.0))})
    fast = WindowGrid(seconds=60.0, count=5, speed=60.0)
    found = public_complaints(scenario, Scale(speed=60.0), 7, tries, fast)
    assert found is not None
    assert found.windows == {"ktp": [0, 0, 0, 1, 0]}  # 1 s of wall time is one window, and two minutes are two


def test_without_the_table_nobody_is_looked_at() -> None:
    assert recorded(None, rows((1, KTP, 1, Outcome.FAILED, 1))) is None


def test_the_plan_of_a_run_does_not_depend_on_who_complains() -> None:
    with_table = load_scenario("opening-hour")
    without = with_table.model_copy(update={"complaints": None})
    assert with_table.complaints is not None
    assert make_plan(with_table, Scale(), 7, 5.0).digest == make_plan(without, Scale(), 7, 5.0).digest
