"""A site with a programme for tests: its people stand in the wave already, and the test moves its clock instead of waiting."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Never
from unittest.mock import patch

from gelombang.clock import monotonic_us
from gelombang.loading import load_profile
from gelombang.profile import Profile
from gelombang.runplan import PreparedPeople, ScaleNumbers
from gelombang_server.config import SITE_FOLDER, SiteContext
from gelombang_server.programme.parts import Programme
from gelombang_server.programme.paying import Paying
from gelombang_server.programme.preparing import prepare_database_people
from gelombang_server.schema import DATABASE_FILE
from gelombang_server.sessions import issue_session
from tests.wire.serversite import TOKEN, Site, plan, prepare, serving

OPENS_AT = "2020-04-16T15:00:00+07:00"
"""An hour before wave 1 closes."""
HOUR_US = 60_000_000
"""Of wall time, sixty times as fast."""
CLOSES, DRAWS, PUBLISHES = HOUR_US, 18 * HOUR_US, 19 * HOUR_US
OPENS_AGAIN, CLOSES_AGAIN = 89 * HOUR_US, 169 * HOUR_US
NEVER = 1 << 60
"""A session's end."""


class ProgrammeSite:
    """A site, its operator, and sessions of its people."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.moment_us = 0

    @property
    def programme(self) -> Programme:
        programme = self.site.worker._programme
        assert programme is not None
        return programme

    def session(self, applicant: int) -> str:
        return issue_session(self.site.context.session_key, applicant, NEVER)

    async def at(self, moment_us: int) -> None:
        """It is so late now, and what is due by then was done."""
        self.moment_us = moment_us
        await self.programme.calendar.refresh()
        await self.programme._leading.tick()
        await self.programme.calendar.refresh()

    async def ask(self, applicant: int, method: str, path: str, json: Any = None) -> tuple[int, Any]:
        return await self.site.ask(method, f"/api/v1/me/{path}", json, session=self.session(applicant))

    async def state(self, applicant: int) -> str:
        status, document = await self.ask(applicant, "GET", "programme")
        assert status == 200, document
        return str(document["state"])

    async def join(self, applicant: int, wave: str) -> tuple[int, Any]:
        return await self.ask(applicant, "POST", f"waves/{wave}", {"accept_terms": True})

    async def operator(self, method: str, path: str, json: Any = None, token: str = TOKEN) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        async with self.site.client.request(method, f"{self.site.harness_url}/programme/{path}", json=json, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    def rows(self, statement: str, *values: Any) -> list[Any]:
        return self.site.execute(statement, *values)


@contextmanager
def moved_clock(moments: ProgrammeSite) -> Iterator[None]:
    """The site's clock shows what the test says."""
    with patch.object(SiteContext, "now_us", lambda _: moments.moment_us):
        yield


async def _never(_: object) -> Never:
    await asyncio.Event().wait()
    raise AssertionError


def _profile(quota: int, stages: int, **parts: Any) -> Profile:
    document = load_profile("programme").model_dump(mode="json", exclude_none=True)
    for wave in document["programme"]["waves"]:
        wave["quota"] = quota
    document["programme"]["announcing"]["stages"] = stages
    document["programme"] |= parts
    return Profile.model_validate(document)


@asynccontextmanager
async def programme_site(
    folder: Path, people: int, quota: int, wave: str | None = "wave-1", stages: int = 1, photos: bool = False, **parts: Any
) -> AsyncIterator[ProgrammeSite]:
    """So many people in the wave, so many places in each. Background work does not run: `at` does what is due."""
    prepared = PreparedPeople(coming=people, ratio=1.0, others=0, wave=wave, photos=photos)
    scale = ScaleNumbers(sample="1", speed=60.0, bytes_ratio=0.1)
    orders = plan(folder, _profile(quota, stages, **parts), scale=scale, zero_us=monotonic_us(), opens_at=OPENS_AT, prepared=prepared)
    prepare(folder)
    prepare_database_people(orders, prepared, folder / SITE_FOLDER / DATABASE_FILE)
    with patch.object(Programme, "follow", _never), patch.object(Programme, "lead", _never), patch.object(Paying, "run", _never):
        async with serving(orders) as site:
            moments = ProgrammeSite(site)
            with moved_clock(moments):
                status, _ = await moments.operator("POST", "zero", {"zero_us": site.context.site_zero_us})
                assert status == 200
                yield moments
