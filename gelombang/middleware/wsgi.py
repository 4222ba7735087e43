"""WSGI (PEP 3333): `app = LedgerMiddleware(app, "/var/lib/shop/ledgers")`. Answers pass through piece by piece, as they are."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeAlias

from gelombang.middleware.book import PROBLEM_BYTES_LIMIT, SeenRequest, ServiceBook, tells_to_return

Environ = dict[str, object]
Headers = list[tuple[str, str]]
ExceptionInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | None


class StartResponse(Protocol):
    def __call__(self, status: str, headers: Headers, exc_info: ExceptionInfo = None, /) -> Callable[[bytes], object]: ...


Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class LedgerMiddleware:
    """Writes a row for each request of an attempt into the folder's ledgers."""

    def __init__(self, application: Application, folder: str | Path) -> None:
        self._application = application
        self._book = ServiceBook(folder)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        traceparent = environ.get("HTTP_TRACEPARENT")
        seen = self._book.begin(traceparent if isinstance(traceparent, str) else None)
        if seen is None:
            return self._application(environ, start_response)
        length = environ.get("CONTENT_LENGTH")
        seen.received_bytes = int(length) if isinstance(length, str) and length.isascii() and length.isdigit() else 0
        answer = _Answer(seen, start_response)
        try:
            answer.pieces = self._application(environ, answer.start)
        except BaseException:
            seen.broke()
            raise
        return answer

    def close(self) -> None:
        """Cut the ledgers to their rows, when the server ends."""
        self._book.close()


class _Answer:
    """The application's answer on its way; the server closes it whatever happens."""

    def __init__(self, seen: SeenRequest, start_response: StartResponse) -> None:
        self.pieces: Iterable[bytes] = ()
        self._seen = seen
        self._start_response = start_response
        self._status = 0
        self._retry_after: str | None = None
        self._problem = b""
        self._whole = False
        self._ended = False

    def start(self, status: str, headers: Headers, exc_info: ExceptionInfo = None, /) -> Callable[[bytes], object]:
        self._status = int(status[:3])
        self._retry_after = next((value for name, value in headers if name.lower() == "retry-after"), None)
        return self._start_response(status, headers, exc_info) if exc_info else self._start_response(status, headers)

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self.pieces:
                if self._status >= 400 and len(self._problem) < PROBLEM_BYTES_LIMIT:
                    self._problem += piece
                yield piece
        except GeneratorExit:
            raise
        except BaseException:
            self._end(broke=True)
            raise
        self._whole = True

    def close(self) -> None:
        try:
            close = getattr(self.pieces, "close", None)
            if close is not None:
                close()
        finally:
            self._end(broke=self._status == 0)

    def _end(self, broke: bool) -> None:
        if self._ended:
            return
        self._ended = True
        if broke:
            self._seen.broke()
        else:
            told = tells_to_return(self._retry_after, self._problem)
            self._seen.answered(self._status, told, self._problem, whole=self._whole)
