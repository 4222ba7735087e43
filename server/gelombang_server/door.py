"""The way in and out of every request: the connection hands it over here, and gets the answer.

The door finds the route, begins and ends the attempt, bounds the requests in progress, turns a `Problem` (and whatever else is raised) into
a problem document, and counts. An unexpected exception is answered with 500 internal_error and written to stderr with its traceback: input
never causes one. It is called in place of aiohttp's own application, whose way to a handler (router, chain of middlewares, signals) cost
more than the handlers do.
"""

import asyncio
import sys
import traceback
from collections.abc import Callable

from aiohttp import hdrs, web

from gelombang import telemetry
from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.clock import monotonic_us
from gelombang.errors import HostError
from gelombang_server.answers import Answer
from gelombang_server.attempts import ServerAttempt
from gelombang_server.config import ATTEMPT, SiteContext
from gelombang_server.logbook import Row
from gelombang_server.problem import SHED_CODES, SHED_RETRY_SECONDS, STATUS_OF_CODE, Problem, problem_answer
from gelombang_server.routes import Way, Ways

_CODE_OF_HTTP_STATUS = {404: Code.UNKNOWN_ROUTE, 405: Code.WRONG_METHOD, 413: Code.BODY_TOO_LARGE}


class Door:
    """Of one app; `ways` are its routes."""

    def __init__(self, context: SiteContext, ways: Ways) -> None:
        self.ways = ways
        self.finish: Callable[[web.Request, Answer], None] | None = None
        """Adds to an answer before it is sent."""
        self.show_problem: Callable[[web.Request, Problem], None] | None = None
        """Puts a page to a problem that no handler answered, where a person reads it."""
        self._context = context
        self._limit = context.profile.api.requests_limit
        self._shed_retry_seconds = context.scale.wall_seconds(SHED_RETRY_SECONDS)
        self._in_progress = 0
        metrics = context.metrics
        metrics.gauge(telemetry.REQUESTS_LIMIT).set(self._limit)
        metrics.at_scrape(lambda: metrics.gauge(telemetry.REQUESTS_IN_PROGRESS).set(self._in_progress))

    async def answer(self, request: web.BaseRequest) -> Answer:
        """The answer to one request, whatever it asks for."""
        assert isinstance(request, web.Request)
        began_us = monotonic_us()
        context, traceparent = self._context, request.headers.get("traceparent")
        way = self.ways.known(request) or await self.ways.found(request)
        try:
            attempt = context.book.begin(traceparent, way.route)
        except HostError as error:
            context.fail(error)
            seconds = self._shed_retry_seconds
            return problem_answer(Problem(Code.SHUTTING_DOWN, "the server can't go on", retry_after_seconds=seconds))
        request[ATTEMPT] = attempt
        if way.route.is_upload:
            answer = await self._passed(request, way, attempt)
        elif self._in_progress >= self._limit:
            busy = Problem(Code.TOO_MANY_REQUESTS_IN_PROGRESS, "too many requests at once; please come back")
            answer = self._refused(attempt, self._in_words(request, busy))
        else:
            self._in_progress += 1
            try:
                answer = await self._passed(request, way, attempt)
            finally:
                self._in_progress -= 1
        if self.finish is not None:
            self.finish(request, answer)
        took_us = monotonic_us() - began_us
        context.metrics.requests.answered(way.route, answer.status)
        context.metrics.requests.took(way.route, took_us)
        if context.log is not None:
            context.log.note(Row(began_us, traceparent, attempt.id, way.route, answer.status, attempt.code, took_us))
        return answer

    async def _passed(self, request: web.Request, way: Way, attempt: ServerAttempt) -> Answer:
        try:
            if hdrs.EXPECT in request.headers:
                await request.match_info.expect_handler(request)
            answer = await way.handler(request)
        except Problem as problem:
            return self._refused(attempt, problem)
        except web.HTTPException as error:
            code = _CODE_OF_HTTP_STATUS.get(error.status, Code.MALFORMED_REQUEST)
            answer = self._refused(attempt, self._in_words(request, Problem(code, error.reason.lower())))
            if code is Code.WRONG_METHOD:
                answer.add_header("Allow", error.headers["Allow"])
            return answer
        except ConnectionError:
            # Nobody is there to be answered. Raised on, aiohttp would log each leaving client as an error, with its traceback.
            self._left(attempt)
            return Answer(STATUS_OF_CODE[Code.CLIENT_LEFT])
        except asyncio.CancelledError:
            self._left(attempt)
            raise
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return self._refused(attempt, self._in_words(request, Problem(Code.INTERNAL_ERROR, "something went wrong on our side")))
        if attempt.is_open and not attempt.is_resting:
            transport = request.transport
            gone = transport is None or transport.is_closing()
            outcome = ServerOutcome.COMPLETED_UNHEARD if gone else ServerOutcome.COMPLETED
            attempt.end(Stage.ACKNOWLEDGE, outcome, Code.NONE, answer.status)
        return answer

    def _refused(self, attempt: ServerAttempt, problem: Problem) -> Answer:
        if problem.code in SHED_CODES and problem.retry_after_seconds is None:
            problem.retry_after_seconds = self._shed_retry_seconds
        metrics = self._context.metrics
        metrics.problem(problem.code).inc()
        if problem.outcome is ServerOutcome.REFUSED:
            metrics.shed(problem.code).inc()
        if attempt.is_open and not attempt.is_resting:
            attempt.end(attempt.stage if problem.stage is None else problem.stage, problem.outcome, problem.code, problem.status)
        return problem_answer(problem)

    def _in_words(self, request: web.Request, problem: Problem) -> Problem:
        if self.show_problem is not None:
            self.show_problem(request, problem)
        return problem

    def _left(self, attempt: ServerAttempt) -> None:
        if attempt.is_open and not attempt.is_resting:
            if self._context.stopping.is_set():
                attempt.end(attempt.stage, ServerOutcome.SHUTDOWN, Code.SHUTTING_DOWN, 0)
            else:
                attempt.end(attempt.stage, ServerOutcome.ABANDONED, Code.CLIENT_LEFT, STATUS_OF_CODE[Code.CLIENT_LEFT])


DOOR = web.AppKey("door", Door)
