"""Fewer people, a faster clock, smaller photos: what each number is multiplied by."""

from fractions import Fraction
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from gelombang.distribution import Fixed, Lognormal, Uniform
from gelombang.errors import InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.profile import Profile
from gelombang.runplan import RunPlan, ServerPlan
from gelombang.scale import Dimension, Scale, dimension_of, parse_sample, roundings, scaled
from gelombang.scenario import Scenario
from gelombang.steps import RequestStep

SMALL = Scale(sample=Fraction(1, 50), speed=60.0, bytes_ratio=0.1, load=2.0)


def test_every_dimension_has_the_factor_of_the_table() -> None:
    factors = {dimension: SMALL.factor(dimension) for dimension in Dimension}
    assert factors == pytest.approx(
        {
            Dimension.FIXED: 1.0,
            Dimension.ARRIVALS: 0.04,
            Dimension.ARRIVAL_RATE: 2.4,
            Dimension.COUNT: 0.02,
            Dimension.SHARED_RATE: 1.2,
            Dimension.PERSON_RATE: 60.0,
            Dimension.UPLINK: 6.0,
            Dimension.WAITING: 1 / 60,
            Dimension.STORE_BANDWIDTH: 0.12,
            Dimension.STORE_BYTES: 0.002,
            Dimension.SIZE: 0.1,
            Dimension.HASH_COST: 1 / 60,
        }
    )


def test_full_size_changes_nothing() -> None:
    scenario = load_scenario("opening-hour")
    assert scaled(scenario, Scale()) == scenario
    assert roundings(load_profile("hardened"), Scale())
    assert all(rounding.error_ratio == 0 for rounding in roundings(load_profile("hardened"), Scale()))


def test_a_scaled_profile_is_the_same_site_smaller_and_faster() -> None:
    site = scaled(load_profile("april-2020"), SMALL)
    assert site.store.turns_limit == 14
    assert site.store.queue_limit == 0
    assert site.store.bandwidth_bytes_per_second == pytest.approx(1_620_000.0)
    assert site.store.commit_bytes == 10_000
    assert site.uploads.photo_limit_bytes == 200_000
    assert site.uploads.answer_within_seconds == pytest.approx(1.0)
    assert site.registry.lookups_per_second == pytest.approx(13.44)
    assert site.messages.mail_delay_seconds == Lognormal(median=8 / 60, sigma=0.6, limit=2.0)
    assert site.credentials.otp_tries_limit == 3


def test_a_scaled_scenario_keeps_what_has_no_unit() -> None:
    people = scaled(load_scenario("opening-hour"), SMALL)
    assert people.arrivals.for_seconds == pytest.approx(60.0)
    assert people.patience.persist_ratio == 0.95
    assert people.patience.attempts_limit == 2_000
    assert people.journey[2].think_seconds == Lognormal(median=20 / 60, sigma=0.7)
    test = people.journey[12]
    assert isinstance(test, RequestStep)
    assert test.body is not None
    assert test.body.json_fields == {"answers": [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2]}


def test_a_count_never_becomes_zero_and_the_rounding_is_told() -> None:
    tiny = Scale(sample=Fraction(1, 2_000))
    assert scaled(load_profile("hardened"), tiny).store.turns_limit == 1
    told = {rounding.where: rounding for rounding in roundings(load_profile("hardened"), tiny)}
    assert told["store.turns_limit"].wanted == pytest.approx(0.05)
    assert told["store.turns_limit"].error_ratio == pytest.approx(19.0)


def test_a_number_without_a_dimension_is_found_out() -> None:
    class Careless(BaseModel):
        seconds: float = 1.0

    with pytest.raises(AssertionError, match="seconds is a number that declares no dimension"):
        scaled(Careless(), SMALL)


def test_an_optional_number_keeps_its_dimension() -> None:
    class Holder(BaseModel):
        wait: Annotated[Uniform, Dimension.WAITING] | None = None
        size: Annotated[int, Dimension.SIZE] | None = None

    assert dimension_of(Holder, "wait") is Dimension.WAITING
    got = scaled(Holder(wait=Uniform(low=60.0, high=120.0), size=1_000), SMALL)
    assert got == Holder(wait=Uniform(low=1.0, high=2.0), size=100)
    assert scaled(Holder(), SMALL) == Holder()


@pytest.mark.parametrize("model", [Scenario, Profile, RunPlan, ServerPlan])
def test_every_number_of_the_outside_declares_its_dimension(model: type[BaseModel]) -> None:
    assert sorted(undeclared(model, set())) == []


def undeclared(model: type[BaseModel], seen: set[type[BaseModel]]) -> list[str]:
    """Fields below a model that hold numbers or distributions and declare nothing."""
    seen.add(model)
    found = []
    for name, info in model.model_fields.items():
        for part in types_in(info.annotation):
            numeric = part in (int, float) or part in (Fixed, Uniform, Lognormal)
            if numeric and dimension_of(model, name) is None:
                found.append(f"{model.__name__}.{name}")
            elif not numeric and isinstance(part, type) and issubclass(part, BaseModel) and part not in seen:
                found += undeclared(part, seen)
    return found


def types_in(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return types_in(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType, list, tuple, dict):
        return [found for part in get_args(annotation) for found in types_in(part)]
    return [annotation]


@pytest.mark.parametrize(
    ("text", "sample"), [("1/50", Fraction(1, 50)), ("0.02", Fraction(1, 50)), ("1", Fraction(1)), (" 1/20 ", Fraction(1, 20))]
)
def test_a_sample_is_a_fraction_or_a_decimal(text: str, sample: Fraction) -> None:
    assert parse_sample(text) == sample


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5000", "did you mean 1/5000"),
        ("0", "above 0"),
        ("-1/2", "above 0"),
        ("1/0", "want a fraction"),
        ("many", "want a fraction"),
        ("nan", "want a fraction"),
    ],
)
def test_any_other_sample_is_refused_with_what_was_meant(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_sample(text)


def test_a_scale_says_what_it_is() -> None:
    assert str(SMALL) == "1/50 of the people, 60 times as fast, photos × 0.1, load × 2"
    assert SMALL.stands_for(3_144) == pytest.approx(157_200)
