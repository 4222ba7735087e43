"""Which ways in the programme adds, and how it joins an app."""

from aiohttp import web

from gelombang_server.config import SiteContext
from gelombang_server.programme.benefiting import answer, benefits, buy, choose_wallet, complete
from gelombang_server.programme.joining import join_programme_wave
from gelombang_server.programme.looking import look
from gelombang_server.programme.parts import PROGRAMME, Programme
from gelombang_server.routes import Route, RouteRow

_OWN = (
    RouteRow("GET", "/api/v1/me/programme", look, Route.LOOK),
    RouteRow("PUT", "/api/v1/me/wallet", choose_wallet, Route.WALLET),
    RouteRow("GET", "/api/v1/me/benefits", benefits, Route.BENEFITS),
    RouteRow("POST", "/api/v1/me/trainings", buy, Route.TRAINING),
    RouteRow("PUT", "/api/v1/me/trainings/first", complete, Route.TRAINING_DONE),
    RouteRow("POST", "/api/v1/me/surveys/{number}", answer, Route.SURVEY),
)


def with_programme(rows: tuple[RouteRow, ...]) -> tuple[RouteRow, ...]:
    """The rows of a site that has a programme: joining is its own, and more comes."""
    return (*(row._replace(handler=join_programme_wave) if row.route is Route.JOIN else row for row in rows), *_OWN)


def add_programme(app: web.Application, context: SiteContext) -> None:
    """What those routes need."""
    programme = app[PROGRAMME] = Programme(context)

    async def close(_: web.Application) -> None:
        await programme.adapters.close()

    app.on_cleanup.append(close)
