"""The programme of one process, as its routes find it in the app."""

from typing import Never

from aiohttp import web

from gelombang_server.background import run_for_ever
from gelombang_server.config import SiteContext
from gelombang_server.programme.adapters import Adapters
from gelombang_server.programme.calendar import REFRESH_SECONDS, Calendar
from gelombang_server.programme.leading import Leading
from gelombang_server.programme.looks import Looks
from gelombang_server.programme.paying import Paying


class Programme:
    """Calendar, looks, and what only the leading process does."""

    def __init__(self, context: SiteContext) -> None:
        self.calendar = Calendar(context)
        self.looks = Looks(context, self.calendar)
        self.adapters = Adapters(context)
        self._leading = Leading(context, self.calendar)
        self.paying = [Paying(context, self.adapters, partner) for partner in self.calendar.part.partners]

    async def follow(self) -> Never:
        """Of every process: read what others did."""
        await run_for_ever("the calendar", self.calendar.refresh, REFRESH_SECONDS)

    async def lead(self) -> Never:
        """Of the process that sends the site's mail."""
        await run_for_ever("the programme", self._leading.tick, REFRESH_SECONDS)


PROGRAMME = web.AppKey("programme", Programme)
