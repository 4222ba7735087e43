"""One key of identity numbers for a database: the first leaves its fingerprint, and whoever has another is told so before they serve."""

import sqlite3
from collections.abc import Iterator

import pytest

from gelombang.errors import InputError
from gelombang_server.data_key import DataKey, hold_to_one_key
from gelombang_server.sealing import KEY_BYTES, Seal

NIK = "9901015204900001"
WANTED = "want the key that this database was first opened with, the same for all of its servers"
ONE, OTHER = (DataKey(Seal(bytes([number]) * KEY_BYTES), f"the variable holds {number}") for number in (1, 2))
NONE = DataKey(Seal(None), "the profile seals none")


@pytest.fixture
def cursor() -> Iterator[sqlite3.Cursor]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE data_key (id INTEGER PRIMARY KEY CHECK (id = 1), fingerprint TEXT NOT NULL)")
    connection.execute("CREATE TABLE applicants (id INTEGER PRIMARY KEY, nik TEXT UNIQUE)")
    yield connection.cursor()
    connection.close()


def kept(cursor: sqlite3.Cursor) -> list[str]:
    return [fingerprint for (fingerprint,) in cursor.execute("SELECT fingerprint FROM data_key")]


def test_a_fingerprint_tells_keys_apart_and_says_nothing_else_about_them() -> None:
    found = [Seal(bytes([number]) * KEY_BYTES).fingerprint for number in range(8)]
    assert len(set(found)) == 8
    assert ONE.seal.fingerprint == Seal(bytes([1]) * KEY_BYTES).fingerprint == "9f0e2ddde820b8663dd0194cff157de7"
    assert NONE.seal.fingerprint is None


def test_whoever_comes_first_leaves_a_fingerprint_and_may_come_again(cursor: sqlite3.Cursor) -> None:
    hold_to_one_key(cursor, ONE, "here")
    hold_to_one_key(cursor, ONE, "here")
    assert kept(cursor) == [ONE.seal.fingerprint]


@pytest.mark.parametrize("late", [OTHER, NONE], ids=["another key", "no key"])
def test_whoever_comes_later_with_another_key_or_none_is_refused_in_a_sentence(cursor: sqlite3.Cursor, late: DataKey) -> None:
    hold_to_one_key(cursor, ONE, "here")
    with pytest.raises(InputError) as refused:
        hold_to_one_key(cursor, late, "here")
    assert str(refused.value) == f"here: its identity numbers are sealed under the key 9f0e2ddd, and {late.found}; {WANTED}"
    assert refused.value.exit_code == 2
    assert kept(cursor) == [ONE.seal.fingerprint]


def test_a_site_that_seals_nothing_leaves_nothing(cursor: sqlite3.Cursor) -> None:
    hold_to_one_key(cursor, NONE, "here")
    assert kept(cursor) == []


def test_a_database_from_before_fingerprints_takes_only_the_key_that_opens_its_numbers(cursor: sqlite3.Cursor) -> None:
    cursor.execute("INSERT INTO applicants (nik) VALUES (NULL), (?), (?)", ("9901015204900002", ONE.seal.close("nik", NIK)))
    with pytest.raises(InputError) as refused:
        hold_to_one_key(cursor, OTHER, "here")
    assert str(refused.value) == f"here: its identity numbers are sealed under another key, and the variable holds 2; {WANTED}"
    assert kept(cursor) == []
    hold_to_one_key(cursor, ONE, "here")
    assert kept(cursor) == [ONE.seal.fingerprint]
