"""Both ends of what pages sent: each row is counted once, and only what carries the same name is put together."""

import numpy as np

from gelombang.attempt import Outcome, Phase, ServerOutcome, Stage
from gelombang.attempt_id import PAGE_PEOPLE
from gelombang.ledger import GENERATOR_ROW, SERVER_ROW
from gelombang.page_reports import UNREPORTED, UNSEEN, PageCell, page_cells
from gelombang.resumed import TICKET_ROUTE, TUS_ROUTES


def report(person: int, number: int, outcome: Outcome, phase: Phase) -> np.void:
    row = np.zeros((), dtype=GENERATOR_ROW)
    row["person"], row["number"], row["outcome"], row["phase"] = PAGE_PEOPLE + person, number, outcome, phase
    return row[()]


def seen(person: int, number: int, stage: Stage, outcome: ServerOutcome) -> np.void:
    row = np.zeros((), dtype=SERVER_ROW)
    row["person"], row["number"], row["stage"], row["outcome"] = person, number, stage, outcome
    return row[()]


def test_each_row_of_both_ends_is_in_one_cell() -> None:
    reports = np.array(
        [
            report(1, 7, Outcome.OK, Phase.NONE),
            report(1, 8, Outcome.RESET, Phase.SEND),
            report(2, 7, Outcome.RESET, Phase.CONNECT),
        ]
    )
    server = np.array(
        [
            seen(PAGE_PEOPLE + 1, 7, Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED),
            seen(PAGE_PEOPLE + 1, 8, Stage.BODY, ServerOutcome.ABANDONED),
            seen(PAGE_PEOPLE + 3, 1, Stage.STORE, ServerOutcome.FAILED),
            seen(3, 1, Stage.STORE, ServerOutcome.FAILED),
        ]
    )
    cells = page_cells(reports, server)
    assert set(cells) == {
        PageCell("ok", "none", "acknowledge", "completed", 1),
        PageCell("reset", "send", "body", "abandoned", 1),
        PageCell("reset", "connect", UNSEEN, "", 1),
        PageCell(UNREPORTED, "", "store", "failed", 1),
    }


def test_a_try_that_is_reported_twice_is_not_joined_and_not_lost() -> None:
    twice = [report(1, 7, Outcome.OK, Phase.NONE), report(1, 7, Outcome.RESET, Phase.SEND)]
    cells = page_cells(np.array(twice), np.array([seen(PAGE_PEOPLE + 1, 7, Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED)]))
    assert sum(cell.attempts for cell in cells if cell.outcome != UNREPORTED) == 2
    assert all(cell.stage == UNSEEN for cell in cells if cell.outcome != UNREPORTED)


def test_an_upload_in_pieces_is_one_try_of_its_page() -> None:
    rows = np.array([seen(PAGE_PEOPLE + 1, 7, Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED) for _ in range(3)])
    rows["route"], rows["began"] = [TICKET_ROUTE, min(TUS_ROUTES), max(TUS_ROUTES)], [1, 2, 3]
    cells = page_cells(np.array([report(1, 7, Outcome.OK, Phase.NONE)]), rows)
    assert cells == [PageCell("ok", "none", "acknowledge", "completed", 1)]
