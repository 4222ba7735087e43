"""What the auditor says of itself while it runs: one row of numbers in a file, written anew after each look and read at scrape.

The auditor is a process of its own and has no page of metrics. Process 0 of the site reads the row when it is scraped
(`gelombang_server.auditing.watch`), so that it costs no request anything; the figures are the auditor's own, of all its lives, because it
takes them from its trail. The row ends with a checksum (CRC-32 of what is before it): one that is read while it is written does not hold,
and the one before it counts.
"""

import os
from pathlib import Path
from struct import Struct
from typing import NamedTuple
from zlib import crc32

FIGURES_FILE = "auditor.bin"
"""In the site's folder."""
_ROW = Struct("<8q")


class Figures(NamedTuple):
    """Of one moment; all but `at_us` count from the run's beginning."""

    at_us: int
    """On the monotonic clock, which is the same for all processes of a machine."""
    right: int
    """Photos that were read back right and removed."""
    wrong: int
    unreadable: int
    removed_bytes: int
    """What those took of the disk, as the next three."""
    kept_bytes: int
    due_bytes: int
    """What should be read back and removed by now."""
    limit_bytes: int


class FiguresWriter:
    """The auditor's end. Raises OSError where the disk can't take it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def write(self, figures: Figures) -> None:
        row = _ROW.pack(*figures)
        os.pwrite(self._descriptor, row + crc32(row).to_bytes(4, "little"), 0)

    def close(self) -> None:
        os.close(self._descriptor)


def read_figures(path: Path) -> Figures | None:
    """None where no auditor has written any yet, or one writes just now."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    row = data[: _ROW.size]
    return Figures(*_ROW.unpack(row)) if data[_ROW.size :] == crc32(row).to_bytes(4, "little") and len(row) == _ROW.size else None
