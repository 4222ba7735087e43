"""Wallets, benefits and payments over HTTP, through partners that fall silent before and after the money moved."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gelombang.attempt import Code
from gelombang_server.problem import Problem
from gelombang_server.programme.partners import book_file, read_book
from gelombang_server.programme.paying import Paying
from support.programme_site import DRAWS, HOUR_US, PUBLISHES, ProgrammeSite, programme_site
from tests.wire.serversite import Site

DAY_US = 24 * HOUR_US
QUICK = {"answer_within_seconds": 20.0, "in_progress_limit": 50, "first_pause_seconds": 5.0, "longest_pause_seconds": 60.0}
"""People's time; a partner is silent after a third of a second."""


def partners(**habits: Any) -> list[dict[str, Any]]:
    return [
        {"name": name, "requests_per_second": 10_000.0, "latency_seconds": {"value": 0.0}} | habits
        for name in ("gopay", "ovo", "linkaja", "bni")
    ]


@asynccontextmanager
async def drawn_site(folder: Path, people: int, **habits: Any) -> AsyncIterator[ProgrammeSite]:
    """Everybody was drawn."""
    async with programme_site(folder, people, people, partners=partners(**habits), payouts=QUICK) as site:
        await site.at(DRAWS)
        await site.at(PUBLISHES)
        yield site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ProgrammeSite]:
    async with drawn_site(tmp_path, 8) as site:
        yield site


def nik(site: ProgrammeSite, applicant: int) -> str:
    ((kept,),) = site.rows("SELECT nik FROM applicants WHERE id = ?", applicant)
    return site.site.context.seal.open("nik", kept)


async def choose(site: ProgrammeSite, applicant: int, partner: str = "gopay", prefix: str = "8") -> tuple[int, Any]:
    return await site.ask(applicant, "PUT", "wallet", {"partner": partner, "account": prefix + nik(site, applicant)})


async def train(site: ProgrammeSite, applicant: int, rupiah: int = 1_000_000) -> None:
    assert (await site.ask(applicant, "POST", "trainings", {"rupiah": rupiah}))[0] == 201
    assert (await site.ask(applicant, "PUT", "trainings/first"))[0] == 200


async def pay(site: ProgrammeSite, rounds: int = 2) -> None:
    """The partners' pace spreads what is due at one moment over the next."""
    for _ in range(rounds):
        await asyncio.gather(*(partner.round() for partner in site.programme.paying))
        site.moment_us += HOUR_US


async def rupiah(site: ProgrammeSite, applicant: int) -> dict[str, int]:
    status, document = await site.ask(applicant, "GET", "benefits")
    assert status == 200, document
    return dict(document["rupiah"])


def everything(site: ProgrammeSite) -> list[Any]:
    return [site.rows(f"SELECT * FROM {table}") for table in ("wallets", "benefit_entries", "payments")]


async def books(site: ProgrammeSite) -> dict[str, Any]:
    status, found = await site.operator("GET", "books")
    assert status == 200
    return dict(found)


async def test_a_whole_life_ends_with_every_rupiah_where_it_belongs(site: ProgrammeSite) -> None:
    assert (await choose(site, 1))[0] == 200
    assert (await rupiah(site, 1))["promised"] == 3_550_000
    await train(site, 1)
    for number in (1, 2, 3):
        assert (await site.ask(1, "POST", f"surveys/{number}"))[0] == 201
    await pay(site)
    assert await rupiah(site, 1) == {"promised": 0, "spent": 1_000_000, "due": 1_800_000, "on_the_way": 0, "paid": 750_000}
    site.moment_us += 90 * DAY_US
    await pay(site)
    assert await rupiah(site, 1) == {"promised": 0, "spent": 1_000_000, "due": 0, "on_the_way": 0, "paid": 2_550_000}
    found = await books(site)
    assert (found["breaches"], found["paid_rupiah"], found["payments"]) == (0, 2_550_000, {"paid": 7})
    assert site.site.sample("payment_answers_total", became="paid") == 7


