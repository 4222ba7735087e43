"""Who was there before a run, and on which clock a programme's calendar runs."""

from fractions import Fraction

import pytest
from pydantic import ValidationError

from gelombang.errors import InputError
from gelombang.loading import load_profile, load_scenario
from gelombang.profile import Profile
from gelombang.scale import Scale
from gelombang.scenario import Before
from gelombang_cli.programme import people_before
from gelombang_server.programme.prepared import chosen_people

SMALL = Scale(Fraction(1, 1000), 60.0)


def test_the_people_of_the_plan_are_there_and_as_many_others_as_the_sample_says() -> None:
    scenario = load_scenario("announcement-day").model_copy(update={"before": Before(wave="wave-1", others=50_000)})
    prepared = people_before(scenario, SMALL, 900.0, load_profile("programme"))
    assert prepared is not None
    assert (prepared.coming, prepared.others, prepared.wave, prepared.ratio) == (2_078, 50, "wave-1", 1.0)


def test_people_to_whom_the_test_is_left_have_photos_and_no_wave() -> None:
    prepared = people_before(load_scenario("test-rush"), SMALL, 1_680.0, load_profile("programme"))
    assert prepared is not None
    assert (prepared.coming, prepared.photos, prepared.wave) == (60, True, None)
    with pytest.raises(ValidationError, match="photos with wave 'wave-1'; want one of them"):
        Before(photos=True, wave="wave-1")


def test_only_the_known_ones_of_those_who_come_are_there_the_same_each_time() -> None:
    scenario = load_scenario("announcement-day").model_copy(update={"before": Before(ratio=0.25, others=10_000)})
    prepared = people_before(scenario, SMALL, 900.0, load_profile("programme"))
    assert prepared is not None
    people = chosen_people(7, prepared)
    # A binomial of 2,078 and 0.25: 519.5 with a deviation of 20; five of them.
    assert 420 < len([one for one in people if one < 2_078]) < 620
    assert people[-10:] == list(range(2_078, 2_088))
    assert people == chosen_people(7, prepared)


def test_a_site_without_that_wave_or_without_a_programme_says_so() -> None:
    scenario = load_scenario("announcement-day")
    with pytest.raises(InputError, match=r"hardened has no \[programme\]; want a profile with one"):
        people_before(scenario, SMALL, 900.0, load_profile("hardened"))
    elsewhere = scenario.model_copy(update={"before": Before(wave="wave-9")})
    with pytest.raises(InputError, match=r"before\.wave is 'wave-9'; want a wave of programme: wave-1, wave-2"):
        people_before(elsewhere, SMALL, 900.0, load_profile("programme"))


def test_the_calendar_of_a_run_that_begins_at_five_to_ten_publishes_five_minutes_later() -> None:
    programme = load_profile("programme").programme
    assert programme is not None
    first, second = programme.calendar("2020-04-17T09:55:00+07:00", 1_000_000, speed=60.0)
    assert first.publishes_us == 6_000_000
    assert first.closes_us < first.draws_us < 0
    assert second.opens_us > first.publishes_us


def changed(**changes: object) -> Profile:
    document = load_profile("programme").model_dump(mode="json", exclude_none=True)
    document["programme"]["waves"][1] |= changes
    return Profile.model_validate(document)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"opens_at": "2020-04-17T09:00:00+07:00"}, "wave-2 opens before wave-1 is published; want waves one after the other"),
        ({"closes_at": "2020-04-19T09:00:00+07:00"}, "wave-2 opens, closes, draws and publishes in another order"),
        ({"name": "wave-1"}, "waves of the same name"),
        ({"name": "wave-3"}, "waves wave-1, wave-2 and programme.waves wave-1, wave-3; want the same"),
    ],
)
def test_a_calendar_that_does_not_go_together_is_refused_with_its_reason(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        changed(**changes)
