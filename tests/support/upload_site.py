"""One process that takes uploads, in the test's own loop, on a free port; profiles as shipped, with the numbers that a test changes."""

import asyncio
import hashlib
import io
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from aiohttp import web
from numpy.typing import NDArray
from PIL import Image

from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.attempt_id import AttemptId
from gelombang.clock import monotonic_us
from gelombang.ledger import SERVER_ROW, read_rows
from gelombang.profile import Profile
from gelombang.runplan import ScaleNumbers, ServerPlan
from gelombang.toml_file import read_toml
from gelombang_server.app import build_app
from gelombang_server.config import SITE_FOLDER, SiteContext
from gelombang_server.heads import HeadsRunner
from gelombang_server.keeper import KEEPER, PhotoKeeper
from gelombang_server.schema import DATABASE_FILE, create_tables
from gelombang_server.sealing import ensure_key
from gelombang_server.sessions import issue_session, make_session_key
from gelombang_server.supervisor import prepare_site
from gelombang_server.ticketed import DESK
from gelombang_server.tickets import TicketDesk
from gelombang_server.worker import close_context, open_context

PROFILES = Path(__file__).parents[2] / "server" / "profiles"
RUN = 77
KTP_STEP = 9
FAST_STORE = {"bandwidth_bytes_per_second": 1e9, "latency_seconds": 0.0}
SLOW_STORE = {"bandwidth_bytes_per_second": 1e6, "commit_bytes": 100_000, "latency_seconds": 0.0}
"""A turn takes a bit more than 0.1 s."""
STUCK_STORE = {"bandwidth_bytes_per_second": 1.0, "latency_seconds": 0.0}
"""A turn in it ends long after the test."""


@cache
def jpeg(size_bytes: int, mark: int = 0) -> bytes:
    """A whole photo of exactly this size (700 bytes or more): a drawn one, padded by comment segments."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (mark % 251, mark // 251 % 251, 90)).save(file, "JPEG")
    drawn = file.getvalue()
    missing = size_bytes - len(drawn)
    assert missing == 0 or missing >= 4
    padding = b""
    while missing:
        step = min(missing, 60_000)
        if 0 < missing - step < 4:
            step -= 4
        padding += b"\xff\xfe" + (step - 2).to_bytes(2, "big") + b"C" * (step - 4)
        missing -= step
    return drawn[:2] + padding + drawn[2:]


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


async def until(condition: Callable[[], bool], within_seconds: float = 10.0) -> None:
    """Wait for a condition, never for a time."""
    async with asyncio.timeout(within_seconds):
        while not condition():
            await asyncio.sleep(0.002)


def traceparent(person: int, number: int = 1, exchange: int = 1, tab: int = 0) -> str:
    return AttemptId(RUN, person, tab, KTP_STEP, number).traceparent(exchange)


@dataclass(slots=True)
class UploadSite:
    context: SiteContext
    app: web.Application
    client: aiohttp.ClientSession
    url: str

    @property
    def keeper(self) -> PhotoKeeper:
        return self.app[KEEPER]

    @property
    def desk(self) -> TicketDesk:
        return self.app[DESK]

    def headers(self, person: int, number: int = 1, exchange: int = 1, tab: int = 0) -> dict[str, str]:
        """Of a logged-in person: applicant and person have the same number."""
        session = issue_session(self.context.session_key, person, self.context.after_us(3_600))
        return {"Authorization": f"Bearer {session}", "traceparent": traceparent(person, number, exchange, tab)}

    async def post(self, person: int, body: bytes, kind: str = "ktp", number: int = 1) -> tuple[int, Any]:
        form = aiohttp.FormData()
        form.add_field("photo", body, filename="photo.jpg", content_type="image/jpeg")
        url = f"{self.url}/api/v1/me/photos/{kind}"
        async with self.client.post(url, data=form, headers=self.headers(person, number)) as answer:
            return answer.status, await answer.json(content_type=None)

    async def ask(self, person: int, body: bytes, kind: str = "ktp", number: int = 1, tab: int = 0) -> tuple[int, Any]:
        wish = {"kind": kind, "bytes": len(body), "sha256": sha256(body)}
        async with self.client.post(f"{self.url}/api/v1/me/tickets", json=wish, headers=self.headers(person, number, tab=tab)) as answer:
            return answer.status, await answer.json(content_type=None)

    async def put(self, url: str, body: bytes, person: int, number: int = 1, tab: int = 0) -> tuple[int, Any]:
        headers = {"Content-Type": "image/jpeg", "traceparent": traceparent(person, number, 2, tab)}
        async with self.client.put(url, data=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def send(self, person: int, body: bytes, kind: str = "ktp", number: int = 1) -> tuple[int, Any]:
        """Ask and put: the whole good path of a ticket."""
        status, ticket = await self.ask(person, body, kind, number)
        assert status == 201, ticket
        return await self.put(ticket["url"], body, person, number)

    def rows(self) -> list[tuple[Any, ...]]:
        """The photos in the database."""
        query = "SELECT id, person, number, applicant, kind, sha256, bytes, path FROM photos ORDER BY committed_us"
        connection = sqlite3.connect(self.context.site / DATABASE_FILE)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def file_of(self, row: tuple[Any, ...]) -> bytes:
        return (self.context.site / "photos" / row[7]).read_bytes()

    def metric(self, name: str, **labels: str) -> float:
        """A sample's value after a scrape; 0 when it is not there yet."""
        self.context.metrics.page()
        return self.context.metrics.registry.get_sample_value(f"gelombang_server_{name}", labels) or 0.0


