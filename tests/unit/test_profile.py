"""Numbers of a profile that don't go together are refused, with both named."""

import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from gelombang.profile import Profile
from gelombang.resources import profiles_folder


def hardened(**commits: Any) -> Profile:
    document = tomllib.loads((profiles_folder() / "hardened.toml").read_text())
    document["uploads"]["commits"] |= commits
    return Profile.model_validate(document)


def test_a_line_can_not_stand_sooner_than_it_is_looked_at() -> None:
    with pytest.raises(ValidationError, match=r"target_seconds 1 with interval_seconds 0\.5; want a target not above it"):
        hardened(target_seconds=1.0)


def test_the_floor_of_the_limit_is_not_above_the_threads() -> None:
    with pytest.raises(ValidationError, match=r"uploads\.commits\.places_floor 9 with api\.commit_threads 8; want a floor not above it"):
        hardened(places_floor=9)


@pytest.mark.parametrize(("name", "other"), [("physical", "april-2020"), ("april-2020", "physical")])
def test_what_is_scarce_is_modelled_or_real_and_never_both_or_neither(name: str, other: str) -> None:
    mine, theirs = (tomllib.loads((profiles_folder() / f"{each}.toml").read_text()) for each in (name, other))
    for document in (mine | theirs, {key: value for key, value in mine.items() if key not in ("store", "machine")}):
        with pytest.raises(ValidationError, match=r"both or neither of store and machine\.disk_bandwidth_bytes_per_second"):
            Profile.model_validate(document)


def test_a_ticket_wants_a_store_at_which_it_promises_a_place() -> None:
    hardened_, physical = (tomllib.loads((profiles_folder() / f"{each}.toml").read_text()) for each in ("hardened", "physical"))
    del hardened_["store"]
    with pytest.raises(ValidationError, match=r"uploads\.tickets without a store; want one"):
        Profile.model_validate(hardened_ | {"machine": physical["machine"]})


def test_a_modelled_store_goes_with_a_limit_of_the_processor() -> None:
    document = tomllib.loads((profiles_folder() / "hardened.toml").read_text())
    site = Profile.model_validate(document | {"machine": {"cores_limit": 0.5}})
    assert site.machine is not None
    assert site.machine.memory_limit_bytes is None
