"""A site for the engine's tests: real HTTP on a real socket, answers made by a function, and a harness that hands out messages."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "phone-token"


@dataclass(frozen=True)
class Asked:
    """A request as the site sees it; person and number are read from its trace id."""

    method: str
    path: str
    person: int
    number: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    """Names in lower case."""


@dataclass(frozen=True)
class Reply:
    """What the site does. `raw` in place of HTTP; `reset` breaks the connection; `hang` never answers."""

    status: int = 200
    value: object = None
    text: str | None = None
    """In place of a JSON value."""
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes = b""
    reset: bool = False
    hang: bool = False


class StubSite:
    """Listens on a port of its own until `close`."""

    def __init__(self, answer: Callable[["StubSite", Asked], Reply], host: str = "127.0.0.1") -> None:
        self.asked: list[Asked] = []
        self.healthz = 0
        self.asked_health: list[tuple[str, str | None]] = []
        """Path and authorization of each question after its health."""
        self._answer = answer
        self._messages: list[dict[str, object]] = []
        self._news = threading.Condition()
        self._closing = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65_536

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                if self.path.partition("?")[0] == "/healthz":
                    site.healthz += 1
                    site.asked_health.append((self.path, self.headers["Authorization"]))
                    return self._send(Reply(value={"status": "ok"}))
                if self.path.startswith("/messages"):
                    assert self.headers["Authorization"] == f"Bearer {TOKEN}"
                    return self._send(Reply(value=site._page(self.path)))
                trace = self.headers["traceparent"]
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, int(trace[13:23], 16), int(trace[29:35], 16), body, headers)
                site.asked.append(asked)
                return self._send(site._answer(site, asked))

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any  # noqa: N815

            def _send(self, reply: Reply) -> None:
                if reply.hang:
                    site._closing.wait(30)
                    self.close_connection = True
                elif reply.reset:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                elif reply.raw:
                    self.wfile.write(reply.raw)
                    self.close_connection = True
                else:
                    body = json.dumps(reply.value if reply.value is not None else {}).encode()
                    if reply.text is not None:
                        body = reply.text.encode()
                    self.send_response(reply.status)
                    for name, value in reply.headers:
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server((host, 0), Handler)
        self.url = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def send_message(self, **message: object) -> None:
        """Put a message into the harness's feed."""
        with self._news:
            self._messages.append({"id": len(self._messages) + 1, **message})
            self._news.notify_all()

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def _page(self, path: str) -> object:
        query = dict(pair.split("=") for pair in path.partition("?")[2].split("&"))
        after = int(query["after"])
        with self._news:
            self._news.wait_for(lambda: len(self._messages) > after or self._closing.is_set(), float(query["wait_seconds"]))
            return {"messages": self._messages[after:], "last": len(self._messages)}


@contextmanager
def stub_site(answer: Callable[[StubSite, Asked], Reply], host: str = "127.0.0.1") -> Iterator[StubSite]:
    """A site that answers as the function says."""
    site = StubSite(answer, host)
    try:
        yield site
    finally:
        site.close()
