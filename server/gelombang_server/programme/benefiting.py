"""Benefits over HTTP: the wallet, trainings, surveys, and what somebody has."""

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from gelombang.attempt import Code
from gelombang.programme.benefits import Account, Holding, answer_survey, buy_training, complete_training, grant
from gelombang.programme.partner import Check
from gelombang_server.answers import Answer, json_answer
from gelombang_server.applicants import commit
from gelombang_server.bodies import Fields, read_json
from gelombang_server.config import CONTEXT
from gelombang_server.idempotency import commit_once, once
from gelombang_server.peoplestore import Cursor
from gelombang_server.problem import Problem
from gelombang_server.programme.holdings import changed, holding_of
from gelombang_server.programme.joining import require_first_benefit
from gelombang_server.programme.parts import PROGRAMME
from gelombang_server.programme.payments import queue_payments, queue_returned
from gelombang_server.sessions import require_session

_LATEST = """
SELECT a.nik, d.published_us, s.applicant IS NOT NULL FROM applicants a LEFT JOIN joins j ON j.applicant = a.id
LEFT JOIN draws d ON d.wave = j.wave LEFT JOIN selections s ON s.applicant = a.id WHERE a.id = ?
"""
_RETURNED = "SELECT 1 FROM payments WHERE applicant = ? AND state = 'returned'"


class WalletChoice(Fields):
    partner: Annotated[str, StringConstraints(max_length=31)]
    account: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,32}$"), Field(description="6 to 32 digits")]


class Purchase(Fields):
    rupiah: Annotated[int, Field(gt=0, le=1_000_000_000)]


async def choose_wallet(request: web.Request) -> Answer:
    """PUT /api/v1/me/wallet: the same again changes nothing; another one only after a payment came back."""
    applicant = require_session(request)
    await take_wallet(request, applicant, await read_json(request, WalletChoice))
    return json_answer({"state": "chosen"})


async def take_wallet(request: web.Request, applicant: int, fields: WalletChoice) -> None:
    """It is chosen. Raises Problem: field_invalid, not_selected, partner_busy, wallet_of_another, wallet_unknown, benefit_once,
    place_lapsed, wallet_chosen."""
    context, programme = request.app[CONTEXT], request.app[PROGRAMME]
    if fields.partner not in programme.adapters.names:
        raise Problem(Code.FIELD_INVALID, f"partner: want one of {', '.join(programme.adapters.names)}")
    now_us, terms, choice = context.now_us(), programme.calendar.terms, (fields.partner, fields.account)
    nik, published_us = await context.database.read(lambda cursor: _selected(cursor, applicant, now_us))
    match await programme.adapters.check(*choice, context.seal.open("nik", nik)):
        case None:
            raise Problem(Code.PARTNER_BUSY, "the wallet's partner does not answer now; please come back")
        case Check.OTHER_NIK:
            raise Problem(Code.WALLET_OF_ANOTHER, "this account was opened with another NIK; want one of your own")
        case Check.UNKNOWN:
            raise Problem(Code.WALLET_UNKNOWN, "the partner does not know this account")

    def choose(cursor: Cursor) -> None:
        require_first_benefit(cursor, applicant, nik)
        chosen = cursor.execute("SELECT partner, account FROM wallets WHERE applicant = ?", (applicant,)).fetchone()
        if chosen is None:
            if now_us > published_us + terms.first_training_us:
                raise Problem(Code.PLACE_LAPSED, "no training was bought in time, so the place went back")
            changed(cursor, nik, applicant, lambda holding: grant(holding, terms, published_us))
            insert = "INSERT INTO wallets (applicant, partner, account, chosen_us) VALUES (?, ?, ?, ?)"
            cursor.execute(insert, (applicant, *choice, now_us))
        elif tuple(chosen) != choice:
            if cursor.execute(_RETURNED, (applicant,)).fetchone() is None:
                raise Problem(Code.WALLET_CHOSEN, "your wallet is chosen; it changes only when a payment comes back from it")
            cursor.execute("UPDATE wallets SET partner = ?, account = ?, chosen_us = ? WHERE applicant = ?", (*choice, now_us, applicant))
            queue_returned(cursor, applicant, now_us)

    await commit(request, choose)


async def buy(request: web.Request) -> Answer:
    """POST /api/v1/me/trainings"""
    applicant = require_session(request)
    await spend_credit(request, applicant, await read_json(request, Purchase))
    return json_answer({"state": "bought"}, 201)