async def test_silence_after_and_before_the_money_moved_pays_nobody_twice_and_leaves_nobody_out(tmp_path: Path) -> None:
    async with drawn_site(tmp_path, 60) as site:
        names = ["gopay", "ovo", "linkaja", "bni"]
        for applicant in range(1, 61):
            assert (await choose(site, applicant, names[applicant % 4]))[0] == 200
            await train(site, applicant)
        (played,) = [value for key, value in site.site.worker._harness.app.items() if key._name.endswith("played")]  # type: ignore[union-attr]
        for partner in played.values():
            partner._habits = type(partner._habits)(0.2, 0.2, 10_000.0)
        for _ in range(40):
            await pay(site, 1)
            if site.rows("SELECT count(*) FROM payments WHERE state <> 'paid' AND not_before_us <= ?", site.moment_us) == [(0,)]:
                break
        found = await books(site)
        assert (found["breaches"], found["payments"]) == (0, {"due": 180, "paid": 60})
        moved = [read_book(book_file(site.site.context.site, name)) for name in names]
        assert sum(book.moves for book in moved) == sum(len(book.paid) for book in moved) == 60
        assert found["paid_rupiah"] == found["rupiah"]["paid"] == 60 * 600_000
        assert site.rows("SELECT max(tries) > 1 FROM payments") == [(1,)], "no partner was silent"


async def test_a_server_killed_while_it_sends_asks_before_it_sends_again(site: ProgrammeSite) -> None:
    assert (await choose(site, 1))[0] == 200
    await train(site, 1)
    adapters = site.programme.adapters
    answered = adapters.ask

    async def dies(*asked: Any) -> Any:
        await answered(*asked)
        raise RuntimeError("killed")

    adapters.ask = dies  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="killed"):
        await site.programme.paying[0].round()
    adapters.ask = answered  # type: ignore[method-assign]
    assert site.rows("SELECT state FROM payments WHERE number = 1") == [("sending",)]
    site.programme.paying[0] = Paying(site.site.context, adapters, site.programme.calendar.part.partners[0])
    await pay(site)
    assert site.rows("SELECT state FROM payments WHERE number = 1") == [("paid",)]
    assert (await books(site))["breaches"] == 0
    assert read_book(book_file(site.site.context.site, "gopay")).moves == 1


async def test_a_database_that_is_away_when_answers_come_leaves_nobody_out(site: ProgrammeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await choose(site, 1))[0] == 200
    await train(site, 1)

    def gone(*_: object) -> None:
        raise Problem(Code.DATABASE_BUSY, "held by another process")

    with monkeypatch.context() as away:
        away.setattr("gelombang_server.programme.paying.keep_answers", gone)
        with pytest.raises(Problem):
            await site.programme.paying[0].round()
    assert site.rows("SELECT state FROM payments WHERE number = 1") == [("sending",)]
    await pay(site)
    assert site.rows("SELECT state FROM payments WHERE number = 1") == [("paid",)]
    assert (await books(site))["breaches"] == 0
    assert read_book(book_file(site.site.context.site, "gopay")).moves == 1


async def test_a_payment_that_came_back_is_made_to_the_wallet_chosen_next(site: ProgrammeSite) -> None:
    assert (await choose(site, 1, prefix="7"))[0] == 200
    await train(site, 1)
    assert (await choose(site, 1, "ovo"))[1]["code"] == "wallet_chosen"
    await pay(site)
    assert site.rows("SELECT state FROM payments WHERE number = 1") == [("returned",)]
    assert (await rupiah(site, 1))["due"] == 2_400_000
    assert (await choose(site, 1, "ovo"))[0] == 200
    await pay(site)
    assert (await rupiah(site, 1))["paid"] == 600_000
    assert (await books(site))["breaches"] == 0


@pytest.mark.parametrize(("account", "code"), [("89901014203850001", "wallet_of_another"), ("0001345678", "wallet_unknown")])
async def test_a_wallet_of_another_nik_or_of_nobody_is_refused_and_changes_nothing(site: ProgrammeSite, account: str, code: str) -> None:
    before = everything(site)
    assert (await site.ask(1, "PUT", "wallet", {"partner": "bni", "account": account}))[1]["code"] == code
    assert everything(site) == before


async def test_a_partner_that_does_not_answer_costs_the_person_a_time_to_come_back(tmp_path: Path) -> None:
    async with drawn_site(tmp_path, 1, silent_before_ratio=1.0) as site:
        status, problem = await choose(site, 1)
        assert (status, problem["code"]) == (503, "partner_busy")
        assert problem["retry_after_seconds"] > 0
        assert everything(site) == [[], [], []]


