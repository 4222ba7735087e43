"""A form that came in: bounded, checked by the same models as JSON, and drawn again with what was wrong beside the field.

What a person typed is shown to them again, a password never.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import ValidationError

from gelombang.attempt import Code, Stage
from gelombang_server.answers import Answer
from gelombang_server.bodies import Fields
from gelombang_server.config import ATTEMPT, CONTEXT
from gelombang_server.pages.answer import PageAnswer
from gelombang_server.pages.drawing import clock_time, draw_page, go_to, wait_text, words
from gelombang_server.pages.visitor import TOKEN_FIELD, Visitor, require_form_token, visitor_of
from gelombang_server.problem import SHED_CODES, SHED_RETRY_SECONDS, Problem

F = TypeVar("F", bound=Fields)
Form = Mapping[str, str]
PageHandler = Callable[[web.Request, Visitor], Awaitable[Answer]]
SESSION_CODES = frozenset({Code.SESSION_MISSING, Code.SESSION_INVALID, Code.SESSION_EXPIRED})
JSON = "application/json"
API = "/api/"
"""Where programs ask."""
_FORM_TYPE = "application/x-www-form-urlencoded"
_FIELD_OF_CODE = {
    Code.EMAIL_TAKEN: "email",
    Code.NIK_INVALID: "nik",
    Code.NIK_TAKEN: "nik",
    Code.BIRTH_DATE_MISMATCH: "birth_date",
    Code.OTP_WRONG: "code",
    Code.OTP_EXPIRED: "code",
    Code.PHONE_TAKEN: "phone",
    Code.WALLET_OF_ANOTHER: "account",
    Code.WALLET_UNKNOWN: "account",
    Code.CREDIT_SPENT: "rupiah",
}


class FieldProblem(Problem):
    """A field of a form that its model does not take."""

    def __init__(self, field: str) -> None:
        super().__init__(Code.FIELD_INVALID, f"{field}: not as the form asks for it")
        self.field = field


def shown(handler: PageHandler) -> Callable[[web.Request], Awaitable[Answer]]:
    """The route of a page: what the handler refuses is shown as a page, and whoever is not logged in is asked to."""

    async def answer(request: web.Request) -> Answer:
        visitor = visitor_of(request)
        try:
            return await handler(request, visitor)
        except Problem as problem:
            tell_time(request, problem)
            if JSON in request.headers.get("Accept", ""):
                # A page's script reads it.
                pass
            elif problem.code in SESSION_CODES:
                problem.shown = go_to(request, visitor, "/masuk")
            elif problem.shown is None:
                problem.shown = problem_page(request, visitor, problem)
            raise

    answer.__doc__ = handler.__doc__
    return answer


def show_problem(request: web.Request, problem: Problem) -> None:
    """Put a page to what the door refuses by itself, where a browser asked for one."""
    if "text/html" in request.headers.get("Accept", "") and not request.path.startswith(API):
        tell_time(request, problem)
        problem.shown = problem_page(request, visitor_of(request), problem)


def tell_time(request: web.Request, problem: Problem) -> None:
    """Whoever is shed by a bound of this server is told when to come back, as the door tells programs."""
    if problem.code in SHED_CODES and problem.retry_after_seconds is None:
        problem.retry_after_seconds = request.app[CONTEXT].scale.wall_seconds(SHED_RETRY_SECONDS)


def problem_page(request: web.Request, visitor: Visitor, problem: Problem, back: str = "/status") -> PageAnswer:
    """A page that says what is wrong, and when to come back where that is known."""
    shown_page = draw_page(
        request, visitor, "problem", problem.status, reason=reason(visitor, problem), back=back, come_back=come_back(visitor, problem)
    )
    if problem.retry_after_seconds is not None:
        shown_page.add_header("Retry-After", str(max(1, math.ceil(problem.retry_after_seconds))))
    return shown_page


def come_back(visitor: Visitor, problem: Problem) -> str:
    """When to come back, as the clock says it and how long that is; empty where nothing was told."""
    seconds = problem.retry_after_seconds
    if seconds is None:
        return ""
    w = words(visitor.language)
    return w["back_at"].format(at=clock_time(seconds), time=wait_text(w, seconds))


def reason(visitor: Visitor, problem: Problem) -> str:
    """What is wrong, in words that a person understands."""
    w = words(visitor.language)
    field = getattr(problem, "field", None)
    if isinstance(field, str):
        return w[f"field_{field}"]
    return w.get(f"code_{problem.code.name.lower()}", w["code_other"])


def field_of(problem: Problem) -> str:
    """Beside which field that stands; empty: above the form."""
    field = getattr(problem, "field", "")
    return field if isinstance(field, str) and field else _FIELD_OF_CODE.get(problem.code, "")


def draw_form(request: web.Request, visitor: Visitor, template: str, problem: Problem | None = None, **facts: object) -> PageAnswer:
    """A page with a form, with what was wrong with it."""
    if problem is None:
        return draw_page(request, visitor, template, fault="", fault_field="", come_back="", **facts)
    tell_time(request, problem)
    said = {"fault": reason(visitor, problem), "fault_field": field_of(problem), "come_back": come_back(visitor, problem)}
    drawn = problem.shown = draw_page(request, visitor, template, problem.status, **{**said, **facts})
    return drawn


async def read_form(request: web.Request, visitor: Visitor) -> Form:
    """The fields of a form of this visitor's. Raises Problem: wrong_type, body_too_large, body_too_slow, malformed_request,
    form_token_invalid."""
    if request.content_type != _FORM_TYPE:
        raise Problem(Code.WRONG_TYPE, f"the body's type is not understood; want {_FORM_TYPE}", stage=Stage.HEADERS)
    context = request.app[CONTEXT]
    request[ATTEMPT].stage = Stage.BODY
    try:
        async with asyncio.timeout(context.profile.uploads.body_stall_seconds):
            sent = await request.post()
    except TimeoutError:
        raise Problem(Code.BODY_TOO_SLOW, "the body did not come in time") from None
    except web.HTTPRequestEntityTooLarge:
        raise Problem(Code.BODY_TOO_LARGE, f"the form is larger than {context.profile.api.body_limit_bytes} bytes") from None
    except (web.RequestPayloadError, HttpProcessingError, ValueError, LookupError):
        raise Problem(Code.MALFORMED_REQUEST, "the form can't be decoded") from None
    fields = {name: value for name, value in sent.items() if isinstance(value, str)}
    require_form_token(request, visitor, fields.get(TOKEN_FIELD, ""))
    return fields


def digits(text: str) -> str:
    """A number without what people write between its digits."""
    return "".join(one for one in text if one not in " .-")


def checked(kind: type[F], **fields: object) -> F:
    """The fields as the JSON route's model. Raises FieldProblem."""
    try:
        return kind.model_validate_json(orjson.dumps(fields))
    except (ValidationError, TypeError) as error:
        where = error.errors()[0]["loc"][0] if isinstance(error, ValidationError) and error.errors()[0]["loc"] else next(iter(fields))
        raise FieldProblem(str(where)) from None
