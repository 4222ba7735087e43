"""The one middleware: every request comes in and goes out here.

It begins and ends the attempt, bounds the requests in progress, turns a `Problem` (and whatever else is raised) into a problem document,
and counts. An unexpected exception is answered with 500 internal_error and written to stderr with its traceback: input never causes one.
"""

import asyncio
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gelombang import telemetry
from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.clock import monotonic_us
from gelombang.errors import HostError
from gelombang_server.attempts import ServerAttempt
from gelombang_server.config import ATTEMPT, SiteContext
from gelombang_server.headers import SECURITY_HEADERS
from gelombang_server.logbook import Row
from gelombang_server.problem import SHED_CODES, SHED_RETRY_SECONDS, STATUS_OF_CODE, Problem, problem_response
from gelombang_server.routes import Handler, Route

_CODE_OF_HTTP_STATUS = {404: Code.UNKNOWN_ROUTE, 405: Code.WRONG_METHOD, 413: Code.BODY_TOO_LARGE}


def make_door(context: SiteContext, routes: Mapping[Any, Route]) -> Any:
    """The middleware of one app; `routes` names the handlers."""
    limit = context.profile.api.requests_limit
    book, metrics, log = context.book, context.metrics, context.log
    shed_retry_seconds = context.scale.wall_seconds(SHED_RETRY_SECONDS)
    in_progress = 0
    metrics.gauge(telemetry.REQUESTS_LIMIT).set(limit)
    metrics.at_scrape(lambda: metrics.gauge(telemetry.REQUESTS_IN_PROGRESS).set(in_progress))

    def answer(attempt: ServerAttempt, problem: Problem, allow: str | None = None) -> web.Response:
        if problem.code in SHED_CODES and problem.retry_after_seconds is None:
            problem.retry_after_seconds = shed_retry_seconds
        metrics.problem(problem.code).inc()
        if problem.outcome is ServerOutcome.REFUSED:
            metrics.shed(problem.code).inc()
        if attempt.is_open and not attempt.is_resting:
            attempt.end(attempt.stage if problem.stage is None else problem.stage, problem.outcome, problem.code, problem.status)
        response = problem_response(problem)
        if allow is not None:
            response.headers["Allow"] = allow
        return response

    def left(attempt: ServerAttempt) -> None:
        if attempt.is_open and not attempt.is_resting:
            if context.stopping.is_set():
                attempt.end(attempt.stage, ServerOutcome.SHUTDOWN, Code.SHUTTING_DOWN, 0)
            else:
                attempt.end(attempt.stage, ServerOutcome.ABANDONED, Code.CLIENT_LEFT, STATUS_OF_CODE[Code.CLIENT_LEFT])

    async def passed(request: web.Request, handler: Handler, attempt: ServerAttempt) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Problem as problem:
            return answer(attempt, problem)
        except web.HTTPException as error:
            code = _CODE_OF_HTTP_STATUS.get(error.status, Code.MALFORMED_REQUEST)
            allow = error.headers.get("Allow") if code is Code.WRONG_METHOD else None
            return answer(attempt, Problem(code, error.reason.lower()), allow)
        except ConnectionError:
            # Nobody is there to be answered. Raised on, aiohttp would log each leaving client as an error, with its traceback.
            left(attempt)
            return web.Response(status=STATUS_OF_CODE[Code.CLIENT_LEFT])
        except asyncio.CancelledError:
            left(attempt)
            raise
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return answer(attempt, Problem(Code.INTERNAL_ERROR, "something went wrong on our side"))
        if attempt.is_open and not attempt.is_resting:
            transport = request.transport
            gone = transport is None or transport.is_closing()
            outcome = ServerOutcome.COMPLETED_UNHEARD if gone else ServerOutcome.COMPLETED
            attempt.end(Stage.ACKNOWLEDGE, outcome, Code.NONE, response.status)
        return response

    @web.middleware
    async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal in_progress
        began_us = monotonic_us()
        route = routes.get(request.match_info.handler, Route.UNKNOWN)
        try:
            attempt = book.begin(request.headers.get("traceparent"), route)
        except HostError as error:
            context.fail(error)
            return problem_response(Problem(Code.SHUTTING_DOWN, "the server can't go on", retry_after_seconds=shed_retry_seconds))
        request[ATTEMPT] = attempt
        if route.is_upload:
            response = await passed(request, handler, attempt)
        elif in_progress >= limit:
            response = answer(attempt, Problem(Code.TOO_MANY_REQUESTS_IN_PROGRESS, "too many requests at once; please come back"))
        else:
            in_progress += 1
            try:
                response = await passed(request, handler, attempt)
            finally:
                in_progress -= 1
        response.headers.update(SECURITY_HEADERS)
        counter, seconds = metrics.request(route, response.status)
        counter.inc()
        took_us = monotonic_us() - began_us
        seconds.observe(took_us / 1e6)
        if log is not None:
            traceparent = request.headers.get("traceparent")
            log.note(Row(began_us, traceparent, attempt.id, route, response.status, attempt.code, took_us))
        return response

    return door
