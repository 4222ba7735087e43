"""The wallet partners as the harness plays them: HTTP routes at the harness listener of process 0, a book for each in a file of its own.

They are no part of the site: it reaches them over loopback with the harness token as its credential, and reads their books only to compare
them with its own when a run is over. A line is in the file before its payment is answered, so a killed server finds what was paid.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gelombang.attempt import Code
from gelombang.profile_programme import WalletPartner
from gelombang.programme.partner import Habits, Manners, PartnerBook, manners
from gelombang.programme.payout import Reply
from gelombang.seeds import Purpose, unit
from gelombang_server.answers import Answer, json_answer
from gelombang_server.config import CONTEXT, SiteContext
from gelombang_server.problem import Problem

URL_FILE = "partners.url"
"""In the site's folder: where process 0 plays them."""
BURST_SECONDS = 30.0
"""Of its rate, in people's time, a partner takes at once."""


def book_file(site: Path, partner: str) -> Path:
    """Where a partner's book is."""
    return site / f"partner-{partner}.jsonl"


def read_book(path: Path) -> PartnerBook:
    """The book that was written there; empty when there is none."""
    book = PartnerBook()
    if path.exists():
        for line in path.read_bytes().splitlines():
            key, account, rupiah = orjson.loads(line)
            book.moves += 1
            book.paid[key] = (account, rupiah)
    return book


class Played:
    """One partner at work."""

    def __init__(self, context: SiteContext, number: int, partner: WalletPartner) -> None:
        self._context = context
        self._partner = partner
        self._seed = context.seed + number
        self._habits = Habits(partner.silent_before_ratio, partner.silent_after_ratio, partner.requests_per_second)
        path = book_file(context.site, partner.name)
        self.book = read_book(path)
        self._file = path.open("ab", buffering=0)
        self._requests = 0
        self._burst = max(1.0, partner.requests_per_second * context.scale.wall_seconds(BURST_SECONDS))
        self._tokens, self._filled_us = self._burst, context.now_us()

    def close(self) -> None:
        self._file.close()

    async def manners(self) -> Manners | None:
        """How this request is treated, after its latency; None: over the rate, nothing is done."""
        now_us = self._context.now_us()
        refill = (now_us - self._filled_us) / 1e6 * self._habits.requests_per_second
        self._tokens, self._filled_us = min(self._burst, self._tokens + refill), now_us
        if self._tokens < 1:
            return None
        self._tokens -= 1
        self._requests += 1
        await asyncio.sleep(self._partner.latency_seconds.quantile(unit(self._seed, self._requests, Purpose.SERVER_JITTER)))
        return manners(self._habits, self._seed, self._requests)

    def pay(self, key: str, account: str, rupiah: int) -> Reply:
        """As its book does; a move is in the file when this returns."""
        moves = self.book.moves
        answer = self.book.pay(key, account, rupiah)
        if self.book.moves > moves:
            self._file.write(orjson.dumps([key, account, rupiah]) + b"\n")
        return answer


class CheckWish(BaseModel):
    """Whose account is it?"""

    model_config = ConfigDict(strict=True, extra="forbid")
    account: Annotated[str, Field(max_length=64)]
    nik: Annotated[str, Field(max_length=64)]


class PaymentWish(BaseModel):
    """So many rupiah to an account, once for this key."""

    model_config = ConfigDict(strict=True, extra="forbid")
    key: Annotated[str, Field(max_length=128)]
    account: Annotated[str, Field(max_length=64)]
    rupiah: Annotated[int, Field(gt=0)]


PLAYED = web.AppKey("played", dict[str, Played])


def add_partners(app: web.Application, context: SiteContext) -> None:
    """The partners of this site's profile."""
    assert context.profile.programme is not None
    played = {partner.name: Played(context, number, partner) for number, partner in enumerate(context.profile.programme.partners, 1)}
    app[PLAYED] = played
    for method, path, handler in (
        ("POST", "/partners/{partner}/checks", _check),
        ("POST", "/partners/{partner}/payments", _pay),
        ("GET", "/partners/{partner}/payments/{key}", _find),
    ):
        app.router.add_route(method, path, handler)  # type: ignore[arg-type]

    async def close(_: web.Application) -> None:
        for partner in played.values():
            partner.close()

    app.on_cleanup.append(close)


async def _check(request: web.Request) -> Answer:
    partner, treated = await _admitted(request)
    try:
        wish = CheckWish.model_validate_json(await request.read())
    except ValidationError:
        raise Problem(Code.FIELD_INVALID, "want account and nik") from None
    if treated is not Manners.GOOD:
        return await _silence(request)
    return json_answer({"account": partner.book.check(wish.account, wish.nik).value})


async def _pay(request: web.Request) -> Answer:
    partner, treated = await _admitted(request)
    try:
        wish = PaymentWish.model_validate_json(await request.read())
    except ValidationError:
        raise Problem(Code.FIELD_INVALID, "want key, account and rupiah") from None
    if treated is Manners.SILENT_BEFORE:
        return await _silence(request)
    answer = partner.pay(wish.key, wish.account, wish.rupiah)
    return await _silence(request) if treated is Manners.SILENT_AFTER else json_answer({"payment": answer.value})


async def _find(request: web.Request) -> Answer:
    partner, treated = await _admitted(request)
    if treated is not Manners.GOOD:
        return await _silence(request)
    return json_answer({"payment": partner.book.find(request.match_info["key"]).value})


async def _admitted(request: web.Request) -> tuple[Played, Manners]:
    partner = request.app[PLAYED].get(request.match_info["partner"])
    if partner is None:
        raise Problem(Code.UNKNOWN_ROUTE, "there is no such partner")
    treated = await partner.manners()
    if treated is None:
        raise Problem(Code.TOO_MANY_REQUESTS_IN_PROGRESS, "over the partner's rate", retry_after_seconds=1.0)
    return partner, treated


async def _silence(request: web.Request) -> Answer:
    """Longer than any caller waits, and then the line is closed without an answer."""
    context = request.app[CONTEXT]
    assert context.profile.programme is not None
    await asyncio.sleep(2 * context.profile.programme.payouts.answer_within_seconds)
    if request.transport is not None:
        request.transport.abort()
    return Answer(504)
