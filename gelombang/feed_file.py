"""A feed's file: checked once from end to end, and then read row by row, with memory that does not grow with it.

The scan walks the file in blocks and finds the ends of rows with array operations: a line end or comma counts where the number of quotes
before it is even, which is RFC 4180's rule as arithmetic. Where each row begins goes into an index of int64 on disk, and a row is two
reads. The index and an unpacked text are files without a name, in the folder that a reader is given, so nothing of them stays when the
process ends, however it ends.
"""

import csv
import gzip
import hashlib
import io
import os
import re
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from gelombang.errors import Fault, FileError, InputError
from gelombang.feeds import FeedContent

BLOCK_BYTES = 1 << 20
UNPACKED_BYTES_LIMIT = 8_000_000_000
"""A feed's text, after unpacking: 80 million rows of 100 bytes."""
ROW_BYTES_LIMIT = 131_072
"""A longer row is a quote that nobody closed."""
COLUMNS_LIMIT = 1_000
FAULTS_LIMIT = 20
"""Faults named of one file; a file with the wrong separator has as many as rows."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]*")
_QUOTE, _COMMA, _LINE_END, _RETURN = b'",\n\r'
_PLACE, _PLACES = struct.Struct("<q"), struct.Struct("<qq")
_BOM = b"\xef\xbb\xbf"


def scan_feed(path: Path, shown: str) -> FeedContent:
    """What a feed's file holds. Raises InputError when it can't be read, FileError with its faults."""
    with closing(_text_of(path, shown, None)) as text:
        scan = _Scan(shown)
        try:
            _walk(text, scan, lambda begins: None)
        except (OSError, EOFError, zlib.error) as error:
            raise _unreadable(shown, error) from error
        return FeedContent(path=str(path.resolve()), sha256=_digest(path, shown), columns=scan.columns, rows=scan.rows)


class FeedReader:
    """The rows of a feed's file. Raises InputError, also when the file is not the one that was checked."""

    def __init__(self, content: FeedContent, shown: str, folder: Path) -> None:
        self.content = content
        path = Path(content.path)
        if _digest(path, shown) != content.sha256:
            raise InputError(f"{shown} is another file than the one that was checked; want it unchanged until the run has ended")
        self._text = _text_of(path, shown, folder)
        self._index = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # open as long as the reader is
        scan = _Scan(shown)
        _walk(self._text, scan, lambda begins: self._index.write(begins.astype("<i8").tobytes()))
        self._index.write(_PLACE.pack(os.fstat(self._text.fileno()).st_size))
        self._index.flush()
        self._last: tuple[int, Mapping[str, str]] = (-1, {})

    def row(self, number: int) -> Mapping[str, str]:
        """Row `number`, from 0, as column → value."""
        assert 0 <= number < self.content.rows
        known, values = self._last
        if known != number:
            # The header is the first entry of the index.
            begin, end = _PLACES.unpack(os.pread(self._index.fileno(), _PLACES.size, (number + 1) * _PLACE.size))
            text = os.pread(self._text.fileno(), end - begin, begin)
            values = dict(zip(self.content.columns, _parsed(text), strict=True))
            self._last = number, values
        return values

    def close(self) -> None:
        """Give the files back."""
        self._text.close()
        self._index.close()


@dataclass(slots=True)
class _Scan:
    """What a walk through the text has found so far."""

    shown: str
    columns: tuple[str, ...] = ()
    rows: int = -1
    """Rows that have begun; the header is the one before the first."""
    lines: int = 0
    """Lines before the block."""
    faults: list[Fault] = field(default_factory=list)

    def add(self, line: int, found: str, wanted: str) -> None:
        self.faults.append(Fault(f"line {line:,}", found, wanted))
        if len(self.faults) >= FAULTS_LIMIT:
            raise FileError(self.shown, self.faults)


def _walk(text: IO[bytes], scan: _Scan, take: Callable[[NDArray[np.int64]], object]) -> None:
    """Go through a text from its first byte; `take` gets where rows begin, in bytes. Raises FileError."""
    text.seek(0)
    rest, at = text.read(len(_BOM)), 0
    if rest == _BOM:
        rest, at = b"", len(_BOM)
    for block in _blocks(text, rest, scan):
        codes = np.frombuffer(block, dtype=np.uint8)
        quotes = codes == _QUOTE
        quoted = np.logical_xor.accumulate(quotes) if quotes.any() else quotes
        ends = np.flatnonzero((codes == _LINE_END) & ~quoted)
        if scan.rows < 0:
            scan.columns = _header(block[: int(ends[0])], scan)
        begins = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64)
        _check_rows(block, codes, quoted, begins, ends, scan)
        take(begins + at)
        scan.rows += len(ends)
        scan.lines += int((codes == _LINE_END).sum())
        at += len(block)
    if scan.faults:
        raise FileError(scan.shown, scan.faults)
    if scan.rows < 0:
        scan.add(1, "missing: the file is empty", "a header of column names, and rows")
    elif scan.rows == 0:
        scan.add(1, "all that there is", "a header of column names, and at least one row below it")
    if scan.faults:
        raise FileError(scan.shown, scan.faults)


