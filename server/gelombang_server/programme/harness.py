"""The programme's operator, at the harness listener: when the run begins, a draw by hand, and whether the books balance."""

from typing import Annotated, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gelombang.attempt import Code
from gelombang.clock import MICROSECONDS
from gelombang.programme.lottery import SEED_LIMIT
from gelombang.record_programme import ProgrammeBooks
from gelombang_server.answers import Answer, json_answer
from gelombang_server.config import CONTEXT
from gelombang_server.peoplestore import Cursor
from gelombang_server.problem import Problem
from gelombang_server.programme.books import read_books
from gelombang_server.programme.calendar import keep_zero
from gelombang_server.programme.drawing import drawing
from gelombang_server.programme.holdings import lapse_places
from gelombang_server.programme.partners import add_partners, book_file, read_book
from gelombang_server.programme.parts import PROGRAMME, Programme

T = TypeVar("T", bound=BaseModel)


class Zero(BaseModel):
    """The run's first moment on the system-wide monotonic clock."""

    model_config = ConfigDict(strict=True, extra="forbid")
    zero_us: int


class Seed(BaseModel):
    """What a draw is repeated from, with the list."""

    model_config = ConfigDict(strict=True, extra="forbid")
    seed: Annotated[int, Field(ge=0, lt=SEED_LIMIT)]


def add_programme_harness(app: web.Application, programme: Programme) -> None:
    """Routes of the operator; whoever holds the token."""
    app[PROGRAMME] = programme
    add_partners(app, app[CONTEXT])
    for method, path, handler in (
        ("POST", "/programme/zero", _zero),
        ("POST", "/programme/draws/{wave}", _draw),
        ("GET", "/programme/draws/{wave}", _show_draw),
        ("GET", "/programme/books", _books),
        ("POST", "/programme/lapses", _lapses),
    ):
        app.router.add_route(method, path, handler)  # type: ignore[arg-type]


async def _zero(request: web.Request) -> Answer:
    context = request.app[CONTEXT]
    told = await _read(request, Zero)
    kept = await context.database.run(lambda cursor: keep_zero(cursor, told.zero_us - context.site_zero_us))
    await request.app[PROGRAMME].calendar.refresh()
    return json_answer({"zero_us": kept})


async def _draw(request: web.Request) -> Answer:
    context, calendar = request.app[CONTEXT], request.app[PROGRAMME].calendar
    wave = calendar.wave(request.match_info["wave"])
    if wave is None:
        raise Problem(Code.WAVE_UNKNOWN, "there is no such wave")
    now_us = context.now_us()
    if now_us < wave.closes_us:
        raise Problem(Code.DRAW_NOT_DUE, f"{wave.name} is not closed yet")
    seed = (await _read(request, Seed)).seed
    await context.database.run(drawing(wave, seed, now_us))
    await calendar.refresh()
    return _shown(request, wave.name)


async def _show_draw(request: web.Request) -> Answer:
    await request.app[PROGRAMME].calendar.refresh()
    return _shown(request, request.match_info["wave"])


async def _books(request: web.Request) -> Answer:
    """As one operation among those that write, so that nothing changes while it is compared."""
    context, programme = request.app[CONTEXT], request.app[PROGRAMME]
    test_us = round(context.profile.test.time_limit_seconds * MICROSECONDS)

    def compare(cursor: Cursor) -> ProgrammeBooks:
        partners = {name: read_book(book_file(context.site, name)) for name in programme.adapters.names}
        return read_books(cursor, programme.calendar.terms, partners, test_us)

    found = await context.database.run(compare)
    return json_answer(found.model_dump())


async def _lapses(request: web.Request) -> Answer:
    context, terms = request.app[CONTEXT], request.app[PROGRAMME].calendar.terms
    now_us = context.now_us()
    return json_answer({"lapsed": await context.database.run(lambda cursor: lapse_places(cursor, terms, now_us))})


def _shown(request: web.Request, wave: str) -> Answer:
    held = request.app[PROGRAMME].calendar.draws.get(wave)
    if held is None:
        raise Problem(Code.WAVE_UNKNOWN, "this wave was not drawn yet")
    return json_answer({"wave": wave, "seed": held.seed, "joined": held.joined, "list_sha256": held.list_sha256, "quota": held.quota})


async def _read(request: web.Request, kind: type[T]) -> T:
    try:
        return kind.model_validate(orjson.loads(await request.read()))
    except (ValidationError, orjson.JSONDecodeError):
        wanted = ", ".join(kind.model_fields)
        raise Problem(Code.FIELD_INVALID, f"the body is none; want {wanted}") from None
