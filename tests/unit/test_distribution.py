"""Distributions as scenarios write them."""

import math

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from gelombang.distribution import Distribution, Fixed, Lognormal, Uniform


class Holder(BaseModel):
    model_config = ConfigDict(extra="forbid")
    value: Distribution


def read(data: object) -> object:
    return Holder.model_validate({"value": data}).value


def test_the_keys_say_which_distribution_is_meant() -> None:
    assert read({"value": 3.0}) == Fixed(value=3.0)
    assert read({"low": 1.0, "high": 2.0}) == Uniform(low=1.0, high=2.0)
    assert read({"median": 15.0, "sigma": 0.8}) == Lognormal(median=15.0, sigma=0.8)
    assert read({"kind": "lognormal", "median": 15.0, "sigma": 0.8}) == Lognormal(median=15.0, sigma=0.8)


def test_what_was_written_as_json_is_read_again() -> None:
    holder = Holder(value=Lognormal(median=15.0, sigma=0.8, limit=90.0))
    assert Holder.model_validate_json(holder.model_dump_json()) == holder


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"value": -1.0}, "greater than or equal to 0"),
        ({"low": 2.0, "high": 1.0}, "low 2 with high 1; want 0 or more, low not above high"),
        ({"low": -2.0, "high": 1.0}, "want 0 or more"),
        ({"median": 0.0, "sigma": 1.0}, "want a median above 0"),
        ({"median": 1.0, "sigma": -1.0}, "a sigma of 0 or more"),
        ({"median": 5.0, "sigma": 1.0, "limit": 4.0}, "want a limit not below the median"),
        ({"median": math.inf, "sigma": 1.0}, "finite"),
        ({"median": 5.0, "sigma": 1.0, "mode": 4.0}, "Extra inputs"),
    ],
)
def test_nonsense_is_refused_with_what_would_do(data: dict[str, float], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        read(data)


def test_quantiles_are_those_of_the_definitions() -> None:
    assert Fixed(value=7.0).quantile(0.9) == 7.0
    assert Uniform(low=10.0, high=20.0).quantile(0.25) == 12.5
    lognormal = Lognormal(median=45.0, sigma=0.5)
    assert lognormal.quantile(0.5) == pytest.approx(45.0)
    assert lognormal.quantile(0.975) == pytest.approx(45.0 * math.exp(0.5 * 1.959963984540054))


def test_a_limit_cuts_the_tail_and_nothing_else() -> None:
    cut = Lognormal(median=900.0, sigma=0.25, limit=1_440.0)
    assert cut.quantile(0.9999) == 1_440.0
    assert cut.quantile(0.5) == pytest.approx(900.0)


@pytest.mark.parametrize("one", [Fixed(value=7.0), Uniform(low=1.0, high=9.0), Lognormal(median=15.0, sigma=0.8, limit=20.0)])
def test_a_multiplied_distribution_has_multiplied_quantiles(one: Fixed | Uniform | Lognormal) -> None:
    for probability in (0.01, 0.3, 0.5, 0.99):
        assert one.times(0.125).quantile(probability) == pytest.approx(one.quantile(probability) / 8)
