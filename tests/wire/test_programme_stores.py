"""The programme's operations promise the same in every database of the site."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gelombang.attempt import Code
from gelombang.programme.benefits import Terms, buy_training, complete_training, grant
from gelombang.programme.partner import PartnerBook
from gelombang.programme.payout import Pauses, Reply
from gelombang.programme.wave import Wave
from gelombang_server.peoplestore import Cursor, PeopleStore
from gelombang_server.problem import Problem
from gelombang_server.programme.books import read_books
from gelombang_server.programme.calendar import keep_zero
from gelombang_server.programme.drawing import drawing
from gelombang_server.programme.holdings import changed, lapse_places
from gelombang_server.programme.payments import (
    begin_sending,
    doubt_what_was_sent,
    keep_answers,
    open_payments,
    queue_payments,
    queue_returned,
)
from tests.support.people_stores import people_store

WAVE = Wave("wave-1", 0, 10, 20, 30, quota=3)
TERMS = Terms(1_000_000, 600_000, 4, 50_000, 3, first_training_us=100, month_us=1_000)
PAUSES = Pauses(1, 1)


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PeopleStore]:
    """With eight people in the wave."""
    async with people_store(request, tmp_path) as opened:
        await opened.run(_eight_people)
        yield opened


def _eight_people(cursor: Cursor) -> None:
    for one in range(1, 9):
        row = (one, f"{one}@mail.example", "x", "x", 1, f"nik-{one}", f"+62{one}")
        cursor.execute("INSERT INTO applicants (id, email, name, password_hash, created_us, nik, phone) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        cursor.execute("INSERT INTO memberships (wave, applicant, joined_us) VALUES (?, ?, ?)", (WAVE.name, one, 5))
        cursor.execute("INSERT INTO tests (applicant, began_us, handed_in_us) VALUES (?, ?, ?)", (one, 1, 2))


async def test_a_draw_is_exact_durable_and_held_once(store: PeopleStore) -> None:
    held = await store.run(drawing(WAVE, seed=7, drawn_us=20))
    assert (held.joined, held.published_us) == (8, 30)
    chosen = await store.read(lambda cursor: cursor.execute("SELECT applicant FROM selections ORDER BY applicant").fetchall())
    assert len(chosen) == 3
    with pytest.raises(Problem) as refused:
        await store.run(drawing(WAVE, seed=8, drawn_us=20))
    assert refused.value.code is Code.DRAW_HELD
    assert await store.read(lambda cursor: cursor.execute("SELECT applicant FROM selections ORDER BY applicant").fetchall()) == chosen


async def test_the_first_zero_that_is_told_counts(store: PeopleStore) -> None:
    assert await store.run(lambda cursor: keep_zero(cursor, 11)) == 11
    assert await store.run(lambda cursor: keep_zero(cursor, 12)) == 11


async def test_money_goes_its_way_and_the_books_balance_at_each_step(store: PeopleStore) -> None:
    await store.run(drawing(WAVE, seed=7, drawn_us=20))
    ((one,), (lazy,), _) = await store.read(lambda cursor: cursor.execute("SELECT applicant FROM selections ORDER BY 1").fetchall())
    nik, book = f"nik-{one}", PartnerBook()

    def begins(cursor: Cursor) -> None:
        cursor.execute("INSERT INTO wallets (applicant, partner, account, chosen_us) VALUES (?, 'ovo', '71', 40)", (one,))
        changed(cursor, nik, one, lambda holding: grant(holding, TERMS, 30))
        changed(cursor, f"nik-{lazy}", lazy, lambda holding: grant(holding, TERMS, 30))
        changed(cursor, nik, one, lambda holding: buy_training(holding, TERMS, 1_000_000, 50))
        queue_payments(cursor, nik, one, changed(cursor, nik, one, lambda holding: complete_training(holding, TERMS, 60)))

    async def asked(now_us: int, answers: dict[str, Reply]) -> None:
        found = await store.read(lambda cursor: open_payments(cursor, "ovo", now_us, 10))
        begun = await store.run(lambda cursor: begin_sending(cursor, found, now_us))
        came = [replace(each, payment=each.payment.answered(answers[each.payment.account], now_us, PAUSES)) for each in begun]
        await store.run(lambda cursor: keep_answers(cursor, came, now_us))

    await store.run(begins)
    await asked(60, {"71": Reply.REFUSED})

    def chooses_another(cursor: Cursor) -> None:
        cursor.execute("UPDATE wallets SET account = '81' WHERE applicant = ?", (one,))
        queue_returned(cursor, one, 70)

    await store.run(chooses_another)
    found = await store.read(lambda cursor: open_payments(cursor, "ovo", 70, 10))
    await store.run(lambda cursor: begin_sending(cursor, found, 70))
    assert await store.run(lambda cursor: doubt_what_was_sent(cursor, "gopay")) == 0
    assert await store.run(lambda cursor: doubt_what_was_sent(cursor, "ovo")) == 1
    book.pay(found[0].payment.key, "81", 600_000)
    await asked(80, {"81": Reply.PAID})
    assert await store.run(lambda cursor: lapse_places(cursor, TERMS, 131)) == 1
    books = await store.run(lambda cursor: read_books(cursor, TERMS, {"ovo": book}, 1_500))
    assert books.named == []
    assert books.rupiah == {
        "budget": -3_550_000,
        "promised": 150_000,
        "spent": 1_000_000,
        "due": 1_800_000,
        "on_the_way": 0,
        "paid": 600_000,
    }
    assert books.payments == {"paid": 1, "due": 3}
