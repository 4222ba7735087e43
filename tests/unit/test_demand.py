"""The costs of requests from seconds of runs whose costs are known because they are made up."""

import numpy as np
import pytest

from gelombang_capacity.demand import Class, Seconds, fit_demands

TRUE = {Class.PASSWORD: 0.020, Class.SMALL: 0.0008, Class.UPLOAD: 0.003, Class.IDLE: 0.05}


def seconds(count: int, load: float, seed: int, noise: float = 0.01) -> Seconds:
    chance = np.random.default_rng(seed)
    rates = np.column_stack([chance.poisson(rate * load, count) for rate in (5.0, 80.0, 10.0)] + [np.ones(count)])
    cores = rates @ np.array(list(TRUE.values())) + chance.normal(0.0, noise, count)
    return Seconds(cores, rates)


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
    found = {demand.of: demand.seconds for demand in fit_demands([Seconds(cores, rates)]).demands}
    assert found[Class.PASSWORD] == 0.0
    assert min(found.values()) >= 0.0
