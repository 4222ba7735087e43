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
    """`phase`, `stall`, `fault`, `arrivals_end`, `stopped`."""
    at_seconds: float
    until_seconds: float | None = None
    left_ratio: float | None = None
    """Of a stall: the share of its bandwidth that the store still has."""
    setting: str = ""
    """Of a fault that was set off: what changed, and to what."""


def chart_marks(marks: Sequence[Mark], texts: Texts, figures: Figures) -> tuple[ChartMark, ...]:
    """The marks with their words."""
    words = {"phase": texts.mark_phase, "arrivals_end": texts.mark_arrivals_end, "stopped": texts.mark_stopped}
    return tuple(
        ChartMark(
            mark.at_seconds,
            mark.until_seconds,
            _words(mark, words, texts, figures),
        )
        for mark in marks
    )


def _words(mark: Mark, words: dict[str, str], texts: Texts, figures: Figures) -> str:
    if mark.kind == "fault":
        return texts.mark_fault.format(setting=mark.setting)
    return words[mark.kind] if mark.kind in words else texts.mark_stall.format(ratio=figures.ratio(mark.left_ratio))
