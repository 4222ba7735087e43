"""The public app of one process: which routes it serves, behind the door."""

import orjson
from aiohttp import web

from gelombang.profile import Profile
from gelombang_server.accounts import create_account, follow_email_link, log_in
from gelombang_server.answers import JSON_TYPE, Answer
from gelombang_server.config import CONTEXT, SiteContext
from gelombang_server.contract.document import document
from gelombang_server.data import put_data
from gelombang_server.door import DOOR, Door
from gelombang_server.newcomers import NEWCOMERS, NewcomersDoor
from gelombang_server.otp import confirm_code, send_code
from gelombang_server.pages.routes import add_pages, add_photo_pages
from gelombang_server.passwords import PASSWORDS, Passwords
from gelombang_server.programme.routes import add_programme, with_programme
from gelombang_server.routes import Route, RouteRow, Ways
from gelombang_server.saved_answers import hand_in_saved, look_at_test, save_answer
from gelombang_server.status import health, ready, status, upload_page
from gelombang_server.test import begin_test, hand_in_test
from gelombang_server.uploads import add_upload_routes, upload_routes
from gelombang_server.wave import join_wave

API_ROUTES = (
    RouteRow("POST", "/api/v1/accounts", create_account, Route.ACCOUNT),
    RouteRow("POST", "/api/v1/sessions", log_in, Route.LOGIN),
    RouteRow("GET", "/api/v1/email-links/{token}", follow_email_link, Route.EMAIL_LINK),
    RouteRow("PUT", "/api/v1/me/data", put_data, Route.DATA),
    RouteRow("POST", "/api/v1/me/otp", send_code, Route.OTP_SEND),
    RouteRow("PUT", "/api/v1/me/otp", confirm_code, Route.OTP),
    RouteRow("GET", "/api/v1/me/uploads", upload_page, Route.UPLOAD_PAGE),
    RouteRow("POST", "/api/v1/me/test", begin_test, Route.TEST_START),
    RouteRow("PUT", "/api/v1/me/test", hand_in_test, Route.TEST),
    RouteRow("POST", "/api/v1/me/waves/{wave}", join_wave, Route.JOIN),
    RouteRow("GET", "/api/v1/me", status, Route.STATUS),
)

SAVING_ROUTES = (
    RouteRow("GET", "/api/v1/me/test", look_at_test, Route.TEST_LOOK),
    RouteRow("PUT", "/api/v1/me/test/answers/{question}", save_answer, Route.TEST_ANSWER),
    RouteRow("POST", "/api/v1/me/test/handed-in", hand_in_saved, Route.TEST_HANDED_IN),
)
"""Where answers are saved one by one."""


async def openapi(request: web.Request) -> Answer:
    """GET /openapi.json"""
    return Answer(200, request.app[OPENAPI], JSON_TYPE)


OPENAPI = web.AppKey("openapi", bytes)
"""The site's document as it is sent: drawn up for each who asks, it would cost the loop as much as thirty sign-ups."""


OWN_ROUTES = (
    RouteRow("GET", "/healthz", health, Route.HEALTH),
    RouteRow("GET", "/readyz", ready, Route.READY),
    RouteRow("GET", "/openapi.json", openapi, Route.OPENAPI),
)
"""Of every process."""


def site_routes(profile: Profile) -> list[RouteRow]:
    """All ways into a site, whichever of its processes answers."""
    return [*OWN_ROUTES, *_api_routes(profile), *upload_routes(profile.uploads)]


def _api_routes(profile: Profile) -> tuple[RouteRow, ...]:
    rows = (*API_ROUTES, *SAVING_ROUTES) if profile.test.saves_each_answer else API_ROUTES
    return rows if profile.programme is None else with_programme(rows)


def build_app(context: SiteContext, *, serves_api: bool, serves_uploads: bool) -> web.Application:
    """The app of a process that serves the small routes, the uploads, or both; all serve `OWN_ROUTES`."""
    app = web.Application(client_max_size=context.profile.api.body_limit_bytes)
    app[CONTEXT] = context
    ways = Ways(app)
    app[DOOR] = Door(context, ways)
    for row in OWN_ROUTES:
        ways.add(row)
    profile = context.plan.profile
    app[OPENAPI] = orjson.dumps(document(profile, site_routes(profile)))
    app[NEWCOMERS] = NewcomersDoor(context.profile.newcomers, context.seed, context.metrics)
    if serves_api:
        passwords = Passwords(context.profile.password, context.metrics, context.profile.api.wake_every_seconds)
        app[PASSWORDS] = passwords
        for row in _api_routes(context.profile):
            ways.add(row)
        if context.profile.programme is not None:
            add_programme(app, context)

        async def close_passwords(_: web.Application) -> None:
            passwords.close()

        app.on_cleanup.append(close_passwords)
        if context.profile.pages is not None:
            add_pages(app, context.profile.pages)
    if serves_uploads:
        add_upload_routes(app)
        if context.profile.pages is not None:
            add_photo_pages(app, context.profile.pages)
    return app
