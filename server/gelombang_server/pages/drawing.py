"""A page as HTML: its template, the words of the visitor's language, and the headers that say what it may load.

Words stand in `words/<language>.toml`, a test holds both to the same names. Every text is escaped by the template engine; nothing on a page
is a script or a style but the two files that the site serves itself, and the page's policy holds the browser to that.
"""

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from gelombang.clock import utc_now
from gelombang_server.config import CONTEXT, SiteContext
from gelombang_server.headers import CONTENT_POLICY
from gelombang_server.pages.answer import PageAnswer
from gelombang_server.pages.assets import SCRIPT, STYLE
from gelombang_server.pages.visitor import TOKEN_FIELD, Language, Visitor, form_token, remember_visitor

Words = Mapping[str, str]
WESTERN_TIME = timezone(timedelta(hours=7), "WIB")
"""The clock of the capital, which the site's times are in; pages with a script say how long it is besides."""
MINUTE_SECONDS = 60
DAY_SECONDS = 86_400


@cache
def words(language: Language) -> Words:
    """All texts of a language, by name."""
    return MappingProxyType(tomllib.loads(files("gelombang_server.pages").joinpath(f"words/{language.value}.toml").read_text("utf-8")))


@cache
def environment() -> Environment:
    """Where the templates are, with every text escaped."""
    return Environment(
        loader=PackageLoader("gelombang_server.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def draw_page(request: web.Request, visitor: Visitor, template: str, status: int = 200, /, **facts: object) -> PageAnswer:
    """The answer that shows `template`."""
    context = request.app[CONTEXT]
    text = (
        environment()
        .get_template(f"{template}.html.j2")
        .render(
            w=words(visitor.language),
            language=visitor.language.value,
            other_language=next(one.value for one in Language if one is not visitor.language),
            # A path of two slashes would be an address elsewhere.
            path=request.path if request.method == "GET" and not request.path.startswith("//") else "/status",
            site=context.pages_url,
            style=STYLE.path,
            script=SCRIPT.path,
            token_field=TOKEN_FIELD,
            token=form_token(context.session_key, visitor),
            is_known=visitor.applicant is not None,
            **facts,
        )
    )
    answer = PageAnswer(status, {"Content-Type": "text/html; charset=utf-8"} | _headers(context), text.encode())
    remember_visitor(request, answer, visitor)
    return answer


def go_to(request: web.Request, visitor: Visitor, path: str) -> PageAnswer:
    """The answer to a form that was done: the browser gets the next page."""
    context = request.app[CONTEXT]
    answer = PageAnswer(303, {"Location": context.pages_url + path} | _headers(context))
    remember_visitor(request, answer, visitor)
    return answer


def photo_origin(context: SiteContext) -> str:
    """Where photos go, empty where that is where the pages are."""
    return context.front_url if context.profile.uploads.own_process else ""


def clock_time(wait_seconds: float) -> str:
    """When it will be, as people say it."""
    return told_time(utc_now() + timedelta(seconds=wait_seconds))


def told_time(moment: datetime) -> str:
    """`19:52 WIB`."""
    return moment.astimezone(WESTERN_TIME).strftime("%H:%M %Z")


def told_day(w: Words, moment: datetime) -> str:
    """`17 April 2020, 10:00 WIB`, as the language says it."""
    local = moment.astimezone(WESTERN_TIME)
    return w["day"].format(day=local.day, month=w[f"month_{local.month}"], year=local.year, at=told_time(moment))


def rupiah(amount: int) -> str:
    """`Rp1.000.000`, as Indonesian writes it, in both languages."""
    return f"Rp{amount:,}".replace(",", ".")


def wait_text(w: Words, wait_seconds: float) -> str:
    """How long that is, never less than it is."""
    if wait_seconds < MINUTE_SECONDS:
        return w["wait_seconds"].format(n=max(1, round(wait_seconds)))
    return w["wait_minutes"].format(n=-(-round(wait_seconds) // MINUTE_SECONDS))


def _headers(context: SiteContext) -> dict[str, str]:
    own = f"'self' {context.pages_url}".strip()
    photos = f"{own} {photo_origin(context)}".strip()
    policy = (
        f"default-src 'none'; style-src {own}; script-src {own}; img-src 'self' blob: data:; connect-src {photos}; form-action {photos};"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Cache-Control": "no-store",
        CONTENT_POLICY: policy,
        "Referrer-Policy": "same-origin",
        "Server": "gelombang",
        "X-Content-Type-Options": "nosniff",
    }
