"""People: nobody real, nobody twice, and the same again when asked again."""

import sys
from datetime import date
from fractions import Fraction

import pytest

from gelombang.loading import load_scenario
from gelombang.person import (
    PEOPLE_LIMIT,
    Person,
    birth_date,
    email,
    index_of_address,
    make_person,
    nik,
    page_patience_seconds,
    phone,
    photo_bytes,
    reads_message,
    template_values,
    think_seconds,
    upload_patience_seconds,
)
from gelombang.scale import Scale, scaled
from gelombang.scenario import Scenario
from gelombang.steps import PhotoKind
from gelombang.templates import PERSON_FIELDS

COUNT = 1_000
TOLERANCE = 0.08
"""Five standard deviations of a share of 1,000."""
BLOCK = 9_999 * 99
RUN = 0xC0FFEE


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    whole = load_scenario("opening-hour")
    return whole.model_copy(update={"arrivals": whole.arrivals.model_copy(update={"rows": None})})


@pytest.fixture(scope="module")
def people(scenario: Scenario) -> list[Person]:
    return [make_person(7, index, scenario, RUN) for index in range(COUNT)]


def test_the_same_seed_and_index_are_the_same_person(scenario: Scenario, people: list[Person]) -> None:
    again = make_person(7, 123, scenario, RUN)
    assert template_values(again) == template_values(people[123])
    assert again.uplink_bytes_per_second == people[123].uplink_bytes_per_second
    assert template_values(make_person(8, 123, scenario, RUN)) != template_values(people[123])


def test_a_person_has_a_value_for_every_field_that_templates_know(people: list[Person]) -> None:
    assert tuple(template_values(people[0])) == PERSON_FIELDS
    assert all(template_values(people[0]).values())


def test_no_identity_can_be_anybodys(people: list[Person]) -> None:
    for person in people[:500]:
        values = template_values(person)
        assert values["nik"].startswith("99")
        assert values["kk"].startswith("99")
        assert values["email"].endswith("@warga.example")
        assert values["phone"].startswith("+62000")
        assert len(values["phone"]) == 14


def test_a_nik_is_well_formed_and_agrees_with_the_day_of_birth(people: list[Person]) -> None:
    for person in people:
        number, born = nik(person), birth_date(person)
        assert len(number) == 16
        assert number.isdigit()
        day = int(number[6:8])
        assert (day - 40 if day > 40 else day, int(number[8:10]), int(number[10:12])) == (born.day, born.month, born.year % 100)
        assert 1 <= int(number[4:6]) <= 99
        assert 1 <= int(number[12:]) <= 9_999


def test_region_99_says_that_the_registry_does_not_know_the_nik(people: list[Person]) -> None:
    assert {nik(person)[2:4] == "99" for person in people if not person.nik_known} == {True}
    assert {nik(person)[2:4] == "99" for person in people if person.nik_known} == {False}


def test_people_who_share_district_and_serial_have_different_days_of_birth(scenario: Scenario) -> None:
    """The whole argument for unique NIKs: the 28 people with one district and serial are born on 28 different days."""
    for rest in (0, 1, 77_777, BLOCK - 1):
        family = [nik(make_person(3, block * BLOCK + rest, scenario, RUN)) for block in range(28)]
        assert len({(number[4:6], number[12:]) for number in family}) == 1
        assert len({int(number[6:8]) % 40 for number in family}) == 28


def test_everybody_is_18_to_60_on_the_opening_day(people: list[Person]) -> None:
    ages = [age_on(birth_date(person), date(2020, 4, 11)) for person in people]
    assert min(ages) == 18
    assert max(ages) == 60
    assert sum(age <= 35 for age in ages) / COUNT == pytest.approx(0.71, abs=TOLERANCE)
    assert sum(int(nik(person)[6:8]) > 40 for person in people) / COUNT == pytest.approx(0.47, abs=TOLERANCE)


