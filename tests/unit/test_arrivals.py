"""The plan: exact, seeded, the same for any number of processes."""

import hashlib
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from gelombang.arrivals import ArrivalPlan, busiest_hour_people, make_plan, planned_people
from gelombang.errors import InputError
from gelombang.loading import load_scenario
from gelombang.scale import Scale
from gelombang.scenario import Arrivals, Phase, Scenario

SMALL = Scale(sample=Fraction(1, 50), speed=60.0, bytes_ratio=0.1)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("opening-hour")


def test_the_count_is_the_integral_to_the_person(scenario: Scenario) -> None:
    assert planned_people(scenario, Scale()) == 157_201
    assert make_plan(scenario, SMALL, 1).people == planned_people(scenario, SMALL) == 3_144
    assert planned_people(scenario, Scale(load=2.0)) == 314_402
    assert planned_people(scenario, Scale(), 75_600.0) == 1_432_133
    assert planned_people(scenario, Scale(), 421_200.0) == 5_965_048


def test_the_busiest_hour_of_a_long_plan_is_its_first_and_a_short_plan_is_its_own(scenario: Scenario) -> None:
    assert busiest_hour_people(scenario, Scale(), 75_600.0) == planned_people(scenario, Scale(), 3_600.0)
    assert busiest_hour_people(scenario, SMALL, 600.0) == planned_people(scenario, SMALL, 600.0)


def test_due_times_are_whole_microseconds_of_wall_time_inside_the_window(scenario: Scenario) -> None:
    plan = make_plan(scenario, SMALL, 1)
    assert plan.due_us.dtype == np.int64
    assert plan.for_us == 60_000_000
    assert plan.due_us[0] >= 1
    assert plan.due_us[-1] <= plan.for_us
    assert bool(np.all(np.diff(plan.due_us) >= 0))


def test_the_same_scenario_scale_and_seed_are_the_same_plan_to_the_byte(scenario: Scenario) -> None:
    one, other = make_plan(scenario, SMALL, 7), make_plan(load_scenario("opening-hour"), SMALL, 7)
    assert one.due_us.tobytes() == other.due_us.tobytes()
    assert one.digest == other.digest
    assert len(one.digest) == 64


def test_the_digest_covers_seed_scale_length_and_scenario(scenario: Scenario) -> None:
    calmer = scenario.model_copy(update={"patience": scenario.patience.model_copy(update={"return_ratio": 0.5})})
    digests = {
        make_plan(scenario, SMALL, 7).digest,
        make_plan(scenario, SMALL, 8).digest,
        make_plan(scenario, Scale(Fraction(1, 50), 60.0, 0.2), 7).digest,
        make_plan(scenario, SMALL, 7, 1_800.0).digest,
        make_plan(calmer, SMALL, 7).digest,
    }
    assert len(digests) == 5


def test_the_digest_covers_every_due_time(scenario: Scenario) -> None:
    plan = make_plan(scenario, SMALL, 7)
    covered = plan.identity.encode() + plan.due_us.astype("<i8").tobytes()
    assert plan.digest == hashlib.sha256(covered).hexdigest()
    later = plan.due_us.copy()
    later[-1] += 1
    assert ArrivalPlan(later, plan.for_us, plan.identity).digest != plan.digest


def test_nobody_is_due_at_zero_because_zero_means_not_yet(scenario: Scenario) -> None:
    crowd = Arrivals(phases=[Phase(form="hold", for_seconds=0.01, start_per_second=1e6)])
    plan = make_plan(scenario.model_copy(update={"arrivals": crowd}), Scale(speed=100.0), 7)
    assert plan.people == 10_000
    assert plan.due_us[0] == 1


def test_a_faster_clock_brings_the_same_people_sooner(scenario: Scenario) -> None:
    slow, fast = (make_plan(scenario, Scale(Fraction(1, 50), speed), 7) for speed in (1.0, 60.0))
    assert slow.people == fast.people
    assert bool(np.all(np.abs(slow.due_us - 60 * fast.due_us) <= 60))


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_stripes_hold_everybody_once_with_their_own_time(scenario: Scenario, processes: int) -> None:
    plan = make_plan(scenario, SMALL, 7)
    together = np.full(plan.people, -1, dtype=np.int64)
    for process in range(processes):
        indices, due = plan.stripe(process, processes)
        assert bool(np.all(indices % processes == process))
        assert bool(np.all(together[indices] == -1))
        together[indices] = due
    assert together.tolist() == plan.due_us.tolist()


def test_windows_hold_everybody_and_say_when(scenario: Scenario) -> None:
    plan = make_plan(scenario, SMALL, 7)
    windows = plan.offered_per_window(7_000_000)
    assert len(windows) == 9
    assert windows.sum() == plan.people
    edges = [i * 7_000_000 for i in range(9)] + [plan.for_us + 1]
    assert windows.tolist() == [int(np.sum((plan.due_us >= low) & (plan.due_us < high))) for low, high in pairwise(edges)]


def test_a_plan_for_nobody_and_one_for_too_many_are_refused(scenario: Scenario) -> None:
    with pytest.raises(InputError, match=r"want at least 1: a larger --sample or a longer --for"):
        make_plan(scenario, Scale(sample=Fraction(1, 1_000_000)), 7)
    with pytest.raises(InputError, match="one for each NIK"):
        planned_people(scenario, Scale(load=1_000.0))
