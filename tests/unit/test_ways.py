"""Where a request goes: the short way and the router of aiohttp agree."""

import asyncio
from pathlib import PurePosixPath

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gelombang.loading import load_profile
from gelombang_server.app import site_routes
from gelombang_server.routes import Route, Way, Ways

ROWS = site_routes(load_profile("hardened"))


def ways() -> Ways:
    made = Ways(web.Application())
    for row in ROWS:
        made.add(row)
    return made


def asked(method: str, path: str) -> web.Request:
    return make_mocked_request(method, path)


def found(all_ways: Ways, request: web.Request) -> tuple[Way, dict[str, str]]:
    way = asyncio.run(all_ways.found(request))
    return way, dict(request.match_info)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.route.label)
def test_each_route_is_found_at_once_and_as_the_router_finds_it(row: object) -> None:
    assert isinstance(row, tuple)
    method, path, handler, route = row
    value = "selfie" if "selfie" in path else "ab-12_x="
    filled = str(PurePosixPath(path).parent / value) if "{" in path else path
    request = asked(method, f"{filled}?ticket=1")
    way = ways().known(request)
    assert way == (handler, route)
    assert (way, dict(request.match_info)) == found(ways(), asked(method, filled))


def test_a_part_with_escapes_goes_the_long_way_and_is_read() -> None:
    request, all_ways = asked("GET", "/api/v1/email-links/a%20b"), ways()
    assert all_ways.known(request) is None
    assert found(all_ways, request) == (all_ways.known(asked("GET", "/api/v1/email-links/a")), {"token": "a b"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v2", 404),
        ("GET", "/healthz/", 404),
        ("PUT", "/api/v1/me/photos/passport", 404),
        ("GET", "/api/v1/email-links/", 404),
        ("GET", "/api/v1/me/waves/a{b", 404),
        ("POST", "/healthz", 405),
        ("GET", "/api/v1/me/waves/wave-1", 405),
    ],
)
def test_what_is_no_route_goes_nowhere_and_says_why(method: str, path: str, status: int) -> None:
    request, all_ways = asked(method, path), ways()
    assert all_ways.known(request) is None
    way = asyncio.run(all_ways.found(request))
    assert way.route is Route.UNKNOWN
    with pytest.raises(web.HTTPException) as raised:
        asyncio.run(way.handler(request))  # type: ignore[arg-type]
    assert raised.value.status == status
