"""Stands before an object store as its endpoint: writes down what it is sent, hands it on, answers itself, or is gone for a while."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from tests.support.object_store import Store

Answer = Callable[[web.Request, bytes], Awaitable[web.Response]]
_KEPT = ("ETag", "Last-Modified", "Content-Type")


class Between:
    """What it has seen, and what the test wants of it."""

    def __init__(self, store: Store, client: aiohttp.ClientSession) -> None:
        self._store = store
        self._client = client
        self._runner: web.AppRunner | None = None
        self._port = 0
        self.puts: list[tuple[dict[str, str], bytes]] = []
        self.answer: Answer | None = None
        """Of puts; None: the store's."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def come(self) -> None:
        """Serve, at the same address each time."""
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]

    async def go(self) -> None:
        """Nobody answers any more: connections are refused."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.method == "PUT":
            self.puts.append(({name.lower(): value for name, value in request.headers.items()}, body))
            if self.answer is not None:
                return await self.answer(request, body)
        return await self.hand_on(request, body)

    async def hand_on(self, request: web.Request, body: bytes) -> web.Response:
        """What the store says to it."""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "transfer-encoding")}
        async with self._client.request(request.method, self._store.endpoint + request.raw_path, data=body, headers=headers) as answer:
            kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


@asynccontextmanager
async def between(store: Store) -> AsyncIterator[Between]:
    """It hands on to `store` whatever it does not answer itself."""
    async with aiohttp.ClientSession() as client:
        here = Between(store, client)
        await here.come()
        try:
            yield here
        finally:
            await here.go()
