"""Who looks at a page: the browser, its session, its language; and the proof that a form came from a page of theirs.

Three cookies. `peramban` is drawn for each browser and means nothing; `sesi` is a session as programs have it, out of reach of scripts;
`bahasa` is the language. All are SameSite=Lax: another site can send people here, and can't post for them. A form says its token besides
(OWASP, "Cross-Site Request Forgery Prevention", HMAC-based token): keyed, of browser and session, so that it is of no use elsewhere.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from gelombang.attempt import Code, Stage
from gelombang_server.config import CONTEXT
from gelombang_server.pages.answer import PageAnswer
from gelombang_server.problem import Problem
from gelombang_server.sessions import read_session

BROWSER_COOKIE = "peramban"
SESSION_COOKIE = "sesi"
LANGUAGE_COOKIE = "bahasa"
LANGUAGE_LIFE_SECONDS = 31_536_000
"""A year."""
TOKEN_FIELD = "formulir"
_BROWSER_BYTES = 16
_TOKEN_BYTES = 16


class Language(StrEnum):
    """The first one is that of whoever said nothing."""

    INDONESIAN = "id"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Visitor:
    """One browser's view of the site."""

    browser: str
    is_new: bool
    """The browser has no name yet: the answer gives it one."""
    session: str
    applicant: int | None
    """Whose session is good now."""
    language: Language
    chosen: bool
    """The request chose the language: the answer remembers it."""

    def require(self) -> int:
        """The applicant. Raises Problem(session_missing)."""
        if self.applicant is None:
            raise Problem(Code.SESSION_MISSING, "nobody is logged in in this browser", stage=Stage.HEADERS)
        return self.applicant


def visitor_of(request: web.Request) -> Visitor:
    """Whom the cookies name; anything else that they hold is nobody."""
    context, cookies = request.app[CONTEXT], request.cookies
    browser, session = cookies.get(BROWSER_COOKIE, ""), cookies.get(SESSION_COOKIE, "")
    is_new = not browser.isascii() or len(browser) != 2 * _BROWSER_BYTES
    if is_new:
        browser = secrets.token_hex(_BROWSER_BYTES)
    applicant = None
    if session:
        try:
            applicant = read_session(context.session_key, session, context.now_us())
        except Problem:
            session = ""
    asked, remembered = (_language(text) for text in (request.query.get(LANGUAGE_COOKIE), cookies.get(LANGUAGE_COOKIE)))
    return Visitor(browser, is_new, session, applicant, asked or remembered or Language.INDONESIAN, asked is not None)


def form_token(key: bytes, visitor: Visitor) -> str:
    """What a form of this visitor's carries."""
    said = f"form {visitor.browser} {visitor.session}".encode()
    return urlsafe_b64encode(hmac.digest(key, said, "sha256")[:_TOKEN_BYTES]).decode().rstrip("=")


def require_form_token(request: web.Request, visitor: Visitor, token: str) -> None:
    """Raises Problem(form_token_invalid)."""
    wanted = form_token(request.app[CONTEXT].session_key, visitor)
    if not hmac.compare_digest(token.encode(errors="replace"), wanted.encode()):
        raise Problem(
            Code.FORM_TOKEN_INVALID, "the form is not from a page of this browser; please load the page again", stage=Stage.HEADERS
        )


def remember_visitor(request: web.Request, answer: PageAnswer, visitor: Visitor) -> None:
    """Set what the browser does not have yet."""
    if visitor.is_new:
        _set(request, answer, BROWSER_COOKIE, visitor.browser, None)
    if visitor.chosen:
        _set(request, answer, LANGUAGE_COOKIE, visitor.language.value, LANGUAGE_LIFE_SECONDS)


def begin_cookie(request: web.Request, answer: PageAnswer, session: str, life_seconds: float) -> None:
    """The browser is logged in."""
    _set(request, answer, SESSION_COOKIE, session, max(1, round(life_seconds)))


def end_cookie(request: web.Request, answer: PageAnswer) -> None:
    """The browser is logged out."""
    _set(request, answer, SESSION_COOKIE, "", 0)


def _language(text: str | None) -> Language | None:
    return Language(text) if text in {one.value for one in Language} else None


def _set(request: web.Request, answer: PageAnswer, name: str, value: str, life_seconds: int | None) -> None:
    pages = request.app[CONTEXT].profile.pages
    assert pages is not None
    life = "" if life_seconds is None else f"; Max-Age={life_seconds}"
    answer.set_cookie(name, f"{value}{life}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if pages.secure_cookies else ''}")