async def spend_credit(request: web.Request, applicant: int, fields: Purchase, spent_before: int | None = None) -> None:
    """A training is bought; when it is said what was spent before, only from there on, so that a form sent twice buys once. Raises Problem:
    not_selected, place_lapsed, credit_spent, already_done."""
    context, terms = request.app[CONTEXT], request.app[PROGRAMME].calendar.terms
    wanted, now_us = once(request, applicant, fields), context.now_us()

    def spend(cursor: Cursor) -> int:
        nik = _nik(cursor, applicant)
        if spent_before is not None and holding_of(cursor, nik).balance(Account.SPENT) != spent_before:
            raise Problem(Code.ALREADY_DONE, "another training was bought since")
        changed(cursor, nik, applicant, lambda holding: buy_training(holding, terms, fields.rupiah, now_us))
        return applicant

    await commit_once(request, wanted, spend)


async def complete(request: web.Request) -> Answer:
    """PUT /api/v1/me/trainings/first"""
    await finish_training(request, require_session(request))
    return json_answer({"state": "completed"})


async def finish_training(request: web.Request, applicant: int) -> None:
    """The first training is done; again changes nothing. Raises Problem: not_selected, place_lapsed, training_first."""
    context, terms = request.app[CONTEXT], request.app[PROGRAMME].calendar.terms
    now_us = context.now_us()

    def be_done(cursor: Cursor) -> None:
        nik = _nik(cursor, applicant)
        if not holding_of(cursor, nik).has_completed:
            entries = changed(cursor, nik, applicant, lambda holding: complete_training(holding, terms, now_us))
            queue_payments(cursor, nik, applicant, entries)

    await commit(request, be_done)


async def answer(request: web.Request) -> Answer:
    """POST /api/v1/me/surveys/{number}"""
    await take_survey(request, require_session(request), request.match_info["number"])
    return json_answer({"state": "answered"}, 201)


async def take_survey(request: web.Request, applicant: int, text: str) -> None:
    """The survey of this number is answered. Raises Problem: not_selected, place_lapsed, training_first, field_invalid, already_done."""
    context, terms = request.app[CONTEXT], request.app[PROGRAMME].calendar.terms
    number = int(text) if len(text) <= 3 and text.isascii() and text.isdigit() else 0
    wanted, now_us = once(request, applicant), context.now_us()

    def reward(cursor: Cursor) -> int:
        nik = _nik(cursor, applicant)
        entries = changed(cursor, nik, applicant, lambda holding: answer_survey(holding, terms, number, now_us))
        queue_payments(cursor, nik, applicant, entries)
        return applicant

    await commit_once(request, wanted, reward)


async def benefits(request: web.Request) -> Answer:
    """GET /api/v1/me/benefits"""
    applicant = require_session(request)
    holding = await request.app[CONTEXT].database.read(lambda cursor: holding_of(cursor, _nik(cursor, applicant)))
    rupiah = {account.value: holding.balance(account) for account in Account if account is not Account.BUDGET}
    return json_answer({"granted": bool(holding.entries), "lapsed": holding.has_lapsed, "rupiah": rupiah})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands who was drawn."""

    holding: Holding
    published_us: int
    """When the result was out."""
    wallet: tuple[str, str] | None
    """Partner and account."""
    has_returned: bool
    """A payment came back: another wallet can be chosen."""


async def find_standing(request: web.Request, applicant: int) -> Standing:
    """Raises Problem(not_selected)."""
    context = request.app[CONTEXT]
    now_us = context.now_us()

    def find(cursor: Cursor) -> Standing:
        nik, published_us = _selected(cursor, applicant, now_us)
        wallet = cursor.execute("SELECT partner, account FROM wallets WHERE applicant = ?", (applicant,)).fetchone()
        returned = cursor.execute(_RETURNED, (applicant,)).fetchone()
        return Standing(holding_of(cursor, nik), published_us, None if wallet is None else (wallet[0], wallet[1]), returned is not None)

    return await context.database.read(find)


def _selected(cursor: Cursor, applicant: int, now_us: int) -> tuple[str, int]:
    """NIK, and when the result was out. Raises Problem(not_selected)."""
    row = cursor.execute(_LATEST, (applicant,)).fetchone()
    if row is None:
        raise Problem(Code.SESSION_INVALID, "the session belongs to nobody; please log in")
    nik, published_us, is_selected = row
    if not is_selected or published_us is None or now_us < published_us:
        raise Problem(Code.NOT_SELECTED, "benefits are for those who were drawn")
    return nik, published_us


def _nik(cursor: Cursor, applicant: int) -> str:
    row = cursor.execute("SELECT nik FROM applicants WHERE id = ?", (applicant,)).fetchone()
    if row is None:
        raise Problem(Code.SESSION_INVALID, "the session belongs to nobody; please log in")
    return row[0] or ""
