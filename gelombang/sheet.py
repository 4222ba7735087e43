"""A finished answer as a page of plain parts: a verdict, sentences, tables and one kind of chart.

Whoever works something out (the search for a limit, a plan, a score) says it once in these parts; the page that people read and the lines
of a terminal are made from the same sheet. Leaves out how any of it looks: that is the reports' business. All texts are plain; nothing
here is markup.
"""

from dataclasses import dataclass
from enum import StrEnum

ROWS_LIMIT = 400
"""Rows of one table; whoever has more must choose."""


class Tone(StrEnum):
    """What a verdict means to its reader."""

    GOOD = "valid"
    DOUBTED = "suspect"
    BAD = "invalid"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under headings; the first cell of a row names it."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        assert len(self.rows) <= ROWS_LIMIT, f"{len(self.rows)} rows; want {ROWS_LIMIT} at most"
        assert all(len(row) == len(self.head) for row in self.rows), "every row has a cell for each heading"


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in the order of x, with an interval where there is one."""

    name: str
    points: tuple[tuple[float, float], ...]
    is_reference: bool = False
    """Drawn dotted: what was wanted, or what history says."""


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves over one axis, both linear from 0."""

    title: str
    x_unit: str
    y_unit: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it, in this order: sentences, plot, tables."""

    title: str
    sentences: tuple[str, ...] = ()
    plot: Plot | None = None
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One answer. `verdict` is the sentence that somebody reads who reads nothing else."""

    kind: str
    title: str
    scene: str
    verdict: str
    tone: Tone
    sections: tuple[Section, ...]
    doubts: tuple[str, ...] = ()
    """Why it may be wrong; they stand at the top."""


def lines_of(sheet: Sheet) -> list[str]:
    """The verdict, the doubts and the tables for a terminal."""
    lines = [sheet.verdict, *(f"doubt: {doubt}" for doubt in sheet.doubts)]
    for section in sheet.sections:
        lines += ["", section.title, *section.sentences]
        for table in section.tables:
            lines += _table_lines(table)
    return [_plain(line) for line in lines]


def _table_lines(table: Table) -> list[str]:
    rows = [table.head, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.head))]
    told = [
        "  "
        + "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    return [line.rstrip() for line in told] + ([f"  {table.note}"] if table.note else [])


def _plain(words: str) -> str:
    return "".join(c if c.isprintable() else " " for c in words)
