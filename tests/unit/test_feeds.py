"""Feeds: which row a person has, and what is wrong with a file."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

import gelombang.feed_file as feed_file
from gelombang.errors import ExitCode, FileError, InputError
from gelombang.feed_file import FeedReader, scan_feed
from gelombang.feeds import Feed, FeedContent, FeedMode, require_rows, row_of

Written = Callable[[bytes], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(text: bytes) -> Path:
        path = tmp_path / "accounts.csv"
        path.write_bytes(text)
        return path

    return write


def faults_of(path: Path) -> str:
    with pytest.raises(FileError) as caught:
        scan_feed(path, path.name)
    assert caught.value.exit_code is ExitCode.WRONG_INPUT
    return str(caught.value)


def rows_of(path: Path, folder: Path) -> list[dict[str, str]]:
    reader = FeedReader(scan_feed(path, path.name), path.name, folder)
    try:
        return [dict(reader.row(i)) for i in range(reader.content.rows)]
    finally:
        reader.close()


def test_a_unique_row_is_the_persons_own_index() -> None:
    assert [row_of(FeedMode.UNIQUE, i, 5, seed=1, feed=0) for i in range(5)] == [0, 1, 2, 3, 4]


def test_circular_begins_again_at_the_top() -> None:
    assert [row_of(FeedMode.CIRCULAR, i, 3, seed=1, feed=0) for i in range(7)] == [0, 1, 2, 0, 1, 2, 0]


def test_shuffle_uses_every_row_once_before_any_row_again_and_in_another_order_then() -> None:
    first = [row_of(FeedMode.SHUFFLE, i, 100, seed=1, feed=0) for i in range(100)]
    second = [row_of(FeedMode.SHUFFLE, i, 100, seed=1, feed=0) for i in range(100, 200)]
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second
    assert first != list(range(100))


def test_random_stays_in_the_file_and_repeats() -> None:
    rows = [row_of(FeedMode.RANDOM, i, 10, seed=1, feed=0) for i in range(200)]
    assert set(rows) == set(range(10))


def test_two_feeds_and_two_seeds_have_orders_of_their_own() -> None:
    orders = {tuple(row_of(FeedMode.SHUFFLE, i, 50, seed, feed) for i in range(50)) for seed in (1, 2) for feed in (0, 1)}
    assert len(orders) == 4


def test_a_file_is_read_row_by_row(written: Written, tmp_path: Path) -> None:
    path = written(b'email,full name\r\nann@x.example,"Ann ""A"", of\nX"\r\nbob@x.example,B\xc3\xb6b')
    assert rows_of(path, tmp_path) == [
        {"email": "ann@x.example", "full name": 'Ann "A", of\nX'},
        {"email": "bob@x.example", "full name": "Böb"},
    ]


def test_a_packed_file_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfemail\nann\nbob\n"))
    assert rows_of(path, tmp_path) == [{"email": "ann"}, {"email": "bob"}]


def test_a_reader_leaves_no_file_behind(written: Written, tmp_path: Path) -> None:
    path = written(b"email\nann\n")
    folder = tmp_path / "run"
    folder.mkdir()
    rows_of(path, folder)
    assert list(folder.iterdir()) == []


def test_an_empty_file_is_a_fault(written: Written) -> None:
    assert faults_of(written(b"")) == "accounts.csv: line 1 is missing: the file is empty; want a header of column names, and rows"


def test_a_header_without_rows_is_a_fault(written: Written) -> None:
    assert "line 1 is all that there is; want a header of column names, and at least one row" in faults_of(written(b"email\n"))


@pytest.mark.parametrize("header", [b"ann@x.example,secret", b"62000123,x", b"email,,x", b"\xff,b"])
def test_a_file_that_begins_with_a_row_is_a_fault(written: Written, header: bytes) -> None:
    assert "line 1 is a header with" in faults_of(written(header + b"\n1,2\n"))


def test_a_column_twice_is_a_fault(written: Written) -> None:
    assert "line 1 is a header with 'email' twice; want a name of its own" in faults_of(written(b"email,x,email\n1,2,3\n"))


def test_ragged_and_empty_lines_are_named_with_their_lines(written: Written) -> None:
    assert faults_of(written(b'a,b\n1,2\n"x\ny",2\n1\n\n1,2,3\n')).splitlines() == [
        "accounts.csv: line 5 is a row of 1 fields; want 2 fields, as the header has",
        "accounts.csv: line 6 is an empty line; want 2 fields, as the header has",
        "accounts.csv: line 7 is a row of 3 fields; want 2 fields, as the header has",
    ]


def test_a_quote_that_nobody_closed_is_a_fault(written: Written) -> None:
    assert "line 3 is a row with a quote that is not closed; want quotes in pairs" in faults_of(written(b'a,b\n1,2\n"1,2\n'))


@pytest.mark.parametrize("row", [b'5" disk,6" disk', b'"a"b,2', b'a"",2'])
def test_a_quote_inside_a_field_is_a_fault(written: Written, row: bytes) -> None:
    assert "line 2 is a quote inside a field" in faults_of(written(b"a,b\n" + row + b"\n"))


def test_text_in_another_encoding_is_a_fault_with_its_line(written: Written) -> None:
    assert "line 3 is no UTF-8; want text in UTF-8" in faults_of(written(b"a\nx\nB\xf6b\n"))


def test_a_file_with_faults_everywhere_names_a_few(written: Written) -> None:
    assert len(faults_of(written(b"a,b\n" + b"1;2\n" * 1000)).splitlines()) == feed_file.FAULTS_LIMIT


def test_a_broken_packed_file_and_one_that_is_not_there_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv.gz"
    path.write_bytes(gzip.compress(b"a\n" + b"1\n" * 1000)[:-12])
    with pytest.raises(InputError, match=r"feed.csv.gz can't be read \(.*\); want a CSV file, plain or .gz"):
        scan_feed(path, path.name)
    with pytest.raises(InputError, match="can't be read"):
        scan_feed(tmp_path / "none.csv", "none.csv")


def test_a_file_that_changed_since_it_was_checked_is_refused(written: Written, tmp_path: Path) -> None:
    content = scan_feed(written(b"a\n1\n"), "accounts.csv")
    path = written(b"a\n2\n")
    with pytest.raises(InputError, match="another file than the one that was checked"):
        FeedReader(content, path.name, tmp_path)


def test_too_few_unique_rows_for_the_planned_people_are_a_fault() -> None:
    content = FeedContent(path="/accounts.csv", sha256="", columns=("email",), rows=1_000)
    feeds = {"accounts": Feed(file="accounts.csv", content=content)}
    require_rows(feeds, 1_000)
    with pytest.raises(FileError, match=r"accounts.csv: row 1,000 is the last one, for 1,001 planned people, and feed.accounts is unique"):
        require_rows(feeds, 1_001)
    require_rows({"accounts": Feed(file="accounts.csv", mode=FeedMode.CIRCULAR, content=content)}, 1_001)
