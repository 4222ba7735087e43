"""The way in: sign up, log in, log out, and the link of the mail."""

from aiohttp import web

from gelombang_server.accounts import LogIn, NewAccount, Session, begin_session, open_account, verify_email
from gelombang_server.config import CONTEXT
from gelombang_server.pages.answer import PageAnswer
from gelombang_server.pages.drawing import draw_page, go_to
from gelombang_server.pages.forms import checked, draw_form, read_form, shown
from gelombang_server.pages.visitor import SESSION_COOKIE, Visitor, begin_cookie, end_cookie
from gelombang_server.problem import Problem
from gelombang_server.sessions import read_session

_LONG_AGO_US = -(1 << 62)


@shown
async def front(request: web.Request, visitor: Visitor) -> PageAnswer:
    """GET /"""
    if visitor.applicant is not None:
        return go_to(request, visitor, "/status")
    return draw_form(request, visitor, "sign_up", name="", email="")


@shown
async def sign_up(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /daftar"""
    form = await read_form(request, visitor)
    name, email = form.get("name", "").strip(), form.get("email", "").strip()
    try:
        fields = checked(NewAccount, name=name, email=email, password=form.get("password", ""))
        session = await open_account(request, fields)
    except Problem as problem:
        draw_form(request, visitor, "sign_up", problem, name=name, email=email)
        raise
    return _enter(request, visitor, session)


@shown
async def log_in_page(request: web.Request, visitor: Visitor) -> PageAnswer:
    """GET /masuk"""
    return draw_form(request, visitor, "log_in", email="")


@shown
async def log_in(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /masuk"""
    form = await read_form(request, visitor)
    email = form.get("email", "").strip()
    try:
        fields = checked(LogIn, email=email, password=form.get("password", ""))
        session = await begin_session(request, fields, _known(request))
    except Problem as problem:
        draw_form(request, visitor, "log_in", problem, email=email)
        raise
    return _enter(request, visitor, session)


@shown
async def log_out(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /keluar"""
    await read_form(request, visitor)
    answer = go_to(request, visitor, "/masuk")
    end_cookie(request, answer)
    return answer


@shown
async def follow_link(request: web.Request, visitor: Visitor) -> PageAnswer:
    """GET /surel/{token}: asks first, because programs that look through mail follow links, too."""
    return draw_page(request, visitor, "email", link=request.match_info["token"])


@shown
async def confirm_email(request: web.Request, visitor: Visitor) -> PageAnswer:
    """POST /surel/{token}"""
    await read_form(request, visitor)
    await verify_email(request, request.match_info["token"])
    return go_to(request, visitor, "/status")


def _enter(request: web.Request, visitor: Visitor, session: Session) -> PageAnswer:
    answer = go_to(request, visitor, "/status")
    begin_cookie(request, answer, session["session"], session["expires_in_seconds"])
    return answer


def _known(request: web.Request) -> int | None:
    """Whose session this browser had before, be it too old."""
    try:
        return read_session(request.app[CONTEXT].session_key, request.cookies.get(SESSION_COOKIE, ""), _LONG_AGO_US)
    except Problem:
        return None