async def test_benefits_are_for_who_was_drawn_once_the_result_is_out(tmp_path: Path) -> None:
    async with programme_site(tmp_path, 2, 1, partners=partners(), payouts=QUICK) as site:
        await site.at(DRAWS)
        ((chosen,),) = site.rows("SELECT applicant FROM selections")
        assert (await choose(site, chosen))[1]["code"] == "not_selected"
        site.moment_us = PUBLISHES
        assert (await choose(site, 3 - chosen))[1]["code"] == "not_selected"
        assert (await site.ask(3 - chosen, "POST", "trainings", {"rupiah": 1}))[1]["code"] == "not_selected"
        assert everything(site) == [[], [], []]
        assert (await choose(site, chosen))[0] == 200


async def test_a_second_benefit_under_another_account_is_refused_by_name(site: ProgrammeSite) -> None:
    assert (await choose(site, 1))[0] == 200
    # An operator took the number from the first account, and the second one handed it in.
    ((kept,),) = site.rows("SELECT nik FROM applicants WHERE id = 1")
    site.rows("UPDATE applicants SET nik = NULL WHERE id = 1")
    site.rows("UPDATE applicants SET nik = ? WHERE id = 2", kept)
    before = everything(site)
    assert (await choose(site, 2))[1]["code"] == "benefit_once"
    assert everything(site) == before


async def test_a_place_without_a_training_in_thirty_days_lapses(site: ProgrammeSite) -> None:
    assert (await choose(site, 1))[0] == 200
    site.moment_us = PUBLISHES + 30 * DAY_US + 1
    before = everything(site)
    for refused in [
        await site.ask(1, "POST", "trainings", {"rupiah": 1}),
        await site.ask(1, "PUT", "trainings/first"),
        await choose(site, 2),
    ]:
        assert refused[1]["code"] == "place_lapsed"
    assert everything(site) == before
    assert await site.operator("POST", "lapses") == (200, {"lapsed": 1})
    assert (await rupiah(site, 1))["promised"] == 0
    assert await site.operator("POST", "lapses") == (200, {"lapsed": 0})
    found = await books(site)
    assert (found["breaches"], found["rupiah"]["budget"]) == (0, 0)


async def test_the_credit_can_not_be_overspent_and_a_training_bought_twice_by_one_key_is_bought_once(site: ProgrammeSite) -> None:
    assert (await choose(site, 1))[0] == 200
    assert (await site.ask(1, "POST", "trainings", {"rupiah": 1_000_001}))[1]["code"] == "credit_spent"
    assert (await site.ask(1, "PUT", "trainings/first"))[1]["code"] == "training_first"
    assert (await site.ask(1, "POST", "surveys/1"))[1]["code"] == "training_first"
    ask: Site = site.site
    for _ in range(2):
        status, _ = await ask.ask(
            "POST", "/api/v1/me/trainings", {"rupiah": 600_000}, session=site.session(1), headers={"Idempotency-Key": "first"}
        )
        assert status == 201
    assert (await rupiah(site, 1))["spent"] == 600_000
    await train(site, 1, 400_000)
    assert (await site.ask(1, "POST", "surveys/4"))[1]["code"] == "field_invalid"
    assert (await site.ask(1, "POST", "surveys/1"))[0] == 201
    assert (await site.ask(1, "POST", "surveys/1"))[1]["code"] == "already_done"


async def test_books_that_do_not_balance_say_where(site: ProgrammeSite) -> None:
    assert (await choose(site, 1))[0] == 200
    await train(site, 1)
    await pay(site)
    path = book_file(site.site.context.site, "gopay")
    path.write_bytes(path.read_bytes() * 2)
    site.rows("UPDATE benefit_entries SET rupiah = 600001 WHERE id = (SELECT max(id) FROM benefit_entries)")
    site.rows("DELETE FROM selections WHERE applicant = 3")
    named = " ".join((await books(site))["named"])
    for said in ("gopay: 1 payments were made twice", "an account is below zero", "7 were drawn; want 8", "and 600001 are booked"):
        assert said in named, named
