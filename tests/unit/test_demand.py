"""The costs of requests from seconds of runs whose costs are known because they are made up."""

import numpy as np
import pytest

from gelombang_capacity.demand import Change, Class, Seconds, change_of, fit_demands

TRUE = {Class.PASSWORD: 0.020, Class.SMALL: 0.0008, Class.UPLOAD: 0.003, Class.IDLE: 0.05}


def seconds(count: int, load: float, seed: int, noise: float = 0.01, change: float = 0.0) -> Seconds:
    chance = np.random.default_rng(seed)
    rates = np.column_stack([chance.poisson(rate * load, count) for rate in (5.0, 80.0, 10.0)] + [np.ones(count)]).astype(np.float64)
    cores = rates @ np.array(list(TRUE.values())) + chance.normal(0.0, noise, count)
    return Seconds(cores + change * (load - 1) * rates[:, 1], rates, 100 * load)


def test_known_costs_come_back_within_their_standard_errors() -> None:
    fit = fit_demands([seconds(60, load, seed) for seed, load in enumerate((0.5, 1.0, 1.5))])
    assert fit.seconds == 180
    for demand in fit.demands:
        assert demand.standard_error > 0
        assert abs(demand.seconds - TRUE[demand.of]) < 4 * demand.standard_error
    assert fit.residual_cores == pytest.approx(0.01, rel=0.2)


def test_more_seconds_make_the_standard_errors_smaller() -> None:
    few, many = fit_demands([seconds(30, 1.0, 1)]), fit_demands([seconds(480, 1.0, 1)])
    assert many.demands[0].standard_error < few.demands[0].standard_error / 2


def test_a_request_never_costs_less_than_nothing() -> None:
    chance = np.random.default_rng(3)
    rates = np.column_stack([chance.poisson(rate, 50) for rate in (1.0, 1.0, 1.0)] + [np.ones(50)])
    cores = 0.5 - 0.01 * rates[:, 0] + chance.normal(0, 0.01, 50)
    found = {demand.of: demand.seconds for demand in fit_demands([Seconds(cores, rates, 100.0)]).demands}
    assert found[Class.PASSWORD] == 0.0
    assert min(found.values()) >= 0.0


LOADS = (0.5, 0.8, 1.1, 1.4)


def test_a_cost_that_falls_with_load_is_found_and_one_that_stays_is_not_believed_to_change() -> None:
    falling = fit_demands([seconds(60, load, seed, change=-0.0004) for seed, load in enumerate(LOADS)])
    assert falling.change.is_believed
    assert falling.change.seconds == pytest.approx(-0.0004, abs=4 * falling.change.standard_error)
    small = next(demand for demand in falling.demands if demand.of is Class.SMALL)
    assert abs(small.seconds - TRUE[Class.SMALL]) < 4 * small.standard_error
    steady = [fit_demands([seconds(60, load, 10 * n + k) for k, load in enumerate(LOADS)]) for n in range(4)]
    assert sum(fit.change.is_believed for fit in steady) <= 1


def test_one_run_that_was_dear_for_another_reason_is_no_law() -> None:
    runs = [seconds(60, load, seed) for seed, load in enumerate(LOADS)]
    odd = Seconds(runs[0].cores * 1.3, runs[0].rates, runs[0].load)
    assert not fit_demands([odd, *runs[1:]]).change.is_believed


def test_fewer_than_four_runs_tell_no_change() -> None:
    assert fit_demands([seconds(60, load, 1, change=-0.0006) for load in LOADS[:3]]).change == Change(0.0, 0.0)


def test_what_takes_less_in_each_busier_run_falls_with_load_by_so_much_at_twice_the_mean() -> None:
    falling = change_of([100.0, 150.0, 250.0, 300.0], [0.00061, 0.00054, 0.00046, 0.00039])
    assert falling.is_believed
    assert falling.seconds == pytest.approx(-0.0002, rel=0.1)


def test_what_one_run_alone_says_of_a_change_is_not_believed() -> None:
    assert not change_of([100.0, 150.0, 250.0, 300.0], [0.0009, 0.0005, 0.0005, 0.0005]).is_believed
    assert change_of([100.0, 200.0, 300.0], [0.0006, 0.0005, 0.0004]) == Change(0.0, 0.0)
