"""The middleware of somebody's own service: one row per request of an attempt, and a service that never notices."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.attempt_id import AttemptId
from gelombang.ledger import SERVER_ROW, read_rows
from gelombang.middleware import asgi, wsgi
from gelombang.middleware.book import ServiceBook
from gelombang.service_ledger import merged

TRACEPARENT = AttemptId(0xABC, 5, 0, 2, 3).traceparent(1)
PROBLEM = b'{"code": "uploads_busy", "retry_after_seconds": 3.5}'


def rows(folder: Path) -> list[dict[str, int]]:
    names = ("person", "step", "number", "stage", "outcome", "status", "code", "bytes_received")
    paths = sorted((folder / "0000000abc").glob("ledger-server-*.bin"))
    return [{name: int(row[name]) for name in names} for path in paths for row in read_rows(path, SERVER_ROW)]


def wsgi_answer(
    folder: Path, status: str, body: Iterable[bytes], headers: wsgi.Headers, traceparent: str = TRACEPARENT, take: int = 99
) -> list[bytes]:
    def application(environ: wsgi.Environ, start: wsgi.StartResponse) -> Iterable[bytes]:
        start(status, headers)
        return body

    middleware = wsgi.LedgerMiddleware(application, folder)
    answer = middleware({"HTTP_TRACEPARENT": traceparent, "CONTENT_LENGTH": "11"}, lambda *_: lambda _: None)
    try:
        return [piece for _, piece in zip(range(take), answer, strict=False)]
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
        middleware.close()


async def asgi_answer(folder: Path, status: int, body: bytes, headers: list[tuple[bytes, bytes]], parts: int = 1) -> None:
    async def application(scope: asgi.Event, receive: asgi.Receive, send: asgi.Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for i in range(parts):
            await send({"type": "http.response.body", "body": body, "more_body": i == 0 and parts > 1})

    async def receive() -> asgi.Event:
        return {"type": "http.request", "body": b"x" * 11, "more_body": False}

    async def send(event: asgi.Event) -> None:
        del event

    middleware = asgi.LedgerMiddleware(application, folder)
    await middleware({"type": "http", "headers": [(b"traceparent", TRACEPARENT.encode())]}, receive, send)
    middleware.close()


DONE = {
    "person": 5, "step": 2, "number": 3, "stage": Stage.ACKNOWLEDGE, "outcome": ServerOutcome.COMPLETED, "status": 201,
    "code": Code.NONE, "bytes_received": 11,
}  # fmt: skip
SHED = DONE | {"outcome": ServerOutcome.REFUSED, "status": 503, "code": Code.UPLOADS_BUSY}


def test_wsgi_passes_the_answer_through_and_writes_its_row(tmp_path: Path) -> None:
    assert wsgi_answer(tmp_path, "201 Created", [b"a", b"b"], []) == [b"a", b"b"]
    assert rows(tmp_path) == [DONE]


def test_wsgi_knows_a_refusal_by_its_time_to_come_back_and_its_code(tmp_path: Path) -> None:
    wsgi_answer(tmp_path, "503 Busy", [PROBLEM], [])
    assert rows(tmp_path) == [SHED]


def test_wsgi_says_that_the_client_left_when_the_answer_was_not_taken(tmp_path: Path) -> None:
    wsgi_answer(tmp_path, "200 OK", [b"a", b"b", b"c"], [], take=1)
    assert [row["outcome"] for row in rows(tmp_path)] == [ServerOutcome.ABANDONED]


def test_wsgi_lets_an_exception_through_and_writes_a_failure(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        raise ZeroDivisionError
        yield b""

    with pytest.raises(ZeroDivisionError):
        wsgi_answer(tmp_path, "200 OK", broken(), [])
    assert [(row["stage"], row["outcome"], row["status"]) for row in rows(tmp_path)] == [(Stage.ACCEPT, ServerOutcome.FAILED, 500)]


@pytest.mark.parametrize("traceparent", ["", "00-short-1-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_requests_of_other_people_leave_nothing(tmp_path: Path, traceparent: str) -> None:
    assert wsgi_answer(tmp_path, "200 OK", [b"a"], [], traceparent) == [b"a"]
    assert list(tmp_path.iterdir()) == []


async def test_asgi_writes_the_same_rows(tmp_path: Path) -> None:
    await asgi_answer(tmp_path, 201, b"a", [], parts=2)
    await asgi_answer(tmp_path, 503, PROBLEM, [(b"content-type", b"application/problem+json")])
    await asgi_answer(tmp_path, 429, b"later", [(b"Retry-After", b"1")])
    refused = DONE | {"outcome": ServerOutcome.REFUSED, "status": 429}
    assert sorted(rows(tmp_path), key=lambda row: row["status"]) == [DONE, refused, SHED]


async def test_asgi_leaves_everything_but_http_alone(tmp_path: Path) -> None:
    seen = []

    async def application(scope: asgi.Event, receive: asgi.Receive, send: asgi.Send) -> None:
        seen.append(scope["type"])

    await asgi.LedgerMiddleware(application, tmp_path)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]
    assert list(tmp_path.iterdir()) == []


def test_several_requests_of_an_attempt_become_one_row_that_ended_as_the_last(tmp_path: Path) -> None:
    clock = iter(range(1_000, 2_000, 100))
    book = ServiceBook(tmp_path, lambda: next(clock))
    for status in (302, 302, 404):
        seen = book.begin(TRACEPARENT)
        assert seen is not None
        seen.received_bytes = 10
        seen.answered(status, told_to_return=False, problem=b"")
    book.close()
    (row,) = merged(read_rows(next(tmp_path.rglob("ledger-server-*.bin")), SERVER_ROW))
    assert (row["status"], row["outcome"], row["exchanges"], row["bytes_received"]) == (404, ServerOutcome.REJECTED, 3, 30)
    assert (row["began"], row["ended"]) == (1_000, 1_500)
