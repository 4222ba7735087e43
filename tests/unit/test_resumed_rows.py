"""Rows of an upload that was gone on with, made one."""

import numpy as np
from numpy.typing import NDArray

from gelombang.ledger import SERVER_ROW
from gelombang.resumed import TICKET_ROUTE, TUS_ROUTES, fold
from gelombang_server.routes import Route

PHOTO_PUT, TICKET, CREATE, HEAD, PATCH = 22, 21, 24, 25, 26


def row(person: int, route: int, began: int, status: int = 204, received: int = 0, number: int = 1) -> NDArray[np.void]:
    made = np.zeros(1, SERVER_ROW)
    fields = {"person": person, "step": 9, "number": number, "route": route, "began": began, "ended": began + 5, "status": status}
    for name, value in (fields | {"bytes_received": received, "exchanges": 1, "body_us": 10}).items():
        made[name] = value
    return made


def folded(*rows: NDArray[np.void]) -> list[tuple[int, ...]]:
    found = fold(np.concatenate(rows))
    return [tuple(int(each[name]) for name in ("person", "route", "began", "status", "bytes_received", "exchanges")) for each in found]


def test_the_last_request_says_how_it_ended_and_all_say_what_came() -> None:
    # The rows of two processes, one ledger after the other: the last request was answered by the first of them.
    rows = row(1, CREATE, 10, 201), row(1, PATCH, 40, 204, 300), row(1, PATCH, 20, 499, 200), row(1, HEAD, 30, 200)
    assert folded(*rows) == [(1, PATCH, 10, 204, 500, 4)]
    (whole,) = fold(np.concatenate(rows))
    assert (whole["ended"], whole["body_us"]) == (45, 40)


def test_a_ticket_and_the_requests_after_it_are_one_attempt() -> None:
    assert folded(row(1, TICKET, 10, 204, 100), row(1, PATCH, 20, 204, 50)) == [(1, PATCH, 10, 204, 150, 2)]


def test_another_person_s_or_try_s_rows_stay_apart() -> None:
    rows = row(1, PATCH, 10), row(2, PATCH, 20), row(1, PATCH, 30, number=2)
    assert [each[0] for each in folded(*rows)] == [1, 2, 1]


def test_two_rows_by_other_routes_are_left_for_the_join_to_find() -> None:
    assert len(folded(row(1, PHOTO_PUT, 10), row(1, PHOTO_PUT, 20), row(2, PATCH, 30))) == 3
    assert len(folded(row(1, PHOTO_PUT, 10), row(1, PATCH, 20))) == 2


def test_a_ledger_without_tus_is_handed_back_as_it_is() -> None:
    rows = np.concatenate([row(1, TICKET, 10), row(1, TICKET, 20)])
    assert fold(rows) is rows
    assert len(fold(np.zeros(0, SERVER_ROW))) == 0


def test_what_was_received_stops_at_the_field_s_limit() -> None:
    (whole,) = fold(np.concatenate([row(1, PATCH, 10, received=4_000_000_000), row(1, PATCH, 20, received=4_000_000_000)]))
    assert whole["bytes_received"] == 0xFFFF_FFFF


def test_the_routes_are_those_of_the_reference_server() -> None:
    assert TICKET_ROUTE == Route.TICKET
    assert sorted(TUS_ROUTES) == [Route.TUS_CREATE, Route.TUS_HEAD, Route.TUS_PATCH, Route.TUS_DELETE]
