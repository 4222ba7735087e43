"""Seals: what the database keeps says nothing, opens again under its key and its name, and is the same for the same number."""

import pytest

from gelombang.errors import HostError, InputError
from gelombang_server.sealing import KEY_BYTES, KEY_VARIABLE, Seal, ensure_key

NIK = "9901015204900001"
SEAL = Seal(bytes(range(KEY_BYTES)))


def test_a_sealed_number_does_not_hold_the_number_and_opens_to_it() -> None:
    kept = SEAL.close("nik", NIK)
    assert NIK not in kept
    assert kept.startswith("v1:")
    assert SEAL.open("nik", kept) == NIK


def test_the_same_number_is_sealed_the_same_so_that_it_stays_unique() -> None:
    assert SEAL.close("nik", NIK) == SEAL.close("nik", NIK)
    assert SEAL.close("nik", NIK) != SEAL.close("kk", NIK)
    assert SEAL.close("nik", NIK) != SEAL.close("nik", NIK[:-1] + "2")


@pytest.mark.parametrize("other", [Seal(bytes(KEY_BYTES)), SEAL], ids=["another key", "another name"])
def test_what_was_sealed_otherwise_stays_closed(other: Seal) -> None:
    with pytest.raises(HostError, match=KEY_VARIABLE):
        other.open("kk", SEAL.close("nik", NIK))


def test_numbers_from_before_sealing_was_switched_on_are_read_as_they_stand() -> None:
    assert SEAL.open("nik", NIK) == NIK


def test_a_site_that_seals_nothing_hands_through() -> None:
    assert Seal(None).close("nik", NIK) == Seal(None).open("nik", NIK) == NIK


def test_a_key_is_drawn_where_there_is_none_and_kept_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    ensure_key()
    kept = Seal.from_environment().close("nik", NIK)
    ensure_key()
    assert Seal.from_environment().open("nik", kept) == NIK


@pytest.mark.parametrize("key", ["", "short", "ü", "A" * 87 + "!"])
def test_a_key_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(InputError, match=rf"{KEY_VARIABLE} holds \d+ bytes; want {KEY_BYTES}"):
        ensure_key()
