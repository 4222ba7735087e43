"""The server's end of the ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.attempt_id import AttemptId
from gelombang.errors import HostError
from gelombang.ledger import SERVER_ROW, LedgerWriter, read_rows
from gelombang.steps import PhotoKind
from gelombang_server.attempts import AttemptBook
from gelombang_server.metrics import Metrics
from gelombang_server.routes import Route

RUN = 77
TRACE = AttemptId(run=RUN, person=5, tab=1, step=9, number=3)


class Desk:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger-server-0.bin"
        self.metrics = Metrics("hardened", "1/50", 0)
        self.ledger = LedgerWriter(self.path, SERVER_ROW, rows_limit=3, chunk_rows=2)
        self.book = AttemptBook(self.ledger, self.metrics, RUN, zero_us=0)

    def sample(self, name: str, **labels: str) -> float | None:
        self.metrics.page()
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.book.close_open()
    desk.ledger.close()


def test_an_ended_attempt_is_one_row_with_all_that_was_said_about_it(desk: Desk) -> None:
    attempt = desk.book.begin(TRACE.traceparent(1), Route.PHOTO_POST)
    attempt.of_photo(PhotoKind.KTP)
    attempt.received(1_000)
    attempt.received(500)
    attempt.stage_us("store_us", 250)
    attempt.stage_us("commit_us", 1 << 40)
    attempt.end(Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 201, kept_bytes=1_500)
    desk.ledger.buffer.flush()
    (row,) = read_rows(desk.path, SERVER_ROW)
    assert (row["person"], row["tab"], row["step"], row["number"]) == (5, 1, 9, 3)
    assert (row["stage"], row["outcome"], row["code"], row["status"], row["exchanges"]) == (9, 1, 0, 201, 1)
    assert (row["route"], row["bytes_received"], row["bytes_kept"]) == (20, 1_500, 1_500)
    assert (row["store_us"], row["commit_us"], row["body_us"]) == (250, 0xFFFF_FFFF, 0)
    assert row["ended"] >= row["began"] > 0


def test_a_second_end_is_a_programmer_error(desk: Desk) -> None:
    attempt = desk.book.begin(None, Route.HEALTH)
    attempt.end(Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 200)
    with pytest.raises(AssertionError, match="ended twice"):
        attempt.end(Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 200)


def test_a_resting_attempt_goes_on_with_the_next_request_of_its_trace_id(desk: Desk) -> None:
    attempt = desk.book.begin(TRACE.traceparent(1), Route.TICKET)
    attempt.rest()
    assert desk.book.begin(TRACE.traceparent(2), Route.PHOTO_PUT) is attempt
    assert (attempt.exchanges, attempt.is_resting, desk.book.started_count) == (2, False, 1)
    other = desk.book.begin(TRACE.traceparent(3), Route.PHOTO_PUT)
    assert other is not attempt, "the same trace id at the same time is a second attempt"


def test_a_request_of_another_run_or_without_a_trace_leaves_no_row(desk: Desk) -> None:
    foreign = AttemptId(run=RUN + 1, person=5, tab=1, step=9, number=3)
    for header in (None, "rubbish", foreign.traceparent(1), TRACE._replace(number=70_000).traceparent(1)):
        desk.book.begin(header, Route.LOGIN).end(Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED, Code.NONE, 200)
    assert desk.ledger.count == 0
    assert (desk.book.started_count, desk.book.ended_count) == (4, 4)


def test_what_is_open_at_the_end_is_closed_as_shutdown_at_its_stage(desk: Desk) -> None:
    attempt = desk.book.begin(TRACE.traceparent(1), Route.PHOTO_POST)
    attempt.of_photo(PhotoKind.SELFIE)
    attempt.stage = Stage.STORE
    assert desk.sample("gelombang_server_upload_attempts_in_flight") == 1
    desk.book.close_open()
    labels = {"photo": "selfie", "stage": "store", "outcome": "shutdown", "code": "shutting_down"}
    assert desk.sample("gelombang_server_upload_attempts_total", **labels) == 1
    assert desk.sample("gelombang_server_upload_attempts_in_flight") == 0
    assert (desk.book.started_count, desk.book.ended_count, desk.book.in_flight) == (1, 1, 0)


def test_bytes_count_as_kept_only_when_somebody_was_there_to_hear(desk: Desk) -> None:
    for outcome in (ServerOutcome.COMPLETED, ServerOutcome.COMPLETED_UNHEARD):
        attempt = desk.book.begin(None, Route.PHOTO_POST)
        attempt.of_photo(PhotoKind.KTP)
        attempt.received(10)
        attempt.end(Stage.ACKNOWLEDGE, outcome, Code.NONE, 201, kept_bytes=10)
    assert desk.sample("gelombang_server_upload_received_bytes_total") == 20
    assert desk.sample("gelombang_server_upload_kept_bytes_total") == 10


def test_a_broken_count_stops_the_scrape(desk: Desk) -> None:
    desk.book.started_count += 1
    with pytest.raises(AssertionError, match="started 1, ended 0, in flight 0"):
        desk.metrics.page()
    desk.book.started_count -= 1


def test_a_full_ledger_is_an_operator_error(desk: Desk) -> None:
    for number in (1, 2, 3):
        desk.book.begin(TRACE._replace(number=number).traceparent(1), Route.LOGIN)
    with pytest.raises(HostError, match="full at 3 rows"):
        desk.book.begin(TRACE._replace(number=4).traceparent(1), Route.LOGIN)
