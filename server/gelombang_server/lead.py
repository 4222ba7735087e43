"""What one of several servers on a database does for all of them: it sends mail and SMS, asks the registry, and leads the programme.

Who holds the database's lock does it. The others look every second whether it is free: it is, a few seconds after the leading host died or
was cut off, and whoever takes it reads from the database where the work stands. Who comes back and finds that another leads stops doing
it, and serves people as before. In between both may believe that they lead; what they write asks the database first whether anybody else
went on meanwhile, so that nothing is sent twice under two numbers.

Left out: a programme's simulated partners live in the process that leads, so a site with a programme is not taken over, and its leading
process ends when another has the lock.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Never, TypeAlias

from gelombang.errors import GelombangError
from gelombang_server.config import SiteContext
from gelombang_server.outbox import Outbox
from gelombang_server.programme.parts import Programme
from gelombang_server.registry import Registry

LEAD_SECONDS = 1.0
"""Between two looks at who leads."""
Spawn: TypeAlias = "Callable[[Coroutine[object, object, Never]], asyncio.Task[Never]]"


class Lead:
    """Of process 0."""

    def __init__(self, context: SiteContext, outbox: Outbox, programme: Programme | None, spawn: Spawn) -> None:
        self._context = context
        self._outbox = outbox
        self._programme = programme
        self._spawn = spawn
        self._registry: Registry | None = None
        """Made when this process leads for the first time."""
        self._tasks: list[asyncio.Task[Never]] = []
        self.is_leading = False
        self.may_take_over = programme is None

    async def look(self) -> None:
        """Begin or end to lead, as the database says. Raises Problem while it does not say."""
        leads = await self._context.database.leads()
        if leads and not self.is_leading:
            await self._begin()
        elif not leads and self.is_leading:
            await self._end()

    async def _begin(self) -> None:
        await self._outbox.resume()
        if self._registry is None:
            self._registry = Registry(self._context)
        self._registry.resume()
        self.is_leading = True
        work = [self._outbox.run(), self._registry.run()]
        if self._programme is not None:
            work += [self._programme.lead(), *(paying.run() for paying in self._programme.paying)]
        self._tasks = [self._spawn(each) for each in work]

    async def _end(self) -> None:
        if self._programme is not None:
            self._context.fail(GelombangError(f"server process {self._context.slot}: another server on its database took over the mail"))
            return
        self.is_leading = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._outbox.release()
