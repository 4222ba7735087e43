"""What happened at a known moment, for every time axis of the page: phases, faults, the last arrivals, a stop."""

from collections.abc import Sequence
from dataclasses import dataclass

from gelombang_reports.charts import ChartMark
from gelombang_reports.figures import Figures
from gelombang_reports.texts import Texts


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that a time axis must show: a moment, or a stretch when `until_seconds` is given."""

    kind: str
    """`phase`, `stall`, `arrivals_end`, `stopped`."""
    at_seconds: float
    until_seconds: float | None = None
    left_ratio: float | None = None
    """Of a stall: the share of its bandwidth that the store still has."""


def chart_marks(marks: Sequence[Mark], texts: Texts, figures: Figures) -> tuple[ChartMark, ...]:
    """The marks with their words."""
    words = {"phase": texts.mark_phase, "arrivals_end": texts.mark_arrivals_end, "stopped": texts.mark_stopped}
    return tuple(
        ChartMark(
            mark.at_seconds,
            mark.until_seconds,
            words[mark.kind] if mark.kind in words else texts.mark_stall.format(ratio=figures.ratio(mark.left_ratio)),
        )
        for mark in marks
    )
