"""The harness listener: what no applicant sees. Metrics of this process; in process 0 also the applicants' phones and the site's name.

`/messages` stands for all inboxes at once: whoever holds the harness token reads what was delivered, in order of delivery.
"""

import hmac
import math
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from gelombang.attempt import Code
from gelombang_server.bodies import json_response
from gelombang_server.config import CONTEXT, SiteContext
from gelombang_server.outbox import Outbox
from gelombang_server.problem import Problem, problem_response
from gelombang_server.routes import Handler

MESSAGES_LIMIT = 10_000
"""Messages in one answer."""
WAIT_LIMIT_SECONDS = 60.0
"""The longest long poll."""

OUTBOX = web.AppKey("outbox", Outbox)


def build_harness(context: SiteContext, outbox: Outbox | None) -> web.Application:
    """The harness app of this process; only the one with the outbox serves more than metrics."""
    app = web.Application(middlewares=[_answer_problems])
    app[CONTEXT] = context
    app.router.add_get("/metrics", _metrics)
    if outbox is not None:
        app[OUTBOX] = outbox
        app.router.add_get("/messages", _messages)
        app.router.add_get("/site", _site)
    return app


async def _metrics(request: web.Request) -> web.Response:
    metrics = request.app[CONTEXT].metrics
    await metrics.look_at_levels()
    return web.Response(body=metrics.page(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _messages(request: web.Request) -> web.Response:
    _require_token(request)
    after = _number(request, "after", 0.0, 1e15)
    limit = _number(request, "limit", 2_000.0, MESSAGES_LIMIT)
    wait_seconds = _number(request, "wait_seconds", 0.0, WAIT_LIMIT_SECONDS)
    messages = await request.app[OUTBOX].wait_after(int(after), int(limit), wait_seconds)
    last = messages[-1].id if messages else int(after)
    return json_response({"messages": [message.as_document() for message in messages], "last": last})


async def _site(request: web.Request) -> web.Response:
    _require_token(request)
    context = request.app[CONTEXT]
    plan = context.plan
    return json_response({"profile": context.profile.name, "scale": plan.scale.model_dump(), "run": plan.run, "zero_us": plan.zero_us})


def _require_token(request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = request.app[CONTEXT].plan.harness_token
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(errors="replace"), wanted.encode()):
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
        return await handler(request)
    except Problem as problem:
        return problem_response(problem)
    except web.HTTPNotFound:
        return problem_response(Problem(Code.UNKNOWN_ROUTE, f"{request.method} {request.path}: not found"))