@asynccontextmanager
async def upload_site(folder: Path, name: str, **changes: Mapping[str, Any]) -> AsyncIterator[UploadSite]:
    """The shipped profile `name` with changed numbers: `store={...}, uploads={...}, tickets={...}, commits={...}`."""
    profile: dict[str, Any] = read_toml(PROFILES / f"{name}.toml", name).data
    for part, numbers in changes.items():
        (profile["uploads"] if part in profile["uploads"] else profile).setdefault(part, {}).update(numbers)
    plan = ServerPlan(
        run=RUN,
        seed=1,
        scale=ScaleNumbers(),
        profile=Profile.model_validate(profile),
        folder=str(folder),
        zero_us=monotonic_us(),
        processes=1,
        public_port=0,
        harness_port=0,
        harness_token="harness-token",
        ledger_rows_limit=10_000,
    )
    if plan.profile.database.url is not None:
        await asyncio.to_thread(prepare_site, plan)
    else:
        site_folder = folder / SITE_FOLDER
        site_folder.mkdir(exist_ok=True)
        make_session_key(site_folder)
        ensure_key()
        create_tables(site_folder / DATABASE_FILE)
    context = open_context(plan, 0, "")
    app = build_app(context, serves_api=False, serves_uploads=True)
    cancels = plan.profile.uploads.cancels_when_client_left
    runner = HeadsRunner(app, context.metrics, access_log=None, handle_signals=False, shutdown_timeout=1.0, handler_cancellation=cancels)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    url = context.uploads_url = context.front_url = "http://{}:{}".format(*runner.addresses[0][:2])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        try:
            yield UploadSite(context, app, client, url)
        finally:
            context.stopping.set()
            await runner.cleanup()
            await close_context(context)


def ledger(folder: Path) -> NDArray[np.void]:
    """The rows of the site that was closed."""
    return read_rows(folder / "ledger-server-0.bin", SERVER_ROW)


class RawClient:
    """A connection that sends what it is told and can leave at any byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, url: str) -> "RawClient":
        host, _, port = url.removeprefix("http://").split("/")[0].partition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def leave(self) -> None:
        """Close without a word, as a phone does that lost its line."""
        self._writer.transport.abort()


def request_head(method: str, url: str, headers: Mapping[str, str]) -> bytes:
    path = "/" + url.removeprefix("http://").partition("/")[2]
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def form(body: bytes) -> bytes:
    """A form with one photo, boundary `xyz`."""
    head = b'--xyz\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return head + body + b"\r\n--xyz--\r\n"


def end_of(row: Any) -> tuple[Stage, ServerOutcome, Code, int]:
    return Stage(row["stage"]), ServerOutcome(row["outcome"]), Code(row["code"]), int(row["status"])


async def put_and_stay(site: UploadSite, person: int, body: bytes, *, sent_bytes: int | None = None) -> RawClient:
    """A ticket and a PUT whose client is still there; `sent_bytes` of the photo were sent, or all."""
    status, ticket = await site.ask(person, body)
    assert status == 201, ticket
    client = await RawClient.connect(site.url)
    headers = {"Content-Type": "image/jpeg", "Content-Length": str(len(body)), "traceparent": traceparent(person, 1, 2)}
    await client.send(request_head("PUT", ticket["url"], headers) + body[:sent_bytes])
    return client


def assert_idle(site: UploadSite) -> None:
    """Everything that an upload takes was given back."""
    assert (site.desk.unfinished, site.desk.admitted_bytes, site.desk.received_bytes) == (0, 0, 0)
    assert (site.keeper.store.turns, site.keeper.store.waiting) == (0, 0)
    assert site.metric("ticket_budget_used_bytes", budget="admitted") == 0
