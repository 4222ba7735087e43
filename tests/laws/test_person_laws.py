"""NIKs and phone numbers are bijective in the index, whatever the seed, and no draw of patience is below the least one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gelombang.loading import load_scenario
from gelombang.person import PEOPLE_LIMIT, least_page_patience_seconds, make_person, nik, page_patience_seconds, phone
from gelombang.seeds import LEAST_UNIT, Purpose, unit

SCENARIO = load_scenario("opening-hour")
BLOCK = 9_999 * 99

indices = st.integers(0, PEOPLE_LIMIT - 1)


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1), indices, indices)
def test_two_people_of_a_run_share_neither_nik_nor_phone(seed: int, one: int, other: int) -> None:
    first, second = (make_person(seed, index, SCENARIO, 1) for index in (one, other))
    assert (nik(first) == nik(second)) == (one == other)
    assert (phone(first) == phone(second)) == (one == other)


def test_district_and_serial_are_a_permutation_of_a_block_of_indices() -> None:
    """With the 28 days of birth of those who share both (tests/unit/test_person.py), NIKs are unique for 28 blocks.

    A multiplication modulo 3·3·3·3·11·11·101 is a permutation unless it has a prime factor in common with the modulus, and then indices a
    block's p-th part apart fall together.
    """
    assert BLOCK == 3**4 * 11**2 * 101
    indices_apart = [(start, start + BLOCK // prime) for prime in (3, 11, 101) for start in (0, 1, 5_000)]
    assert all(place(one) != place(other) for one, other in indices_apart)
    sample = [place(index) for index in range(0, BLOCK, 997)]
    assert len(set(sample)) == len(sample)
    assert PEOPLE_LIMIT == 28 * BLOCK > 20_000_000


def place(index: int) -> tuple[str, str]:
    number = nik(make_person(3, index, SCENARIO, 1))
    return number[4:6], number[12:]


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1), indices)
def test_no_serial_is_0000_and_every_province_is_99(seed: int, index: int) -> None:
    person = make_person(seed, index, SCENARIO, 1)
    number = nik(person)
    assert number[:2] == "99"
    assert number[12:] != "0000"
    assert (number[2:4] == "99") == (not person.nik_known)


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1), indices, st.integers(0, 14), st.integers(1, 60_000))
def test_nobody_waits_for_a_page_less_than_the_least_of_their_persona(seed: int, index: int, step: int, number: int) -> None:
    person = make_person(seed, index, SCENARIO, 1)
    assert 0 < least_page_patience_seconds(person) <= page_patience_seconds(person, step, number)
    assert unit(seed, index, Purpose.PATIENCE, number) >= LEAST_UNIT
