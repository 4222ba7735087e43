"""Which addresses are pages. They are for people and no part of the contract for programs: their answers are HTML."""

from collections.abc import Callable

from aiohttp import web

from gelombang.profile_pages import Pages
from gelombang_server.accounts import EMAIL_PAGE
from gelombang_server.answers import Answer
from gelombang_server.config import CONTEXT
from gelombang_server.door import DOOR
from gelombang_server.pages import benefits, joining, registering, reports, signing_up, testing, wallet
from gelombang_server.pages.assets import SCRIPT, STYLE, serve_script, serve_style
from gelombang_server.pages.forms import show_problem
from gelombang_server.pages.photos import FORMS, TICKET_PATH, Forms, give_page_ticket, let_ask, let_pages_in, photo_page, post_form
from gelombang_server.routes import Route, RouteRow

Finish = Callable[[web.Request, Answer], None]
PHOTO_PAGE = "/foto/{kind:ktp|selfie}"
_ROWS = (
    RouteRow("GET", "/", signing_up.front, Route.PAGE),
    RouteRow("POST", "/daftar", signing_up.sign_up, Route.PAGE_FORM),
    RouteRow("GET", "/masuk", signing_up.log_in_page, Route.PAGE),
    RouteRow("POST", "/masuk", signing_up.log_in, Route.PAGE_FORM),
    RouteRow("POST", "/keluar", signing_up.log_out, Route.PAGE_FORM),
    RouteRow("GET", f"{EMAIL_PAGE}/{{token}}", signing_up.follow_link, Route.PAGE),
    RouteRow("POST", f"{EMAIL_PAGE}/{{token}}", signing_up.confirm_email, Route.PAGE_FORM),
    RouteRow("GET", "/status", registering.status_page, Route.PAGE),
    RouteRow("GET", "/data", registering.data_page, Route.PAGE),
    RouteRow("POST", "/data", registering.hand_in, Route.PAGE_FORM),
    RouteRow("GET", "/ponsel", registering.phone_page, Route.PAGE),
    RouteRow("POST", "/ponsel", registering.send_to_phone, Route.PAGE_FORM),
    RouteRow("POST", "/ponsel/kode", registering.confirm_phone, Route.PAGE_FORM),
    RouteRow("GET", PHOTO_PAGE, photo_page, Route.PAGE),
    RouteRow("GET", "/tes", testing.test_page, Route.PAGE),
    RouteRow("POST", "/tes/mulai", testing.begin, Route.PAGE_FORM),
    RouteRow("POST", "/tes", testing.hand_in_answers, Route.PAGE_FORM),
    RouteRow("GET", "/gelombang", joining.wave_page, Route.PAGE),
    RouteRow("POST", "/gelombang", joining.join, Route.PAGE_FORM),
    RouteRow("POST", "/laporan", reports.take_report, Route.PAGE_REPORT),
    RouteRow("GET", STYLE.path, serve_style, Route.PAGE),
    RouteRow("GET", SCRIPT.path, serve_script, Route.PAGE),
)
_PROGRAMME_ROWS = (
    RouteRow("GET", "/dompet", wallet.wallet_page, Route.PAGE),
    RouteRow("POST", "/dompet", wallet.choose, Route.PAGE_FORM),
    RouteRow("GET", "/bantuan", benefits.benefits_page, Route.PAGE),
    RouteRow("POST", "/bantuan/pelatihan", benefits.buy, Route.PAGE_FORM),
    RouteRow("POST", "/bantuan/pelatihan/selesai", benefits.be_done, Route.PAGE_FORM),
    RouteRow("POST", "/bantuan/survei", benefits.answer, Route.PAGE_FORM),
)


def add_pages(app: web.Application, limits: Pages) -> None:
    """Serve all pages; where they send photos is `add_photo_pages`."""
    app[DOOR].show_problem = show_problem
    kept = reports.PageReports(app[CONTEXT], limits)
    app[reports.REPORTS] = kept
    app.on_cleanup.append(kept.close)
    for row in _ROWS if app[CONTEXT].profile.programme is None else _ROWS + _PROGRAMME_ROWS:
        app[DOOR].ways.add(row)


def add_photo_pages(app: web.Application, limits: Pages) -> None:
    """Take photos from pages, in a process that takes uploads."""
    app[FORMS] = Forms(limits.forms_limit)
    app[DOOR].ways.add(RouteRow("POST", PHOTO_PAGE, post_form, Route.PAGE_PHOTO))
    if app[CONTEXT].profile.uploads.tickets is not None:
        app[DOOR].ways.add(RouteRow("POST", TICKET_PATH, give_page_ticket, Route.PAGE_TICKET))
        app[DOOR].ways.add(RouteRow("OPTIONS", TICKET_PATH, let_ask, Route.PAGE_TICKET))
        app[DOOR].finish = _then(app[DOOR].finish, let_pages_in)


def _then(first: Finish | None, second: Finish) -> Finish:
    if first is None:
        return second

    def both(request: web.Request, answer: Answer) -> None:
        first(request, answer)
        second(request, answer)

    return both
