"""A storm of photos against a server of its own process, by people whose page sends again as stock tus-js does, without jitter and at once.

Each person has one photo and a patience; the page tries again after 0, 1, 3 and 5 s whatever it is told, and a person whose page gave up
presses the button once more. What anybody was told is counted, by second; what was acknowledged is remembered with its digest.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from gelombang.attempt_id import AttemptId
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang_server.sessions import issue_session, read_session_key
from tests.support.upload_site import jpeg, sha256

RUN = 77
KTP_STEP = 9
PATIENCE_SECONDS = 5.0
DELAYS_SECONDS = (0.0, 1.0, 3.0, 5.0)
PRESSES = 2
PEOPLE_LIMIT = 5_000


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What somebody was told is stored."""

    person: int
    photo: str
    sha256: str
    at_us: int


@dataclass
class Storm:
    """People who come at `per_second` from `start` to `stop`; use from one event loop."""

    uploads_url: str
    site: Path
    per_second: float
    told: Counter[str] = field(default_factory=Counter)
    """By code of the answer, or what became of the connection."""
    acknowledged: list[Acknowledged] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._key = read_session_key(self.site)
        self._people: set[asyncio.Task[None]] = set()
        self._arrivals: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Storm":
        self._client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(PATIENCE_SECONDS))
        self._arrivals = asyncio.create_task(self._arrive())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._arrivals is not None
        self._arrivals.cancel()
        for person in self._people:
            person.cancel()
        await asyncio.gather(self._arrivals, *self._people, return_exceptions=True)
        await self._client.close()

    def per_second_since(self, seconds: float) -> float:
        """Photos acknowledged a second in the last so many seconds."""
        from_us = monotonic_us() - round(seconds * MICROSECONDS)
        return sum(each.at_us >= from_us for each in reversed(self.acknowledged)) / seconds

    async def until(self, condition: Any, within_seconds: float) -> None:
        """Wait for a condition while people come."""
        async with asyncio.timeout(within_seconds):
            while not condition():
                await asyncio.sleep(0.05)
                assert self._arrivals is not None
                if self._arrivals.done():
                    self._arrivals.result()

    async def _arrive(self) -> None:
        began_us = monotonic_us()
        for person in count(1):
            assert person < PEOPLE_LIMIT, "the storm lasts longer than it should"
            due_us = began_us + round(person / self.per_second * MICROSECONDS)
            await asyncio.sleep(max(0, due_us - monotonic_us()) / MICROSECONDS)
            task = asyncio.create_task(self._person(person))
            self._people.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._people.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error

    async def _person(self, person: int) -> None:
        photo = jpeg(9_800, mark=person)
        session = issue_session(self._key, person, monotonic_us() + 3_600_000_000)
        number = 0
        for _ in range(PRESSES):
            for delay_seconds in (None, *DELAYS_SECONDS):
                if delay_seconds is not None:
                    await asyncio.sleep(delay_seconds)
                number += 1
                code, answer = await self._try(person, number, session, photo)
                self.told[code] += 1
                if code == "acknowledged":
                    self.acknowledged.append(Acknowledged(person, answer["photo"], sha256(photo), monotonic_us()))
                    return

    async def _try(self, person: int, number: int, session: str, photo: bytes) -> tuple[str, Any]:
        def trace(exchange: int) -> dict[str, str]:
            return {"traceparent": AttemptId(RUN, person, 0, KTP_STEP, number).traceparent(exchange)}

        wish = {"kind": "ktp", "bytes": len(photo), "sha256": sha256(photo)}
        headers = {"Authorization": f"Bearer {session}", **trace(1)}
        try:
            async with self._client.post(f"{self.uploads_url}/api/v1/me/tickets", json=wish, headers=headers) as answer:
                document = await answer.json(content_type=None)
                if answer.status == 200:
                    return "acknowledged", document
                if answer.status != 201:
                    return document["code"], None
            headers = {"Content-Type": "image/jpeg", **trace(2)}
            async with self._client.put(document["url"], data=photo, headers=headers) as answer:
                document = await answer.json(content_type=None)
                return ("acknowledged", document) if answer.status in (200, 201) else (document["code"], None)
        except TimeoutError:
            return "patience_over", None
        except aiohttp.ClientConnectionError:
            return "connection_broken", None
