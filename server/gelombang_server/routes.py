"""The closed set of routes: the `route` column of the ledger and the `route` label of the request metrics.

Numbers are part of the ledger: never reuse one. A request that matches no route is UNKNOWN.
"""

from collections.abc import Awaitable, Callable
from enum import IntEnum, unique
from typing import NamedTuple

from aiohttp import web


@unique
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

    @property
    def label(self) -> str:
        return self.name.lower()

    @property
    def is_upload(self) -> bool:
        """Uploads have bounds of their own and are not counted against the limit of requests in progress."""
        return self >= Route.PHOTO_POST


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RouteRow(NamedTuple):
    """One way in."""

    method: str
    path: str
    handler: Handler
    route: Route


ROUTES = web.AppKey("routes", dict[Handler, Route])
"""Which handler is which route: how the door names a request."""


def add_route(app: web.Application, row: RouteRow) -> None:
    """Let the handler answer; each handler is one route."""
    assert row.handler not in app[ROUTES]
    app[ROUTES][row.handler] = row.route
    app.router.add_route(row.method, row.path, row.handler)
