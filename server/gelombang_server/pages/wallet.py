"""The wallet that benefits are paid to, chosen by whoever was drawn."""

from aiohttp import web

from gelombang_server.config import CONTEXT
from gelombang_server.pages.answer import PageAnswer
from gelombang_server.pages.drawing import Words, go_to, told_day, words
from gelombang_server.pages.forms import FieldProblem, checked, digits, draw_form, read_form, shown
from gelombang_server.pages.visitor import Visitor
from gelombang_server.problem import Problem
from gelombang_server.programme.benefiting import WalletChoice, find_standing, take_wallet
from gelombang_server.programme.parts import PROGRAMME

_ENDING = 4
"""Digits of an account that are shown again."""


def partner_name(w: Words, partner: str) -> str:
    """As it calls itself; one that a profile of somebody's own names is shown by that name."""
    return w.get(f"partner_{partner}", partner)


def wallet_text(w: Words, wallet: tuple[str, str]) -> str:
    """A wallet, of its account no more than the end."""
    return w["wallet_is"].format(partner=partner_name(w, wallet[0]), ending=wallet[1][-_ENDING:])


@shown
async def wallet_page(request: web.Request, visitor: Visitor) -> PageAnswer:
    """GET /dompet"""
    return await _draw(request, visitor, {})


@shown
async def choose(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /dompet"""
    applicant_id = visitor.require()
    form = await read_form(request, visitor)
    typed = {"partner": form.get("partner", ""), "account": digits(form.get("account", ""))}
    try:
        if typed["partner"] not in request.app[PROGRAMME].adapters.names:
            raise FieldProblem("partner")
        await take_wallet(request, applicant_id, checked(WalletChoice, **typed))
    except Problem as problem:
        await _draw(request, visitor, typed, problem)
        raise
    return go_to(request, visitor, "/bantuan")


async def _draw(request: web.Request, visitor: Visitor, typed: dict[str, str], problem: Problem | None = None) -> PageAnswer:
    standing = await find_standing(request, visitor.require())
    programme, w = request.app[PROGRAMME], words(visitor.language)
    until_us = standing.published_us + programme.calendar.terms.first_training_us
    return draw_form(
        request,
        visitor,
        "wallet",
        problem,
        typed=typed,
        partners={name: partner_name(w, name) for name in programme.adapters.names},
        wallet="" if standing.wallet is None else wallet_text(w, standing.wallet),
        can_choose=standing.has_returned or (standing.wallet is None and request.app[CONTEXT].now_us() <= until_us),
        until="" if standing.wallet is not None else told_day(w, programme.calendar.moment(until_us)),
    )
