"""The ledger: what was begun comes back in order, closed or killed, however the file grew."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gelombang.ledger import GENERATOR_ROW, LedgerWriter, read_rows


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 65_535), max_size=40), st.integers(1, 7), st.booleans())
def test_rows_come_back_in_order_whether_closed_or_killed(tmp_path_factory, numbers, chunk, killed):
    path = tmp_path_factory.mktemp("ledger") / "ledger.bin"
    writer = LedgerWriter(path, GENERATOR_ROW, rows_limit=41, chunk_rows=chunk)
    for number in numbers:
        offset = writer.begin()
        writer.buffer[offset + 10 : offset + 12] = number.to_bytes(2, "little")
    if killed:
        writer.buffer.flush()
    else:
        writer.close()
        assert path.stat().st_size == len(numbers) * 72
    assert [int(n) for n in read_rows(path, GENERATOR_ROW)["number"]] == numbers
    if killed:
        writer.close()
