"""The harness listener: what no applicant sees. Metrics of this process; in process 0 also the applicants' phones and the site's name.

`/messages` stands for all inboxes at once: whoever holds the harness token reads what was delivered, in order of delivery.
"""

import hmac
import math
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from gelombang.attempt import Code
from gelombang.secrets import look_up_text
from gelombang_server.answers import Answer, json_answer
from gelombang_server.config import CONTEXT, SiteContext
from gelombang_server.lead import Lead
from gelombang_server.outbox import Outbox
from gelombang_server.problem import Problem, problem_answer
from gelombang_server.programme.harness import add_programme_harness
from gelombang_server.programme.parts import Programme
from gelombang_server.routes import Handler

MESSAGES_LIMIT = 10_000
"""Messages in one answer."""
WAIT_LIMIT_SECONDS = 60.0
"""The longest long poll."""

OUTBOX = web.AppKey("outbox", Outbox)
LEAD = web.AppKey("lead", Lead)
TOKEN = web.AppKey("token", bytes)


def build_harness(context: SiteContext, outbox: Outbox | None, lead: Lead | None, programme: Programme | None = None) -> web.Application:
    """The harness app of this process; only the one with the outbox serves more than metrics, and while it leads."""
    app = web.Application(middlewares=[_answer_problems])  # type: ignore[list-item]
    app[CONTEXT] = context
    app[TOKEN] = look_up_text(context.plan.harness_token, "harness_token").encode()
    handlers = {"/metrics": _metrics}
    if outbox is not None and lead is not None:
        app[OUTBOX], app[LEAD] = outbox, lead
        handlers |= {"/messages": _messages, "/site": _site}
        if programme is not None:
            add_programme_harness(app, programme)
    for path, handler in handlers.items():
        app.router.add_get(path, handler)  # type: ignore[arg-type]
    return app


async def _metrics(request: web.Request) -> Answer:
    metrics = request.app[CONTEXT].metrics
    await metrics.look_at_levels()
    return Answer(200, metrics.page(), CONTENT_TYPE_LATEST)


async def _messages(request: web.Request) -> Answer:
    _require_lead(request)
    after = _number(request, "after", 0.0, 1e15)
    limit = _number(request, "limit", 2_000.0, MESSAGES_LIMIT)
    wait_seconds = _number(request, "wait_seconds", 0.0, WAIT_LIMIT_SECONDS)
    messages = await request.app[OUTBOX].wait_after(int(after), int(limit), wait_seconds)
    last = messages[-1].id if messages else int(after)
    return json_answer({"messages": [message.as_document() for message in messages], "last": last})


async def _site(request: web.Request) -> Answer:
    _require_lead(request)
    context = request.app[CONTEXT]
    plan = context.plan
    return json_answer({"profile": context.profile.name, "scale": plan.scale.model_dump(), "run": plan.run, "zero_us": plan.zero_us})


def _require_lead(request: web.Request) -> None:
    """Of several servers, the phones are at the one that sends the mail."""
    _require_token(request)
    if not request.app[LEAD].is_leading:
        raise Problem(Code.UNKNOWN_ROUTE, "another server of this site sends its mail; want that one")


def _require_token(request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(errors="replace"), request.app[TOKEN]):
        raise Problem(Code.SESSION_INVALID, "want the harness token in the Authorization header")


def _number(request: web.Request, name: str, default: float, limit: float) -> float:
    """A number of the query in [0, limit]. Raises Problem(field_invalid)."""
    text = request.query.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= limit:
        raise Problem(Code.FIELD_INVALID, f"{name}: want a number from 0 to {limit:g}")
    return value


@web.middleware
async def _answer_problems(request: web.Request, handler: Handler) -> Any:
    try:
        if request.path.startswith(("/programme/", "/partners/")):
            _require_token(request)
        return await handler(request)
    except Problem as problem:
        return problem_answer(problem)
    except web.HTTPNotFound:
        return problem_answer(Problem(Code.UNKNOWN_ROUTE, f"{request.method} {request.path}: not found"))
