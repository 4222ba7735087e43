"""`gelombang run --live`: the panels of the dashboards on a local port while the run lasts, without Grafana and Prometheus.

What the run keeps of its metrics is read as it is written (`live_reader`), and a few browsers are told by server-sent events. It listens
on loopback alone, answers only to its own name, and ends with the command.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Self

from gelombang.errors import HostError
from gelombang.live_panels import live_panels
from gelombang.series_file import SERIES_FILE
from gelombang_cli.execution import Order
from gelombang_cli.live_channel import Channel, Cursor, LiveRun
from gelombang_cli.live_reader import LiveReader
from gelombang_reports.figures import opening_second
from gelombang_reports.live_page import EVENTS_PATH, live_page, panel_facts

LOOPBACK = "127.0.0.1"
READERS_LIMIT = 8
CONNECTIONS_LIMIT = 32
WRITE_WITHIN_SECONDS = 5.0
BEAT_SECONDS = 5.0
"""A reader that hears nothing for so long is sent a comment, so that one that has gone is noticed."""
LEAVE_WITHIN_SECONDS = 2.0
"""What readers get at the end to hear that it is one."""


Request = socket | tuple[bytes, socket]


class LiveBoard:
    """The page on a port. Use as a context manager around all runs of a command; `follow` one run at a time."""

    def __init__(self, port: int) -> None:
        self.channel = Channel()
        """What readers are told."""
        try:
            self._server = _Server(port, self.channel)
        except OSError as error:
            raise HostError(f"port {port} can't be listened on ({error.strerror}); want a free one, or 0 for any") from error
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="live-page", daemon=True)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.server_port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.end("")
        self.wait_until_left(LEAVE_WITHIN_SECONDS)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def ended(self, page: Path) -> None:
        """All runs are over; the report is there."""
        self.channel.end(str(page))

    def wait_until_left(self, within_seconds: float) -> bool:
        """Whether every reader has gone in time."""
        return self._server.wait_until_left(within_seconds)

    @contextmanager
    def follow(self, order: Order) -> Iterator[None]:
        """Read what this run keeps, until the block ends."""
        facts = panel_facts(live_panels())
        scenario = order.scenario
        what = f"{scenario.title}: {order.scale}"
        name = order.profile.name if order.profile else order.target_url or ""
        opens_seconds, speed = opening_second(scenario.opens_at), order.scale.speed
        self.channel.begin(LiveRun(name, what, opens_seconds, speed, facts))

        def moment(wall_seconds: float) -> str:
            minutes = int(opens_seconds + wall_seconds * speed) // 60
            return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"

        with LiveReader(order.folder / SERIES_FILE, self.channel, speed, moment):
            yield


class _Server(ThreadingHTTPServer):
    """A thread per connection, and a stated number of them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = CONNECTIONS_LIMIT

    def __init__(self, port: int, channel: Channel) -> None:
        self.channel = channel
        self.page = live_page().encode()
        self._places = threading.Semaphore(CONNECTIONS_LIMIT)
        self._reading = 0
        self._left = threading.Condition()
        super().__init__((LOOPBACK, port), _Handler)

    def process_request(self, request: Request, client_address: object) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Request, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Request, client_address: object) -> None:
        """A browser that goes away in the middle of an answer is no error of ours."""

    @contextmanager
    def reading(self) -> Iterator[bool]:
        """Whether there is a place for a reader; held while the block lasts."""
        with self._left:
            is_free = self._reading < READERS_LIMIT
            self._reading += is_free
        try:
            yield is_free
        finally:
            with self._left:
                self._reading -= is_free
                self._left.notify_all()

    def wait_until_left(self, within_seconds: float) -> bool:
        with self._left:
            return self._left.wait_for(lambda: self._reading == 0, within_seconds)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = WRITE_WITHIN_SECONDS
    connection: socket

    def do_GET(self) -> None:
        own = {f"{name}:{self.server.server_port}" for name in (LOOPBACK, "localhost")}
        if self.headers.get("Host") not in own:
            # A page of somebody else's whose name was made to point here (DNS rebinding) must not read the run.
            self._answer(HTTPStatus.FORBIDDEN, b"want the address that the command printed\n", "text/plain")
        elif self.path == "/":
            self._answer(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8")
        elif self.path == EVENTS_PATH:
            self._events()
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"want / or /events\n", "text/plain")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Whoever looks is not written down."""

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def _events(self) -> None:
        with self.server.reading() as is_free:
            if not is_free:
                words = f"{READERS_LIMIT} pages are open; want one of them closed\n"
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, words.encode(), "text/plain")
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self._tell_all()

    def _tell_all(self) -> None:
        cursor = Cursor()
        while not cursor.ended:
            events, cursor = self.server.channel.after(cursor, BEAT_SECONDS)
            self.wfile.write(b"".join(events) or b": still here\n\n")
            self.wfile.flush()
