"""The part of the record that says what applicants' pages reported of their uploads, beside what the server saw of the same tries."""

from pathlib import Path

from gelombang.page_reports import PageCell, read_page_cells
from gelombang.record_uploads import RecordPart


class PageEnds(RecordPart):
    """Tries that ended so for the page and so for the server; the words are those of `PageCell`."""

    outcome: str
    phase: str
    stage: str
    server_outcome: str
    attempts: int

    @property
    def cell(self) -> PageCell:
        return PageCell(self.outcome, self.phase, self.stage, self.server_outcome, self.attempts)


def page_ends(folder: Path) -> list[PageEnds]:
    """Of a run's folder; empty where nobody sent a photo from a page. Raises RecordError for a ledger that can't be read."""
    return [PageEnds(**cell._asdict()) for cell in read_page_cells(folder)]
