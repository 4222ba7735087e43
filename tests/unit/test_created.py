"""Who was made, and who is gone again."""

from pathlib import Path

import pytest

from gelombang.created import CleanedRows, Created, CreatedRows, read_cleaned, read_created
from gelombang.errors import RecordError


def test_two_processes_append_to_one_file_with_one_header(tmp_path: Path) -> None:
    first, second = CreatedRows(tmp_path), CreatedRows(tmp_path)
    second.add(7, "b@warga.example", "+6200000000002", {"accounts": 7, "plans": 0})
    first.add(3, "a@warga.example", "+6200000000001", {})
    found = read_created(tmp_path)
    assert [(row.person, row.email, row.phone, row.feed_rows) for row in found] == [
        (3, "a@warga.example", "+6200000000001", ""),
        (7, "b@warga.example", "+6200000000002", "accounts:7 plans:0"),
    ]
    assert (tmp_path / "created.csv").read_text().splitlines()[0] == "person,email,phone,feed_rows,at"
    assert found[0].at.endswith("+00:00")


def test_a_row_is_readable_before_anything_is_closed(tmp_path: Path) -> None:
    rows = CreatedRows(tmp_path)
    rows.add(1, "a@warga.example", "+62000", {})
    assert len(read_created(tmp_path)) == 1


def test_a_torn_last_row_was_never_sent(tmp_path: Path) -> None:
    (tmp_path / "created.csv").write_text("person,email,phone,feed_rows,at\n1,a@x.example,+62000,,t\n2,b@x.exam")
    assert read_created(tmp_path) == [Created(1, "a@x.example", "+62000", "", "t")]


def test_who_was_cleaned_is_remembered(tmp_path: Path) -> None:
    assert read_cleaned(tmp_path) == frozenset()
    CleanedRows(tmp_path).add(4)
    CleanedRows(tmp_path).add(9)
    assert read_cleaned(tmp_path) == {4, 9}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "can't be read"),
        ("", "begins with ''; want person,email,phone,feed_rows,at"),
        ("person,email,phone,feed_rows,at\nx,a,b,c,d\n", "line 2 is 'x,a,b,c,d'; want 5 fields"),
    ],
)
def test_another_file_is_one_sentence(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "created.csv").write_text(text)
    with pytest.raises(RecordError, match=message):
        read_created(tmp_path)
