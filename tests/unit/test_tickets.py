"""The ticket desk by itself: budgets, told times, signatures; a clock in the test's hand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gelombang.attempt import Code
from gelombang.attempt_id import AttemptId
from gelombang.distribution import Fixed
from gelombang.ledger import SERVER_ROW, LedgerWriter
from gelombang.profile_uploads import Store, Tickets
from gelombang.steps import PhotoKind
from gelombang_server.attempts import AttemptBook, ServerAttempt
from gelombang_server.metrics import Metrics
from gelombang_server.problem import Problem
from gelombang_server.routes import Route
from gelombang_server.tickets import TicketDesk

STORE = Store(bandwidth_bytes_per_second=1_000.0, commit_bytes=10, latency_seconds=0.0, capacity_bytes=10**9, turns_limit=2, queue_limit=8)
TICKETS = Tickets(
    received_budget_bytes=1_000,
    admitted_budget_bytes=2_000,
    first_photo_budget_ratio=0.8,
    life_seconds=100.0,
    return_ratio=0.25,
    mean_photo_bytes=1_000,
    return_jitter=Fixed(value=1.0),
    return_min_seconds=5.0,
    return_max_seconds=600.0,
)
DIGEST = bytes(32)


class Clock:
    now_us = 0

    def __call__(self) -> int:
        return self.now_us


class Counter:
    """A desk, its clock, and attempts to rest on its tickets."""

    def __init__(self, folder: Path) -> None:
        metrics = Metrics("hardened", "1", 0)
        self.clock = Clock()
        self.ledger = LedgerWriter(folder / "ledger.bin", SERVER_ROW, 1_000, 1_000)
        self.book = AttemptBook(self.ledger, metrics, 7, 0)
        self.desk = TicketDesk(STORE, TICKETS, 10, b"key" * 11, 1, metrics, self.clock)

    def attempt(self, person: int, number: int = 1) -> ServerAttempt:
        return self.book.begin(AttemptId(7, person, 0, 9, number).traceparent(1), Route.TICKET)

    def refused_seconds(self, person: int, number: int = 1, photo_bytes: int = 5_000) -> float:
        with pytest.raises(Problem) as refusal:
            self.desk.ask(person, PhotoKind.KTP, photo_bytes, DIGEST, False, self.attempt(person, number))
        assert refusal.value.code is Code.UPLOADS_BUSY
        assert refusal.value.retry_after_seconds is not None
        return refusal.value.retry_after_seconds


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    counter = Counter(tmp_path)
    yield counter
    counter.desk.shut()
    counter.ledger.close()


async def test_what_a_ticket_takes_is_given_back_once(counter: Counter) -> None:
    desk = counter.desk
    ticket = desk.ask(1, PhotoKind.KTP, 490, DIGEST, False, counter.attempt(1))
    assert (desk.admitted_bytes, desk.received_bytes, desk.unfinished) == (500, 0, 1)
    desk.photo_received(ticket)
    desk.photo_received(ticket)
    assert (desk.admitted_bytes, desk.received_bytes) == (500, 500)
    desk.close(ticket)
    desk.close(ticket)
    assert (desk.admitted_bytes, desk.received_bytes, desk.unfinished) == (0, 0, 0)


async def test_told_times_grow_with_the_people_who_wait_and_not_with_their_tries(counter: Counter) -> None:
    counter.desk.ask(1, PhotoKind.KTP, 490, DIGEST, False, counter.attempt(1))
    assert [counter.refused_seconds(person) for person in range(2, 42)][-1] == pytest.approx(0.25 * 40 * 1_000 / 1_000)
    assert counter.refused_seconds(2, number=2) == pytest.approx(10.0)


async def test_people_who_do_not_come_back_are_forgotten(counter: Counter) -> None:
    counter.desk.ask(1, PhotoKind.KTP, 490, DIGEST, False, counter.attempt(1))
    for person in range(2, 42):
        counter.refused_seconds(person)
    counter.clock.now_us = 250_000_000
    assert counter.refused_seconds(99) == 5.0


async def test_where_next_to_nothing_is_finished_people_are_told_the_time_that_it_really_takes(counter: Counter) -> None:
    ticket, _ = (counter.desk.ask(person, PhotoKind.KTP, 490, DIGEST, False, counter.attempt(person)) for person in (0, 1))
    assert counter.refused_seconds(2) == 5.0
    counter.desk.photo_received(ticket)
    counter.clock.now_us = 30_000_000
    counter.desk.close(ticket)
    for person in range(3, 23):
        told_seconds = counter.refused_seconds(person)
    assert told_seconds == pytest.approx(20 * 1_000 / ((500 + 1_000) / 30))


async def test_who_gets_a_ticket_waits_no_more(counter: Counter) -> None:
    counter.desk.ask(1, PhotoKind.KTP, 490, DIGEST, False, counter.attempt(1))
    for person in range(2, 42):
        counter.refused_seconds(person)
    for person in range(2, 22):
        counter.desk.close(counter.desk.ask(person, PhotoKind.KTP, 40, DIGEST, False, counter.attempt(person, 2)))
    assert counter.refused_seconds(50) == pytest.approx(0.25 * 21)


async def test_a_ticket_changed_by_one_character_is_not_of_this_site(counter: Counter) -> None:
    ticket = counter.desk.ask(1, PhotoKind.KTP, 490, DIGEST, False, counter.attempt(1))
    token, attempt_id = counter.desk.token(ticket), AttemptId(7, 1, 0, 9, 1)
    for at in range(0, len(token) - 1, 7):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises(Problem) as refusal:
            counter.desk.claim(changed, PhotoKind.KTP, attempt_id)
        assert refusal.value.code is Code.TICKET_INVALID
    assert counter.desk.claim(token, PhotoKind.KTP, attempt_id) is ticket


async def test_a_ticket_is_too_old_at_the_end_of_its_life(counter: Counter) -> None:
    ticket = counter.desk.ask(1, PhotoKind.KTP, 490, DIGEST, False, counter.attempt(1))
    counter.clock.now_us = 100_000_000
    with pytest.raises(Problem) as refusal:
        counter.desk.claim(counter.desk.token(ticket), PhotoKind.KTP, ticket.attempt_id)
    assert refusal.value.code is Code.TICKET_EXPIRED
    assert counter.desk.admitted_bytes == 0


async def test_a_person_may_have_a_ticket_for_each_photo(counter: Counter) -> None:
    counter.desk.ask(1, PhotoKind.KTP, 90, DIGEST, False, counter.attempt(1, 1))
    counter.desk.ask(1, PhotoKind.SELFIE, 90, DIGEST, False, counter.attempt(1, 2))
    assert counter.desk.unfinished == 2
    counter.desk.ask(1, PhotoKind.SELFIE, 90, DIGEST, False, counter.attempt(1, 3))
    assert counter.desk.unfinished == 2
