"""What is no HTTP gets a problem document too: a head that can't be parsed never reaches an app, so aiohttp would answer in plain text,
with its own version in `Server`, and write a traceback for each.

aiohttp has no setting for it (its issue 3287 is open), but makes the answer in one method of the connection, which is replaced here. Each
such head is counted as a request of no route and as `malformed_request`; nothing of it is written anywhere, because it may hold anything.
"""

import sys
import traceback

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gelombang.attempt import Code
from gelombang_server.answers import Answer
from gelombang_server.door import DOOR, Door
from gelombang_server.metrics import Metrics
from gelombang_server.problem import Problem, problem_answer
from gelombang_server.routes import Route


class HeadsRunner(web.AppRunner):
    """Runs an app whose connections answer what is no HTTP by a problem document."""

    __slots__ = ("_door", "_metrics")

    def __init__(self, app: web.Application, metrics: Metrics, **settings: object) -> None:
        super().__init__(app, **settings)  # type: ignore[arg-type]
        self._door = app[DOOR]
        self._metrics = metrics

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(self._door, self._metrics, made)


class _Server(web.Server):
    def __init__(self, door: Door, metrics: Metrics, made: web.Server) -> None:
        super().__init__(
            door.answer,  # type: ignore[arg-type]
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,
            **made._kwargs,
        )
        self.metrics = metrics

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ("_metrics",)

    def __init__(self, server: _Server, loop: object, **settings: object) -> None:
        super().__init__(server, loop=loop, **settings)  # type: ignore[arg-type]
        self._metrics = server.metrics

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on where reading was paused. aiohttp asks for it after each piece of a body, and would run its parser over nothing."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer; True when its client has left."""
        if not isinstance(resp, Answer) or self._upgraded:
            return await super().finish_response(request, resp, start_time)
        try:
            resp.send(request)
        except ConnectionError:
            return resp, True
        return resp, False

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The answer to what no app saw, or could answer; the connection is closed after it."""
        if isinstance(exc, HttpProcessingError):
            problem = Problem(Code.MALFORMED_REQUEST, "the request is no HTTP, or its head is too large")
        else:
            traceback.print_exception(exc, file=sys.stderr)
            problem = Problem(Code.INTERNAL_ERROR, "something went wrong on our side")
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        self._metrics.problem(problem.code).inc()
        self._metrics.requests.answered(Route.UNKNOWN, problem.status)
        answer = problem_answer(problem)
        answer.keep_alive = False
        return answer  # type: ignore[return-value]
