"""What applicants' pages said of their uploads, beside what the server saw of the same tries, as rows of a table."""

from collections.abc import Sequence

from gelombang.page_reports import UNREPORTED, UNSEEN, PageCell
from gelombang.record import RunRecord
from gelombang_reports.places import BothEnds
from gelombang_reports.texts import Texts

_DONE = ("completed", "completed_unheard")


def page_ends(records: Sequence[RunRecord], texts: Texts) -> tuple[BothEnds, ...]:
    """The largest first; nothing here is unexplained, because a page that was closed says nothing, and nothing is decided by a report."""
    attempts: dict[PageCell, list[int]] = {}
    for index, record in enumerate(records):
        for end in record.pages:
            attempts.setdefault(end.cell._replace(attempts=0), [0] * len(records))[index] += end.attempts
    found = [BothEnds(_page(cell), _server(cell), True, texts.page_meanings[_meaning(cell)], tuple(n)) for cell, n in attempts.items()]
    return tuple(sorted(found, key=lambda row: (-sum(row.attempts), row.client, row.server)))


def _meaning(cell: PageCell) -> str:
    is_done = cell.server_outcome in _DONE
    if cell.outcome == UNREPORTED:
        return "silent"
    if cell.outcome in ("ok", "conflict"):
        return "taken" if is_done or cell.outcome == "conflict" else "taken_elsewhere"
    if cell.stage == UNSEEN:
        return "unseen"
    return "unheard" if is_done else "failed"


def _page(cell: PageCell) -> str:
    return cell.outcome if cell.phase in ("", "none") else f"{cell.outcome} in {cell.phase}"


def _server(cell: PageCell) -> str:
    return " · ".join(filter(None, (cell.stage, cell.server_outcome)))
