"""What the reference server does for a request, over a real socket inside one loop: parse and route, a JSON step, a page.

Client and server share the process, so the figures are of both; they are for comparing revisions (`--benchmark-compare`), not for sizing.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import uvloop
from awaiting import AsyncioBenchmark

from wire.serversite import PASSWORD, Site, plan, profile, serving


@pytest.fixture
def site(loop: uvloop.Loop, tmp_path: Path) -> Iterator[Site]:
    opened = serving(plan(tmp_path, profile("hardened")))
    yield loop.run_until_complete(opened.__aenter__())
    loop.run_until_complete(opened.__aexit__(None, None, None))


def test_parse_and_route(asyncio_benchmark: AsyncioBenchmark, site: Site) -> None:
    async def one() -> None:
        assert (await site.ask("GET", "/healthz"))[0] == 200

    asyncio_benchmark(one)


def test_a_json_step_with_a_hash_and_a_commit(asyncio_benchmark: AsyncioBenchmark, site: Site) -> None:
    serial = count()

    async def one() -> None:
        body = {"name": "Contoh", "email": f"contoh-{next(serial)}@mail.example", "password": PASSWORD}
        assert (await site.ask("POST", "/api/v1/accounts", body))[0] == 201

    asyncio_benchmark(one)


def test_a_page_of_a_session(asyncio_benchmark: AsyncioBenchmark, site: Site, loop: uvloop.Loop) -> None:
    session = loop.run_until_complete(site.sign_up())

    async def one() -> None:
        assert (await site.ask("GET", "/api/v1/me", session=session))[0] == 200

    asyncio_benchmark(one)
