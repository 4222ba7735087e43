"""Takes every acknowledged photo from `received` to `validated` or `rejected`, in the order in which they came, and holds up nobody.

The queue is the table of photos: what has no verdict yet is still to be checked, also after a restart. A photo that is rejected does not
count any more: its person sees so in their status, with the reason, and sends another. The file stays as it was sent, for whoever has to
decide.
"""

import asyncio
from collections import deque
from contextlib import AsyncExitStack
from typing import NamedTuple, Never

from prometheus_client import Gauge

from gelombang import telemetry
from gelombang.attempt import Code
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.profile_uploads import Checks
from gelombang_server.background import run_for_ever
from gelombang_server.checking.decoder import PHOTOS_AT_ONCE, Decoder
from gelombang_server.checking.states import VALIDATED
from gelombang_server.config import SiteContext
from gelombang_server.photo_vault import PhotoVault
from gelombang_server.problem import Problem

TICK_SECONDS = 0.1
READ_LIMIT = 100
"""Photos known by name and not checked yet; the others wait in the database."""
SAVE_LIMIT = 32
"""Verdicts written in one commit: one for each would sync the disk as often as the uploads do."""
SAVE_SECONDS = 0.25
"""How long a verdict waits for others at most, and the check in progress."""


class Unchecked(NamedTuple):
    row: int
    photo: str
    path: str


class PhotoChecker:
    """One per site, in the process that takes uploads; of several servers that share their photos, one looks at all of them."""

    def __init__(self, context: SiteContext, checks: Checks, vault: PhotoVault) -> None:
        self._context = context
        self._vault = vault
        pixels_limit = context.profile.uploads.pixels_limit
        self._decoders = [Decoder(pixels_limit, checks.cpu_seconds_limit) for _ in range(checks.processes)]
        self._read: deque[Unchecked] = deque()
        self._unsaved: list[tuple[str, Code]] = []
        """(photo, verdict) not durable yet: at most `SAVE_LIMIT`, and what the decoders have at once."""
        self._unsaved_since_us = 0
        self._last_row: int | None = None
        """The newest row that was taken up; None before the database was asked where to begin."""
        waiting = context.metrics.gauge(telemetry.PHOTO_CHECKS_WAITING)
        self._verdicts = {code: context.metrics.counter(telemetry.PHOTO_CHECKS).labels(name_of(code)) for code in VERDICTS}
        context.metrics.level(lambda: self._count_waiting(waiting))

    async def run(self) -> Never:
        """Check, for ever."""
        try:
            await run_for_ever("the check of photos", self._tick, TICK_SECONDS)
        finally:
            for decoder in self._decoders:
                await decoder.close()

    async def _tick(self) -> None:
        await self._save()
        if self._vault.is_shared and not await self._context.database.leads("checks"):
            return
        while batch := await self._next():
            try:
                found = await self._looked_at(batch)
            except Problem:
                self._read.extendleft(reversed(batch))
                raise
            if not self._unsaved:
                self._unsaved_since_us = monotonic_us()
            self._unsaved += [(one.photo, code) for one, code in zip(batch, found, strict=True)]
            waited_us = monotonic_us() - self._unsaved_since_us
            if len(self._unsaved) >= SAVE_LIMIT or waited_us >= SAVE_SECONDS * MICROSECONDS:
                await self._save()
        await self._save()

    async def _looked_at(self, batch: list[Unchecked]) -> list[Code]:
        """What each is. Raises Problem while the store of photos can't be read."""
        async with AsyncExitStack() as copies:
            paths = [await copies.enter_async_context(self._vault.at_hand(one.path)) for one in batch]
            share = -(-len(paths) // len(self._decoders))
            shares = (paths[k * share : (k + 1) * share] for k in range(len(self._decoders)))
            found = await asyncio.gather(*(decoder.check(own) for decoder, own in zip(self._decoders, shares, strict=True)))
        return [code for own in found for code in own]

    async def _save(self) -> None:
        """Raises Problem while the database can't be written; what was found is kept for the next tick."""
        if self._unsaved:
            rows = [(photo, name_of(code)) for photo, code in self._unsaved]
            await self._context.database.run(lambda cursor: cursor.executemany(_SAVE, rows).rowcount)
            for _, code in self._unsaved:
                self._verdicts[code].inc()
            self._unsaved.clear()

    async def _next(self) -> list[Unchecked]:
        if self._last_row is None:
            (self._last_row,) = await self._context.database.read(lambda cursor: cursor.execute(_BEFORE_FIRST).fetchone())
        if not self._read:
            rows = await self._context.database.read(lambda cursor: cursor.execute(_READ, (self._last_row, READ_LIMIT)).fetchall())
            found = [Unchecked(*row) for row in rows]
            if found:
                self._last_row = found[-1].row
            # On a shared database, a photo that is not on this machine is looked at by the server that took it.
            is_shared = self._context.profile.database.url is not None
            self._read.extend(one for one in found if not is_shared or self._vault.is_here(one.path))
        batch = [self._read.popleft() for _ in range(min(PHOTOS_AT_ONCE * len(self._decoders), len(self._read)))]
        if batch:
            self._last_row = batch[-1].row
        return batch

    async def _count_waiting(self, gauge: Gauge) -> None:
        query = "SELECT count(*) FROM photos WHERE rowid > ?"
        if self._last_row is not None:
            bounds = (self._last_row,)
            gauge.set(await self._context.database.read(lambda cursor: int(cursor.execute(query, bounds).fetchone()[0])))


VERDICTS = (
    Code.NONE,
    Code.PHOTO_WRONG_FORMAT,
    Code.PHOTO_TRUNCATED,
    Code.PHOTO_TOO_MANY_PIXELS,
    Code.PHOTO_POLYGLOT,
    Code.PHOTO_UNDECODABLE,
)
_BEFORE_FIRST = """
SELECT coalesce(min(photos.rowid) - 1, (SELECT coalesce(max(rowid), 0) FROM photos))
FROM photos LEFT JOIN photo_checks ON photo = id WHERE photo IS NULL
"""
_READ = """
SELECT photos.rowid, id, path FROM photos LEFT JOIN photo_checks ON photo = id
WHERE photos.rowid > ? AND photo IS NULL ORDER BY photos.rowid LIMIT ?
"""
_SAVE = "INSERT INTO photo_checks (photo, verdict) VALUES (?, ?) ON CONFLICT DO NOTHING"


def name_of(code: Code) -> str:
    """A verdict as the database and people read it."""
    return VALIDATED if code is Code.NONE else code.name.lower()
