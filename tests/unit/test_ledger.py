"""The ledger's rows and limits."""

import numpy as np
import pytest

from gelombang.errors import HostError, RecordError
from gelombang.ledger import ACKNOWLEDGED_ROW, GENERATOR_ROW, PERSON_ROW, SERVER_ROW, LedgerWriter, read_all, read_rows


def test_rows_have_the_sizes_that_writers_pack():
    assert [dtype.itemsize for dtype in (GENERATOR_ROW, SERVER_ROW, PERSON_ROW, ACKNOWLEDGED_ROW)] == [72, 80, 232, 56]


def test_a_full_ledger_says_what_to_do(tmp_path):
    writer = LedgerWriter(tmp_path / "ledger.bin", GENERATOR_ROW, rows_limit=3, chunk_rows=2)
    for _ in range(3):
        writer.begin()
    with pytest.raises(HostError, match=r"ledger\.bin is full at 3 rows; want a smaller --sample or a shorter --for"):
        writer.begin()
    writer.close()


def test_a_file_cut_in_the_middle_of_a_row_is_an_operator_error(tmp_path):
    path = tmp_path / "ledger.bin"
    path.write_bytes(bytes(100))
    with pytest.raises(RecordError, match="100 bytes; want a multiple of 72"):
        read_rows(path, GENERATOR_ROW)


def test_rows_of_all_processes_come_in_the_order_of_their_files(tmp_path):
    for k in (1, 0):
        rows = np.zeros(1, GENERATOR_ROW)
        rows["number"], rows["person"] = 1, k
        rows.tofile(tmp_path / f"ledger-generator-{k}.bin")
    assert read_all(tmp_path, "ledger-generator-*.bin", GENERATOR_ROW)["person"].tolist() == [0, 1]


def test_no_files_are_no_rows(tmp_path):
    assert read_all(tmp_path, "ledger-generator-*.bin", GENERATOR_ROW).dtype == GENERATOR_ROW
