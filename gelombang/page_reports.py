"""What applicants' pages say about their uploads, joined with what the server saw of them: both ends, with no generator running.

A page names each try as a generator would (`gelombang.attempt_id`), with a person beyond `PAGE_PEOPLE`, and reports its end; a report is a
row as a generator's, in `ledger-pages-<slot>.bin`. The join is that of a run (`gelombang.join.match`): by person, step, number and tab. A
page that was closed in a dead zone reports nothing, so rows of the server without a report are expected here, and counted.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gelombang.attempt import Outcome, Phase, ServerOutcome, Stage
from gelombang.attempt_id import PAGE_PEOPLE
from gelombang.ledger import GENERATOR_ROW, SERVER_ROW, begun_rows, concatenate, read_all
from gelombang.resumed import fold
from gelombang.row_match import NOT_JOINED, match
from gelombang.steps import PhotoKind

PAGE_STEPS = (PhotoKind.KTP, PhotoKind.SELFIE)
"""By the step's number in their trace ids."""
PAGE_LEDGERS = "ledger-pages-*.bin"
UNREPORTED = "no report"
UNSEEN = "not seen"


class PageCell(NamedTuple):
    """How many tries ended so for the page, and so for the server."""

    outcome: str
    """`no report` where the page said nothing."""
    phase: str
    stage: str
    """`not seen` where the server has no row."""
    server_outcome: str
    attempts: int


def read_page_cells(folder: Path) -> list[PageCell]:
    """Both ends of a folder's pages. Raises RecordError for a ledger that can't be read."""
    parts = (rows for path in sorted(folder.glob("ledger-server-*.bin")) for rows in begun_rows(path, SERVER_ROW))
    of_pages = concatenate((rows[rows["person"] >= PAGE_PEOPLE] for rows in parts), SERVER_ROW)
    return page_cells(read_all(folder, PAGE_LEDGERS, GENERATOR_ROW), of_pages)


def page_cells(reports: NDArray[np.void], server: NDArray[np.void]) -> list[PageCell]:
    """The tries of pages by both ends, most frequent first; each row is counted once, an upload
    in pieces as one row. A try that was reported twice is not joined."""
    server = fold(server[server["person"] >= PAGE_PEOPLE])
    server_of, _, server_twice, alone = match(reports, server)
    cells: Counter[tuple[str, str, str, str]] = Counter()
    for report, at in zip(reports, server_of.tolist(), strict=True):
        seen = (UNSEEN, "") if at == NOT_JOINED else _server_end(server[at])
        cells[Outcome(report["outcome"]).name.lower(), Phase(report["phase"]).name.lower(), *seen] += 1
    for row in server[alone | server_twice]:
        cells[UNREPORTED, "", *_server_end(row)] += 1
    return [PageCell(*names, attempts) for names, attempts in cells.most_common()]


def _server_end(row: np.void) -> tuple[str, str]:
    return Stage(row["stage"]).name.lower(), ServerOutcome(row["outcome"]).name.lower()
