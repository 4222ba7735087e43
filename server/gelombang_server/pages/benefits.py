"""What somebody who was drawn is given: what was paid and when, what comes next, and the buttons of trainings and surveys.

The platforms that sell trainings, and what a survey asks, are left out: their forms say only that it happened.
"""

from dataclasses import dataclass

from aiohttp import web

from gelombang.programme.benefits import Account, Holding, Kind, Part, Terms, deadline_us
from gelombang_server.config import CONTEXT
from gelombang_server.pages.answer import PageAnswer
from gelombang_server.pages.drawing import Words, go_to, rupiah, told_day, words
from gelombang_server.pages.forms import FieldProblem, checked, digits, draw_form, read_form, shown
from gelombang_server.pages.visitor import Visitor
from gelombang_server.pages.wallet import wallet_text
from gelombang_server.problem import Problem
from gelombang_server.programme.benefiting import Purchase, find_standing, finish_training, spend_credit, take_survey
from gelombang_server.programme.calendar import Calendar
from gelombang_server.programme.parts import PROGRAMME

_RUPIAH_DIGITS = 9
_CREDIT = Part(Kind.TRAINING, 1)


@dataclass(frozen=True, slots=True)
class PartLine:
    """One part of the benefits: `state` is done, next, waiting or later, as on the way."""

    title: str
    rupiah: str
    state: str
    note: str


def part_lines(w: Words, holding: Holding, calendar: Calendar, now_us: int) -> list[PartLine]:
    """Every part that was granted, in the order in which a person comes to it."""
    lines = []
    for part, given in calendar.terms.parts().items():
        state, note = _part_state(w, holding, calendar, part, now_us)
        lines.append(PartLine(w[f"part_{part.kind}"].format(n=part.number), rupiah(given), state, note))
    return lines


def left_surveys(holding: Holding, terms: Terms) -> list[int]:
    """Which surveys can be answered now."""
    if not holding.has_completed:
        return []
    return [part.number for part in terms.parts() if part.kind is Kind.SURVEY and holding.of(part, Account.PROMISED)]


def _part_state(w: Words, holding: Holding, calendar: Calendar, part: Part, now_us: int) -> tuple[str, str]:
    def day(target: Account) -> str:
        at_us = max(entry.at_us for entry in holding.entries if entry.part == part and entry.target is target)
        return told_day(w, calendar.moment(at_us))

    if part.kind is Kind.TRAINING and (spent := holding.of(part, Account.SPENT)):
        left = holding.of(part, Account.PROMISED)
        return ("next" if left else "done"), w["part_spent"].format(spent=rupiah(spent), left=rupiah(left), at=day(Account.SPENT))
    if holding.of(part, Account.PAID):
        return "done", w["part_paid"].format(at=day(Account.PAID))
    if holding.of(part, Account.ON_THE_WAY):
        return "next", w["part_on_the_way"]
    if holding.of(part, Account.DUE):
        is_ripe = any(ripe == part for ripe, _ in holding.due(now_us))
        return ("next", w["part_on_the_way"]) if is_ripe else ("waiting", w["part_due"].format(at=day(Account.DUE)))
    if holding.of(part, Account.PROMISED):
        is_open = not holding.has_completed if part.kind is Kind.TRAINING else holding.has_completed
        return ("next" if is_open else "later"), w[f"part_promised_{part.kind}" if is_open else "part_later"]
    return "later", w["part_lapsed"]


@shown
async def benefits_page(request: web.Request, visitor: Visitor) -> PageAnswer:
    """GET /bantuan"""
    return await _draw(request, visitor)


@shown
async def buy(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /bantuan/pelatihan: sent twice it buys once."""
    applicant_id = visitor.require()
    form = await read_form(request, visitor)
    price, spent = digits(form.get("rupiah", "").removeprefix("Rp")), form.get("spent", "")
    try:
        if not (_is_amount(price) and _is_amount(spent)):
            raise FieldProblem("rupiah")
        await spend_credit(request, applicant_id, checked(Purchase, rupiah=int(price)), int(spent))
    except Problem as problem:
        await _draw(request, visitor, problem)
        raise
    return go_to(request, visitor, "/bantuan")


@shown
async def be_done(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /bantuan/pelatihan/selesai"""
    applicant_id = visitor.require()
    await read_form(request, visitor)
    try:
        await finish_training(request, applicant_id)
    except Problem as problem:
        await _draw(request, visitor, problem)
        raise
    return go_to(request, visitor, "/bantuan")


@shown
async def answer(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /bantuan/survei"""
    applicant_id = visitor.require()
    number = (await read_form(request, visitor)).get("survey", "")
    try:
        if number not in {str(one) for one in range(1, request.app[PROGRAMME].calendar.terms.surveys + 1)}:
            raise FieldProblem("survey")
        await take_survey(request, applicant_id, number)
    except Problem as problem:
        await _draw(request, visitor, problem)
        raise
    return go_to(request, visitor, "/bantuan")


def _is_amount(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _RUPIAH_DIGITS


async def _draw(request: web.Request, visitor: Visitor, problem: Problem | None = None) -> PageAnswer:
    standing = await find_standing(request, visitor.require())
    calendar, w, now_us = request.app[PROGRAMME].calendar, words(visitor.language), request.app[CONTEXT].now_us()
    holding, terms = standing.holding, calendar.terms
    until_us = deadline_us(holding, terms) if holding.entries else standing.published_us + terms.first_training_us
    has_lapsed = holding.has_lapsed or (until_us is not None and now_us > until_us)
    left = 0 if has_lapsed else holding.of(_CREDIT, Account.PROMISED)
    return draw_form(
        request,
        visitor,
        "benefits",
        problem,
        now=told_day(w, calendar.moment(now_us)),
        total=rupiah(terms.total_rupiah),
        is_granted=bool(holding.entries),
        has_lapsed=has_lapsed,
        has_returned=standing.has_returned,
        wallet="" if standing.wallet is None else wallet_text(w, standing.wallet),
        until="" if until_us is None or has_lapsed else told_day(w, calendar.moment(until_us)),
        paid=rupiah(holding.balance(Account.PAID)),
        lines=part_lines(w, holding, calendar, now_us),
        left=left,
        left_text=rupiah(left),
        spent=holding.balance(Account.SPENT),
        can_be_done=holding.has_bought and not holding.has_completed,
        surveys=left_surveys(holding, terms),
    )
