"""ASGI 3: `app = LedgerMiddleware(app, "/var/lib/shop/ledgers")`. Anything but HTTP passes through untouched."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path

from gelombang.middleware.book import PROBLEM_BYTES_LIMIT, SeenRequest, ServiceBook, tells_to_return

Event = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Application = Callable[[Event, Receive, Send], Awaitable[None]]


class LedgerMiddleware:
    """Writes a row for each request of an attempt into the folder's ledgers."""

    def __init__(self, application: Application, folder: str | Path) -> None:
        self._application = application
        self._book = ServiceBook(folder)

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        seen = self._book.begin(_header(scope.get("headers"), b"traceparent")) if scope.get("type") == "http" else None
        if seen is None:
            await self._application(scope, receive, send)
            return
        answer = _Answer(seen, receive, send)
        try:
            await self._application(scope, answer.receive, answer.send)
        finally:
            answer.end()

    def close(self) -> None:
        """Cut the ledgers to their rows, when the server ends."""
        self._book.close()


class _Answer:
    def __init__(self, seen: SeenRequest, receive: Receive, send: Send) -> None:
        self._seen = seen
        self._receive = receive
        self._send = send
        self._status = 0
        self._retry_after: str | None = None
        self._problem = b""
        self._whole = False

    async def receive(self) -> Event:
        event = await self._receive()
        body = event.get("body")
        if isinstance(body, bytes):
            self._seen.received_bytes += len(body)
        return event

    async def send(self, event: Event) -> None:
        if event["type"] == "http.response.start":
            status = event["status"]
            assert isinstance(status, int)
            self._status = status
            self._retry_after = _header(event.get("headers"), b"retry-after")
        body = event.get("body")
        if isinstance(body, bytes) and self._status >= 400 and len(self._problem) < PROBLEM_BYTES_LIMIT:
            self._problem += body
        await self._send(event)
        self._whole = self._whole or (event["type"] == "http.response.body" and not event.get("more_body"))

    def end(self) -> None:
        if self._status:
            self._seen.answered(self._status, tells_to_return(self._retry_after, self._problem), self._problem, whole=self._whole)
        else:
            self._seen.broke()


def _header(headers: object, name: bytes) -> str | None:
    assert isinstance(headers, Iterable)
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), None)