def _blocks(text: IO[bytes], rest: bytes, scan: _Scan) -> Iterator[bytes]:
    """The text in blocks of whole rows; the last row gets the line end that it may lack."""
    total = len(rest)
    while True:
        block = text.read(BLOCK_BYTES)
        total += len(block)
        if total > UNPACKED_BYTES_LIMIT:
            raise InputError(f"{scan.shown} has more than {UNPACKED_BYTES_LIMIT:,} bytes of text; want a smaller feed")
        if not block:
            break
        whole = rest + block
        cut = _last_row_end(whole)
        if cut:
            yield whole[:cut]
        rest = whole[cut:]
        if len(rest) > ROW_BYTES_LIMIT:
            scan.add(scan.lines + 1, f"a row of more than {ROW_BYTES_LIMIT:,} bytes", "quotes that are closed")
            raise FileError(scan.shown, scan.faults)
    if rest:
        if rest.count(b'"') % 2:
            scan.add(scan.lines + 1, "a row with a quote that is not closed", 'quotes in pairs, and "" for a quote inside them')
        else:
            yield rest if rest.endswith(b"\n") else rest + b"\n"


def _last_row_end(text: bytes) -> int:
    """The place after the last line end that ends a row; 0 when there is none."""
    place = len(text)
    quotes_before = text.count(b'"')
    while (found := text.rfind(b"\n", 0, place)) >= 0:
        quotes_before -= text.count(b'"', found, place)
        if quotes_before % 2 == 0:
            return found + 1
        place = found
    return 0


def _header(line: bytes, scan: _Scan) -> tuple[str, ...]:
    wanted = "a header of column names: letters, digits, _, - and spaces, a letter first"
    names = tuple(_parsed(line)) if _is_utf8(line) else ("",)
    if len(names) > COLUMNS_LIMIT:
        scan.add(1, f"a header of {len(names):,} columns", f"at most {COLUMNS_LIMIT:,}")
    for name in names:
        if not _NAME.fullmatch(name):
            scan.add(1, "a header without a name in some column" if not name else f"a header with the name {name[:40]!r}", wanted)
            break
    for name in sorted({name for name in names if names.count(name) > 1}):
        scan.add(1, f"a header with {name!r} twice", "a name of its own for each column")
    return names


def _check_rows(
    block: bytes, codes: NDArray[np.uint8], quoted: NDArray[np.bool_], begins: NDArray[np.int64], ends: NDArray[np.int64], scan: _Scan
) -> None:
    commas = np.flatnonzero((codes == _COMMA) & ~quoted)
    fields = np.searchsorted(commas, ends) - np.searchsorted(commas, begins) + 1
    lengths = ends - begins - ((ends > begins) & (codes[ends - 1] == _RETURN))
    for i in np.flatnonzero(lengths > ROW_BYTES_LIMIT):
        scan.add(_line(block, int(begins[i]), scan), f"a row of {lengths[i]:,} bytes", f"at most {ROW_BYTES_LIMIT:,}")
    for place in _stray_quotes(codes):
        scan.add(_line(block, int(place), scan), "a quote inside a field", 'quotes around a whole field, and "" for a quote inside them')
    for i in np.flatnonzero((fields != len(scan.columns)) | (lengths == 0)):
        found = f"a row of {fields[i]:,} fields" if lengths[i] else "an empty line"
        scan.add(_line(block, int(begins[i]), scan), found, f"{len(scan.columns):,} fields, as the header has")
    if not _is_utf8(block):
        for begin, end in zip(begins, ends, strict=True):
            if not _is_utf8(block[begin:end]):
                scan.add(_line(block, int(begin), scan), "no UTF-8", "text in UTF-8")


def _stray_quotes(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Quotes that open after something else than the begin of a field, or close before something else than its end."""
    places = np.flatnonzero(codes == _QUOTE)
    opening, closing = places[0::2], places[1::2]
    before, after = codes[np.maximum(opening, 1) - 1], codes[closing + 1]
    strays = [
        opening[(opening > 0) & ~np.isin(before, (_QUOTE, _COMMA, _LINE_END))],
        closing[~np.isin(after, (_QUOTE, _COMMA, _LINE_END, _RETURN))],
    ]
    return np.sort(np.concatenate(strays))


def _line(block: bytes, place: int, scan: _Scan) -> int:
    return scan.lines + block.count(b"\n", 0, place) + 1


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _parsed(row: bytes) -> list[str]:
    if b'"' not in row:
        return row.decode().rstrip("\r\n").split(",")
    return next(csv.reader(io.StringIO(row.decode(), newline="")))


def _text_of(path: Path, shown: str, folder: Path | None) -> IO[bytes]:
    """The text of a feed, as a file that can be mapped when a folder is given: a packed one is unpacked there once."""
    try:
        if path.suffix != ".gz":
            return path.open("rb")
        if folder is None:
            return gzip.open(path, "rb")  # type: ignore[return-value]  # a GzipFile reads and seeks as a file does
        unpacked = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # the caller closes it
        with gzip.open(path, "rb") as packed:
            shutil.copyfileobj(packed, unpacked, BLOCK_BYTES)
        unpacked.flush()
        return unpacked
    except OSError as error:
        raise _unreadable(shown, error) from error


def _digest(path: Path, shown: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(shown, error) from error


def _unreadable(shown: str, error: Exception) -> InputError:
    return InputError(f"{shown} can't be read ({getattr(error, 'strerror', None) or error}); want a CSV file, plain or .gz")