def age_on(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def test_mail_and_phone_are_one_persons_own_and_lead_back_to_them(scenario: Scenario, people: list[Person]) -> None:
    assert len({phone(person) for person in people}) == len({email(person) for person in people}) == COUNT
    late = make_person(7, PEOPLE_LIMIT - 1, scenario, RUN)
    for person in (people[0], people[999], late):
        assert index_of_address(phone(person), RUN) == index_of_address(email(person), RUN) == person.index
    assert index_of_address(email(late), RUN + 1) is None
    assert email(make_person(7, 5, scenario, 0xAB)) == "pendaftar.5.ab@warga.example"


def test_shares_and_lines_are_the_scenarios(people: list[Person]) -> None:
    """Drawn, so near the shares and not equal to them."""
    assert sum(person.nik_known for person in people) / COUNT == pytest.approx(0.744, abs=TOLERANCE)
    assert sum(person.uplink_bytes_per_second == 1_250_000.0 for person in people) / COUNT == pytest.approx(0.10, abs=TOLERANCE)
    assert sum(reads_message(person, 1) for person in people) / COUNT == pytest.approx(0.7423, abs=TOLERANCE)
    assert all(reads_message(person, 5) for person in people)
    mobile = sorted(person.uplink_bytes_per_second for person in people if person.uplink_bytes_per_second != 1_250_000.0)
    # The slow hours: 0.66 of a median of 312,500; the median of 900 lognormals with sigma 1 is good to 4 %, five of them allowed.
    assert mobile[len(mobile) // 2] == pytest.approx(0.66 * 312_500, rel=0.20)


def test_photos_patience_and_thoughts_scale_with_the_scenario(scenario: Scenario, people: list[Person]) -> None:
    small = make_person(7, 42, scaled(scenario, Scale(Fraction(1, 50), 60.0, 0.1)), RUN)
    large = people[42]
    for kind in PhotoKind:
        assert photo_bytes(small, kind, use_smaller=False) == pytest.approx(photo_bytes(large, kind, use_smaller=False) / 10, abs=1)
    assert upload_patience_seconds(small, 9, 1, False) == pytest.approx(upload_patience_seconds(large, 9, 1, False) / 60)
    assert page_patience_seconds(small, 3, 1) == pytest.approx(page_patience_seconds(large, 3, 1) / 60)
    assert think_seconds(small, 3, 1) == pytest.approx(think_seconds(large, 3, 1) / 60)
    assert small.uplink_bytes_per_second == pytest.approx(large.uplink_bytes_per_second * 6)
    assert small.round_trip_seconds == pytest.approx(large.round_trip_seconds / 60)


def test_a_first_photo_stays_the_same_and_a_smaller_copy_is_smaller(people: list[Person]) -> None:
    person = people[42]
    assert photo_bytes(person, PhotoKind.KTP, False, 1) == photo_bytes(person, PhotoKind.KTP, False, 2)
    assert photo_bytes(person, PhotoKind.KTP, True, 1) != photo_bytes(person, PhotoKind.KTP, True, 2)
    assert photo_bytes(person, PhotoKind.KTP, False) != photo_bytes(person, PhotoKind.SELFIE, False)
    assert all(200_000 <= photo_bytes(p, PhotoKind.SELFIE, True, 1) <= 1_200_000 for p in people[:200])


def test_progress_doubles_the_patience_and_each_attempt_has_its_own(people: list[Person]) -> None:
    assert upload_patience_seconds(people[1], 9, 1, True) == pytest.approx(2 * upload_patience_seconds(people[1], 9, 1, False))
    assert upload_patience_seconds(people[1], 9, 1, False) != upload_patience_seconds(people[1], 9, 2, False)
    assert think_seconds(people[1], 0, 1) == 0.0


def test_a_person_is_a_few_hundred_bytes(people: list[Person]) -> None:
    assert sys.getsizeof(people[0]) + 2 * sys.getsizeof(1.0) + sys.getsizeof(1 << 40) < 300
