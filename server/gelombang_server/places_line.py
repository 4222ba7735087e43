"""A bounded line before a few places, for requests: where the rules of `gelombang.standing_line` meet the event loop.

Whoever is refused is told so while they wait; whoever is cancelled leaves the line, and costs what is behind it nothing.
"""

import asyncio
from collections.abc import Callable

from gelombang.admission import Place
from gelombang.clock import monotonic_us
from gelombang.standing_line import LineRule, StandingLine
from gelombang_server.problem import Problem


class PlacesLine:
    """Use from the thread of one running loop. `refused` makes what a request is told when there is no place for it."""

    def __init__(self, rule: LineRule, places_limit: int, refused: Callable[[], Problem]) -> None:
        self._line: StandingLine[asyncio.Future[None]] = StandingLine(rule, places_limit)
        self._refused = refused

    @property
    def waiting(self) -> int:
        """Requests in line."""
        return self._line.waiting

    @property
    def stands(self) -> bool:
        """Whether even the luckiest wait too long: then the newest are served first."""
        return self._line.stands

    @property
    def in_place(self) -> int:
        """Requests that have a place."""
        return self._line.in_place

    def allow(self, places_limit: int) -> None:
        """From now on there are so many places; those who have one keep it."""
        self._line.places_limit = places_limit

    async def enter(self) -> None:
        """A place, after the line; give it back by `leave`. Raises the problem of who is refused."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = self._line.ask(monotonic_us(), future)
        self.go_on()
        if place is Place.FULL:
            raise self._refused()
        if place is Place.QUEUE:
            try:
                await future
            except asyncio.CancelledError:
                if not self._line.leave(future) and future.done() and not future.cancelled() and future.exception() is None:
                    self.leave()
                raise

    def leave(self) -> None:
        """Give back a place."""
        self._line.done()
        self.go_on()

    def go_on(self) -> None:
        """Tell who is refused, and who is next."""
        now_us = monotonic_us()
        for future in self._line.next_refused(now_us):
            if not future.done():
                future.set_exception(self._refused())
        for future in self._line.next_begun(now_us):
            if future.done():
                self._line.done()
            else:
                future.set_result(None)
