"""The NIK's structure."""

from datetime import date

import pytest

from gelombang_server.nik import is_born_on, is_known_to_registry, is_old_enough, nik_fault


@pytest.mark.parametrize("nik", ["9901011204900001", "9901015204900001", "9999017112000001"])
def test_a_nik_with_a_date_and_a_serial_has_no_fault(nik: str) -> None:
    assert nik_fault(nik) is None


@pytest.mark.parametrize(
    ("nik", "why"),
    [
        ("990101120490000", "16 digits"),
        ("99010112049000011", "16 digits"),
        ("99010112O4900001", "16 digits"),
        ("９９01011204900001", "16 digits"),
        ("3201011204900001", "begins with 99"),
        ("9900011204900001", "regency"),
        ("9901001204900001", "district"),
        ("9901010004900001", "date of birth"),
        ("9901013204900001", "date of birth"),
        ("9901014004900001", "date of birth"),
        ("9901017204900001", "date of birth"),
        ("9901011213900001", "date of birth"),
        ("9901011204900000", "serial"),
    ],
)
def test_each_broken_part_of_a_nik_is_named(nik: str, why: str) -> None:
    assert why in (nik_fault(nik) or "")


def test_the_day_of_a_woman_is_forty_more() -> None:
    assert is_born_on("9901011204900001", date(1990, 4, 12))
    assert is_born_on("9901015204900001", date(1990, 4, 12))
    assert not is_born_on("9901015204900001", date(1990, 4, 13))
    assert not is_born_on("9901013102900001", date(1990, 3, 3)), "31 February is nobody's birthday"


def test_who_turned_eighteen_on_the_opening_day_is_old_enough() -> None:
    assert is_old_enough(date(2002, 4, 11))
    assert not is_old_enough(date(2002, 4, 12))


def test_the_registry_does_not_know_regency_99() -> None:
    assert is_known_to_registry("9998011204900001")
    assert not is_known_to_registry("9999011204900001")
