"""Whole registrations without a pause: account, mail, data, registry, code, two photos, test, wave; finished people a second."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from server_bench.connection import Connection, head, json_head, open_connection
from server_bench.photos import drawn, numbered
from server_bench.site import NO_STORE, ROOMY, TOKEN, WAVE, RunningSite, profile, serving
from server_bench.uploads import put_photo, ticket

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.profile import Profile

PEOPLE = 400
"""In one round."""
AT_ONCE = 150
PHOTO_BYTES = 60_000
QUICK_MESSAGES = {
    "mail_per_second": 1e6,
    "sms_per_second": 1e6,
    "mail_delay_seconds": {"value": 0.001},
    "sms_delay_seconds": {"value": 0.001},
}
CHEAP_HASH = {"memory_bytes": 65_536, "time_cost": 1}
_BORN = "1990-12-31"


class FlowRound(NamedTuple):
    per_second: float
    cpu_ms: float
    """Of the server, per person."""


class Inbox:
    """Everybody's mail and SMS, handed to who waits for it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._came: dict[str, dict[str, Any]] = {}

    async def run(self) -> None:
        connection, last = await open_connection(self._url), 0
        while True:
            path = f"/messages?after={last}&limit=500&wait_seconds=10"
            _, answer = await connection.ask(head("GET", path, 0, f"Authorization: Bearer {TOKEN}"))
            document = json.loads(answer)
            last = document["last"]
            for message in document["messages"]:
                waiting = self._waiting.pop(message["address"], None)
                if waiting is None:
                    self._came[message["address"]] = message
                else:
                    waiting.set_result(message)

    async def next(self, address: str) -> dict[str, Any]:
        if (came := self._came.pop(address, None)) is not None:
            return came
        waiting = self._waiting[address] = asyncio.get_running_loop().create_future()
        return await waiting


def quick_profile(**parts: dict[str, Any]) -> Profile:
    """A hardened site in which nothing that is modelled makes anybody wait, and a password costs next to nothing."""
    return profile(
        "hardened",
        store=NO_STORE,
        tickets=ROOMY,
        messages=QUICK_MESSAGES,
        password=CHEAP_HASH,
        registry={"lookups_per_second": 1e6, "latency_seconds": 0.0},
        **parts,
    )


def rows(folder: Path, rounds: int) -> list[FlowRound]:
    """One figure a round; server and client share both cores."""
    with serving(folder / "flow", quick_profile(), core=None) as site:
        return asyncio.run(_rounds(site, rounds))


async def _rounds(site: RunningSite, rounds: int) -> list[FlowRound]:
    photo, found = drawn(PHOTO_BYTES), []
    inbox = Inbox(site.harness_url)
    reading = asyncio.create_task(inbox.run())
    for round_ in range(rounds):
        cpu, began_us = site.cpu_seconds(), monotonic_us()
        await register(site, inbox, photo, range(round_ * PEOPLE, (round_ + 1) * PEOPLE))
        seconds = (monotonic_us() - began_us) / MICROSECONDS
        found.append(FlowRound(PEOPLE / seconds, (site.cpu_seconds() - cpu) / PEOPLE * 1_000))
    reading.cancel()
    return found


async def register(site: RunningSite, inbox: Inbox, photo: bytes, people: Iterable[int]) -> None:
    """All of these people from account to wave, `AT_ONCE` of them at a time, spread evenly over the processes that take uploads."""
    numbers = iter(people)
    urls = site.uploads_urls
    await asyncio.gather(*(_people(site.public_url, urls[place % len(urls)], inbox, photo, numbers) for place in range(AT_ONCE)))


async def _people(api_url: str, uploads_url: str, inbox: Inbox, photo: bytes, numbers: Iterator[int]) -> None:
    api, uploads = await open_connection(api_url), await open_connection(uploads_url)
    for n in numbers:
        await _person(api, uploads, inbox, photo, n)
    api.leave()
    uploads.leave()


async def _person(api: Connection, uploads: Connection, inbox: Inbox, photo: bytes, n: int) -> None:
    async def step(method: str, path: str, body: dict[str, Any], wanted: int, session: str = "") -> dict[str, Any]:
        data = json.dumps(body).encode()
        status, answer = await api.ask(json_head(method, path, len(data), session) + data)
        assert status == wanted, (method, path, status, answer)
        return dict(json.loads(answer))

    email, phone = f"orang-{n}@mail.example", f"+62{800_000_000 + n}"
    account = {"name": "Orang", "email": email, "password": "rahasia-sekali"}
    session = (await step("POST", "/api/v1/accounts", account, 201))["session"]
    await step("GET", (await inbox.next(email))["path"], {}, 200)
    nik = f"99{1 + n // 980_000 % 98:02d}{1 + n // 9_999 % 98:02d}311290{1 + n % 9_999:04d}"
    data = {"nik": nik, "kk": None, "birth_date": _BORN, "address": "Jalan Contoh 1"}
    await step("PUT", "/api/v1/me/data", data, 202, session)
    assert (await inbox.next(email))["result"] == "verified"
    await step("POST", "/api/v1/me/otp", {"phone": phone}, 202, session)
    await step("PUT", "/api/v1/me/otp", {"code": (await inbox.next(phone))["code"]}, 200, session)
    for serial, kind in enumerate(("ktp", "selfie")):
        body = numbered(photo, 2 * n + serial)
        await put_photo(uploads, await ticket(uploads, session, body, kind), body)
    questions = (await step("POST", "/api/v1/me/test", {}, 201, session))["questions"]
    await step("PUT", "/api/v1/me/test", {"answers": [1] * questions}, 200, session)
    await step("POST", f"/api/v1/me/waves/{WAVE}", {"accept_terms": True}, 201, session)
