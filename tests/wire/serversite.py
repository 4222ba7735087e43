"""A server site for tests: the real worker inside the test's event loop, on real sockets, or the command as a subprocess."""

import asyncio
import socket
import sqlite3
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from gelombang.profile import Profile
from gelombang.runplan import ScaleNumbers, ServerPlan
from gelombang_server.config import SITE_FOLDER
from gelombang_server.schema import DATABASE_FILE, create_tables
from gelombang_server.sealing import ensure_key
from gelombang_server.sessions import make_session_key
from gelombang_server.supervisor import prepare_site
from gelombang_server.worker import Worker, open_context

PROFILES = Path(__file__).parents[2] / "server" / "profiles"
RUN = 77
TOKEN = "a harness token"
PASSWORD = "rahasia-sekali"


def profile(name: str, **parts: dict[str, Any]) -> Profile:
    """A committed profile with some numbers of some parts replaced: `profile("hardened", registry={"queue_limit": 1})`.

    It turns no newcomers away unless `newcomers` is among the parts: sixty times as fast, a test's loop on a busy machine is late enough.
    """
    document = tomllib.loads((PROFILES / f"{name}.toml").read_text())
    if "newcomers" not in parts:
        document.pop("newcomers", None)
    for part, numbers in parts.items():
        document[part] |= numbers
    return Profile.model_validate(document)


def plan(folder: Path, site: Profile, **changes: Any) -> ServerPlan:
    """Orders for a fiftieth of this site, sixty times as fast."""
    fields = {
        "run": RUN,
        "seed": 1,
        "scale": ScaleNumbers(sample="1/50", speed=60.0, bytes_ratio=0.1),
        "profile": site,
        "folder": str(folder),
        "zero_us": 0,
        "processes": 1,
        "public_port": 0,
        "harness_port": 0,
        "harness_token": TOKEN,
        "ledger_rows_limit": 100_000,
    }
    return ServerPlan.model_validate(fields | changes)


class Site:
    """A worker that serves, and a client of it."""

    def __init__(self, worker: Worker, public_url: str, harness_url: str, client: aiohttp.ClientSession) -> None:
        self.worker = worker
        self.context = worker.context
        self.url = public_url
        self.harness_url = harness_url
        self.client = client
        self._seen = 0

    async def ask(self, method: str, path: str, json: Any = None, session: str | None = None, **more: Any) -> tuple[int, Any]:
        """Status and document; a problem document's media type is checked on the way."""
        headers = more.pop("headers", {})
        if session is not None:
            headers["Authorization"] = f"Bearer {session}"
        async with self.client.request(method, self.url + path, json=json, headers=headers, **more) as answer:
            document = await answer.json(content_type=None)
            if answer.status >= 400:
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert document["status"] == answer.status
            return answer.status, document

    async def message(self, address: str) -> dict[str, Any]:
        """The next message to this address; messages to others before it are dropped."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        while True:
            url = f"{self.harness_url}/messages?after={self._seen}&limit=1&wait_seconds=20"
            async with self.client.get(url, headers=headers) as answer:
                document = await answer.json()
            assert document["messages"], "no message within 20 s"
            self._seen = document["last"]
            (message,) = document["messages"]
            if message["address"] == address:
                return dict(message)

    async def sign_up(self, name: str = "siti") -> str:
        """A session of a fresh applicant; the mail is not read."""
        body = {"name": name, "email": f"{name}@mail.example", "password": PASSWORD}
        status, document = await self.ask("POST", "/api/v1/accounts", body)
        assert status == 201, document
        return str(document["session"])

    async def verify_email(self, name: str = "siti") -> None:
        mail = await self.message(f"{name}@mail.example")
        assert (await self.ask("GET", mail["path"]))[0] == 200

    def execute(self, statement: str, *values: Any) -> list[Any]:
        """Look at or change the database behind the server's back."""
        connection = sqlite3.connect(self.context.site / DATABASE_FILE, isolation_level=None)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    @contextmanager
    def held_database(self) -> Iterator[None]:
        """Another process's transaction, from here to the end of the block."""
        other = sqlite3.connect(self.context.site / DATABASE_FILE, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        finally:
            other.close()

    async def level(self, name: str, **labels: str) -> float | None:
        """A sample that is read from the database."""
        await self.context.metrics.look_at_levels()
        return self.sample(name, **labels)

    def sample(self, name: str, **labels: str) -> float | None:
        self.context.metrics.page()
        return self.context.metrics.registry.get_sample_value(f"gelombang_server_{name}", labels)


def listener() -> socket.socket:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


def prepare(folder: Path) -> None:
    site = folder / SITE_FOLDER
    site.mkdir(exist_ok=True)
    ensure_key()
    make_session_key(site)
    create_tables(site / DATABASE_FILE)


@asynccontextmanager
async def serving(orders: ServerPlan) -> AsyncIterator[Site]:
    """A worker in this event loop, drained at the end."""
    if orders.profile.database.url is None:
        prepare(Path(orders.folder))
    else:
        await asyncio.to_thread(prepare_site, orders)
    sockets = listener(), listener()
    public_url, harness_url = (f"http://127.0.0.1:{bound.getsockname()[1]}" for bound in sockets)
    context = open_context(orders, 0, "http://127.0.0.1:9")
    worker = Worker(context, *sockets)
    await worker.start()
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as client:
            yield Site(worker, public_url, harness_url, client)
            await asyncio.sleep(0)
    finally:
        await worker.stop()
