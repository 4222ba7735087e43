"""Laws of feeds: the computed order is a permutation, processes share nothing, and the fast scan agrees with the csv module."""

import csv
import io
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gelombang.feed_file as feed_file
from gelombang.feed_file import FeedReader, scan_feed
from gelombang.feeds import FeedMode, permuted, row_of


@given(st.sampled_from([FeedMode.UNIQUE, FeedMode.SHUFFLE]), st.integers(1, 500), st.integers(0, 500), st.integers(0, 2**63))
@settings(max_examples=50, deadline=None)
def test_no_row_is_used_twice_over_three_processes_of_which_one_is_killed(mode: FeedMode, rows: int, killed_after: int, seed: int) -> None:
    """People are striped by index; the second process ends early, and whoever comes after in the others is not touched by it."""
    walked = [list(range(k, rows, 3)) for k in range(3)]
    walked[1] = walked[1][:killed_after]
    used = [row_of(mode, person, rows, seed, 0) for people in walked for person in people]
    assert len(set(used)) == len(used)


@given(st.integers(1, 3_000), st.integers(0, 2**64 - 1))
@settings(max_examples=30, deadline=None)
def test_a_permutation_of_any_size_meets_everybody_once(size: int, key: int) -> None:
    assert sorted(permuted(place, size, key) for place in range(size)) == list(range(size))


CELLS = st.text(st.sampled_from('ab,"\n\r é'), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=30), st.integers(8, 64))
@settings(max_examples=100, deadline=None)
def test_blocks_of_any_size_find_the_rows_that_the_csv_module_wrote(rows: list[tuple[str, str]], block: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b"), *rows])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(feed_file, "BLOCK_BYTES", block)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "feed.csv"
            path.write_bytes(text.getvalue().encode())
            reader = FeedReader(scan_feed(path, path.name), path.name, Path(folder))
            read = [reader.row(i) for i in range(reader.content.rows)]
            reader.close()
    assert [(row["a"], row["b"]) for row in read] == rows


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak_bytes(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        path.write_text("email,phone\n" + "".join(f"akun-{i}@warga.example,+62000{i:08d}\n" for i in range(rows)))
        tracemalloc.start()
        reader = FeedReader(scan_feed(path, path.name), path.name, tmp_path)
        assert reader.row(rows - 1)["email"] == f"akun-{rows - 1}@warga.example"
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        reader.close()
        return peak

    peak_bytes(1)  # the first call pays for what is made once
    assert peak_bytes(200_000) < 1.2 * peak_bytes(50_000)
