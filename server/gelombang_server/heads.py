"""The connections of the public listener: they cost little, and what is no HTTP gets a problem document, too.

Most people come, send one small request and leave, and what a connection costs is paid for each: aiohttp keeps a task for each connection
that waits for its next request, one more for each request, sets two options on each socket, and asks for both addresses. Here the requests
that have come are answered by one task, which ends when no more wait; the options are the listener's, which its connections inherit, and
nobody asks for an address, which is a person's.

A head that can't be parsed never reaches an app, so aiohttp would answer in plain text, with its own version in `Server`, and write a
traceback for each. It has no setting for it (its issue 3287 is open), but makes the answer in one method of the connection, which is
replaced here. Each such head is counted as a request of no route and as `malformed_request`; nothing of it is written anywhere, because it
may hold anything.
"""

import asyncio
import sys
import traceback
from typing import cast

from aiohttp import web
from aiohttp.http import StreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import _PAYLOAD_ACCESS_ERROR, ERROR, _ErrInfo

from gelombang.attempt import Code
from gelombang_server.answers import Answer
from gelombang_server.door import DOOR, Door
from gelombang_server.metrics import Metrics
from gelombang_server.problem import Problem, problem_answer
from gelombang_server.routes import Route
from gelombang_server.wake_pace import WakePace


class HeadsRunner(web.AppRunner):
    """Runs an app whose connections answer what is no HTTP by a problem document."""

    __slots__ = ("_door", "_metrics", "_wake_every_seconds")

    def __init__(self, app: web.Application, metrics: Metrics, wake_every_seconds: float = 0.0, **settings: object) -> None:
        super().__init__(app, **settings)  # type: ignore[arg-type]
        self._door = app[DOOR]
        self._metrics = metrics
        self._wake_every_seconds = wake_every_seconds

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(self._door, self._metrics, self._wake_every_seconds, made)


class _Server(web.Server):
    def __init__(self, door: Door, metrics: Metrics, wake_every_seconds: float, made: web.Server) -> None:
        super().__init__(
            door.answer,  # type: ignore[arg-type]
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,
            **made._kwargs,
        )
        self.metrics = metrics
        self.pace = WakePace(made._loop, wake_every_seconds)

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ("_metrics", "_pace")

    ssl_context = peername = sockname = None

    def __init__(self, server: _Server, loop: object, **settings: object) -> None:
        super().__init__(server, loop=loop, **settings)  # type: ignore[arg-type]
        self._metrics = server.metrics
        self._pace = server.pace

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Nothing runs before a request has come; a client that sends none is left after the keep-alive."""
        assert self._manager is not None
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are none by their type.
        self._manager.connection_made(self, self.transport)
        self._leave_later()

    def data_received(self, data: bytes) -> None:
        """Let what has come be answered."""
        super().data_received(data)
        if self._messages and self._task_handler is None:
            self._task_handler = self._loop.create_task(self.start())
        self._pace.came()

    async def start(self) -> None:
        """Answer the requests that have come, one after the other."""
        goes_on = True
        try:
            while goes_on and self._messages and not self._force_close:
                goes_on = await self._answer_next()
        except BaseException:
            self.force_close()
            raise
        finally:
            self._task_handler = None
        if self.transport is None:
            return
        if goes_on and not self._close:
            self._leave_later()
        else:
            self.transport.close()

    async def _answer_next(self) -> bool:
        """Whether the connection goes on after it."""
        assert self._request_handler is not None
        assert self._request_factory is not None
        message, payload = self._messages.popleft()
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()
        handler = self._request_handler
        if isinstance(message, _ErrInfo):
            handler, message = self._make_error_handler(message), ERROR
        assert self._task_handler is not None
        request = self._request_factory(message, payload, self, StreamWriter(self, self._loop), self._task_handler)
        try:
            answer, has_left = await self._handle_request(request, None, handler)
        except ConnectionError:
            return False
        finally:
            request._task = None  # type: ignore[assignment]
        if has_left:
            return False
        self._keepalive = bool(answer.keep_alive)
        if not payload.is_eof():
            await self._let_rest_come(payload)
        payload.set_exception(_PAYLOAD_ACCESS_ERROR)
        return self._keepalive

    async def _let_rest_come(self, payload: StreamReader) -> None:
        """Of a body that was answered before its end: closed at once, the connection would be reset, and its answer lost (RFC 9112,
        section 9.6)."""
        try:
            async with asyncio.timeout(self._lingering_time):
                while not payload.is_eof() and not self._force_close:
                    await payload.readany()
        except (TimeoutError, web.RequestPayloadError, HttpProcessingError):
            pass  # Not whole, which is looked at below.
        if not payload.is_eof():
            self.close()

    def _leave_later(self) -> None:
        """Unless a request comes within the keep-alive. One timer serves all requests; early, it is set again."""
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)

    def _process_keepalive(self) -> None:
        self._keepalive_handle = None
        if self._force_close or self._task_handler is not None:
            return
        if self._loop.time() < self._next_keepalive_close_time:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)
        else:
            self.force_close()

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
