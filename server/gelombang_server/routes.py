"""The closed set of routes: the `route` column of the ledger and the `route` label of the request metrics.

Numbers are part of the ledger: never reuse one. A request that matches no route is UNKNOWN.
"""

import re
from collections.abc import Awaitable, Callable
from enum import IntEnum, unique
from typing import NamedTuple

from aiohttp import web

from gelombang_server.answers import Answer

_PARAMETER = re.compile(r"\{(\w+)(?::(.+))?\}")


@unique
class Route(IntEnum):
    """What was asked for."""

    UNKNOWN = 0
    HEALTH = 1
    ACCOUNT = 2
    LOGIN = 3
    EMAIL_LINK = 4
    DATA = 5
    OTP_SEND = 6
    OTP = 7
    UPLOAD_PAGE = 8
    TEST_START = 9
    TEST = 10
    JOIN = 11
    STATUS = 12
    READY = 13
    OPENAPI = 14
    PHOTO_POST = 20
    """multipart"""
    TICKET = 21
    PHOTO_PUT = 22
    """with a ticket"""
    TUS_OPTIONS = 23
    TUS_CREATE = 24
    TUS_HEAD = 25
    TUS_PATCH = 26
    TUS_DELETE = 27
    TUS_UPLOAD_OPTIONS = 28
    LOOK = 40
    """at the programme: which wave, and what became of it"""
    WALLET = 41
    BENEFITS = 42
    TRAINING = 43
    TRAINING_DONE = 44
    SURVEY = 45
    TEST_LOOK = 46
    TEST_ANSWER = 47
    """one of them"""
    TEST_HANDED_IN = 48
    """what was saved"""
    PAGE = 150
    """The applicant's pages, and what they are drawn with."""
    PAGE_FORM = 151
    PAGE_REPORT = 152
    PAGE_TICKET = 153
    PAGE_PHOTO = 154
    """A plain form with a photo."""

    @property
    def label(self) -> str:
        return self.name.lower()

    @property
    def is_page(self) -> bool:
        """For people: no part of the contract for programs."""
        return self >= Route.PAGE

    @property
    def is_upload(self) -> bool:
        """Uploads have bounds of their own and are not counted against the limit of requests in progress."""
        return Route.PHOTO_POST <= self <= Route.TUS_UPLOAD_OPTIONS or self >= Route.PAGE_TICKET


Handler = Callable[[web.Request], Awaitable[Answer]]


class RouteRow(NamedTuple):
    """One way in."""

    method: str
    path: str
    handler: Handler
    route: Route


class Way(NamedTuple):
    """Where a request goes."""

    handler: Handler
    route: Route


class Ways:
    """Finds where a request goes: by its whole path, or by all but its last part, each one look-up.

    That covers what this site's people ask for. What is left (a path with escapes, one that nobody knows, a wrong method) is aiohttp's
    router's, which has the same routes; it costs ten times as much.
    """

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self._whole: dict[tuple[str, str], tuple[Way, web.UrlMappingMatchInfo]] = {}
        self._but_last: dict[tuple[str, str], tuple[Way, str, re.Pattern[str], web.AbstractRoute]] = {}
        self._of_handler: dict[object, Way] = {}

    def add(self, row: RouteRow) -> None:
        """Let the handler answer; each handler is one route, and a parameter is the last part of a path."""
        assert row.handler not in self._of_handler
        way = self._of_handler[row.handler] = Way(row.handler, row.route)
        route = self._app.router.add_route(row.method, row.path, row.handler)  # type: ignore[arg-type]
        before, _, last = row.path.rpartition("/")
        parameter = _PARAMETER.fullmatch(last)
        if parameter is None:
            assert "{" not in row.path
            self._whole[row.method, row.path] = way, self._match({}, route)
        else:
            assert "{" not in before
            self._but_last[row.method, before] = way, parameter[1], re.compile(parameter[2] or "[^{}/]+"), route

    def known(self, request: web.Request) -> Way | None:
        """Where it goes, at once; None: ask `found`."""
        method, path = request.method, request.rel_url.raw_path
        whole = self._whole.get((method, path))
        if whole is not None:
            request._match_info = whole[1]
            return whole[0]
        before, _, last = path.rpartition("/")
        but_last = self._but_last.get((method, before))
        if but_last is None or "%" in last:
            return None
        way, name, pattern, route = but_last
        if pattern.fullmatch(last) is None:
            return None
        request._match_info = self._match({name: last}, route)
        return way

    async def found(self, request: web.Request) -> Way:
        """Where aiohttp's router says it goes: where that is nowhere, the handler raises what is wrong."""
        match = await self._app.router.resolve(request)
        assert isinstance(match, web.UrlMappingMatchInfo)
        match.add_app(self._app)
        match.freeze()
        request._match_info = match
        return self._of_handler.get(match.handler) or Way(match.handler, Route.UNKNOWN)  # type: ignore[arg-type]

    def _match(self, found: dict[str, str], route: web.AbstractRoute) -> web.UrlMappingMatchInfo:
        match = web.UrlMappingMatchInfo(found, route)
        match.add_app(self._app)
        match.freeze()
        return match
