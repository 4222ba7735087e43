"""The uploads of one process that can be gone on with: who holds one now, and how it is taken over.

The newest request of an upload is the person's; whatever an older one is doing, its line is dead or its page is gone. So it is cancelled,
in this process or in another, and the newer one waits until what it brought is in the file: `TAKEOVER_LIMIT_SECONDS` at most. A commit
that began is finished first.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Never

from aiohttp import web

from gelombang.attempt import Code, Stage
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.profile_uploads import Resumable
from gelombang_server.background import run_for_ever
from gelombang_server.config import SiteContext
from gelombang_server.keeper import PHOTOS_FOLDER
from gelombang_server.photofile import PhotoFiles
from gelombang_server.problem import Problem
from gelombang_server.tickets import TicketDesk
from gelombang_server.tus import table
from gelombang_server.tus.partial import PartialFiles
from gelombang_server.tus.protocol import Creation
from gelombang_server.tus.table import BegunUpload
from gelombang_server.tus.takeover import Takeover

TAKEOVER_LIMIT_SECONDS = 5.0
"""Wall time in which an older request must have let go."""
LOOK_SECONDS = 0.005
"""Between two looks whether it has."""
ID_CHARACTERS = 32


class TusUploads:
    """Of one process; `limits` are scaled."""

    def __init__(self, context: SiteContext, files: PhotoFiles, desk: TicketDesk, limits: Resumable) -> None:
        self.context = context
        self.limits = limits
        self.partials = PartialFiles(context.site / PHOTOS_FOLDER, files)
        self._desk = desk
        self._takeover = Takeover(self.partials.folder, context.place, context.places, self._let_go)
        self._holders: dict[str, tuple[asyncio.Task[object], int]] = {}
        """By photo: the newest request of each upload, and since when; bounded by the requests in progress."""

    async def find(self, name: str) -> BegunUpload | None:
        """The upload of an address: its id, or a ticket. None: the ticket is good and nothing was sent with it yet.

        Raises Problem: upload_unknown, upload_expired, ticket_invalid.
        """
        if len(name) == ID_CHARACTERS:
            upload = await table.find(self.context.database, name)
            if upload is None:
                raise Problem(Code.UPLOAD_UNKNOWN, "there is no such upload; please begin it again", stage=Stage.HEADERS)
        else:
            applicant, creation, expires_us = self._ticketed(name)
            if expires_us <= self.context.now_us():
                raise Problem(Code.UPLOAD_EXPIRED, "the ticket is too old; please ask for a new one", stage=Stage.HEADERS)
            upload = await table.find_of(self.context.database, applicant, creation)
            if upload is not None and upload.expires_us <= self.context.now_us():
                return None  # The ticket begins another one.
        if upload is not None and upload.expires_us <= self.context.now_us():
            raise Problem(Code.UPLOAD_EXPIRED, "the upload is too old; please begin it again", stage=Stage.HEADERS)
        return upload

    async def find_or_begin(self, name: str) -> BegunUpload:
        """As `find`; the first bytes of a ticket begin its upload."""
        upload = await self.find(name)
        if upload is None:
            applicant, creation, _ = self._ticketed(name)
            upload = await self.begin(applicant, creation)
        return upload

    def announced(self, name: str) -> int:
        """How many bytes the ticket `name` is for."""
        return self._desk.read(name).photo_bytes

    async def begin(self, applicant: int, creation: Creation) -> BegunUpload:
        """A new upload; an older one of the same photo is removed. Raises Problem(uploads_busy) with a time to come back."""
        try:
            upload, older = await table.begin(self.context.database, self.limits, applicant, creation, self.context.now_us())
        except Problem as problem:
            if problem.code is Code.UPLOADS_BUSY:
                problem.retry_after_seconds = self._desk.return_after_seconds(applicant)
            raise
        if older is not None:
            self._evict(older)
            await self.partials.remove([older.photo])
        return upload

    @asynccontextmanager
    async def held(self, upload: BegunUpload) -> AsyncIterator[int]:
        """The upload's lock, for the running request: whoever had it lets go. The caller closes it, or hands it on.

        Raises Problem(upload_in_use) after `TAKEOVER_LIMIT_SECONDS`.
        """
        task = asyncio.current_task()
        assert task is not None
        mine = task, monotonic_us()
        self._evict(upload)
        self._holders[upload.photo] = mine
        try:
            yield await self._lock(upload)
        finally:
            if self._holders.get(upload.photo) is mine:
                del self._holders[upload.photo]

    async def offset(self, upload: BegunUpload) -> int:
        """Where the upload stands, and nobody sends any more. Raises as `held` does."""
        async with self.held(upload) as lock:
            try:
                now = await table.find(self.context.database, upload.id)
                is_stored = now is not None and now.is_stored
                return upload.size_bytes if is_stored else self.partials.offset(upload.photo, upload.size_bytes)
            finally:
                os.close(lock)

    async def remove(self, upload: BegunUpload) -> None:
        """Forget an upload, and what came of it. A photo that is stored stays."""
        async with self.held(upload) as lock:
            try:
                await table.remove(self.context.database, [upload])
                await self.partials.remove([upload.photo])
            finally:
                os.close(lock)

    async def sweep(self) -> Never:
        """Runs for ever, in one process of the site: first what no upload points to, then each upload whose life is over."""
        begun = await self.partials.begun()
        # In this order: a file that is listed had its row before it.
        known = await table.photos(self.context.database)
        await self.partials.remove([photo for photo in begun if photo not in known])
        await run_for_ever("sweep of begun uploads", self.sweep_once, self.limits.sweep_seconds)

    async def sweep_once(self) -> None:
        """Remove `sweep_limit` uploads whose life is over; one that is being sent waits for the next time."""
        idle: list[tuple[BegunUpload, int]] = []
        try:
            for upload in await table.expired(self.context.database, self.context.now_us(), self.limits.sweep_limit):
                if (lock := self.partials.lock(upload.number)) is not None:
                    idle.append((upload, lock))
            if idle:
                await table.remove(self.context.database, [upload for upload, _ in idle])
                await self.partials.remove([upload.photo for upload, _ in idle])
        finally:
            for _, lock in idle:
                os.close(lock)

    async def close(self) -> None:
        """What ended is put away; the files must still be open."""
        self._takeover.close()
        await self.partials.close()

    def _ticketed(self, token: str) -> tuple[int, Creation, int]:
        """Whom and what a ticket is for, and until when its address is good."""
        claims = self._desk.read(token)
        creation = Creation(claims.kind, claims.photo_bytes, claims.sha256.hex(), "")
        return claims.applicant, creation, claims.expires_us + round(self.limits.life_seconds * MICROSECONDS)

    async def _lock(self, upload: BegunUpload) -> int:
        loop = asyncio.get_running_loop()
        until = loop.time() + TAKEOVER_LIMIT_SECONDS
        while (lock := self.partials.lock(upload.number)) is None:
            if loop.time() >= until:
                raise Problem(Code.UPLOAD_IN_USE, "another request of this upload is still at work; please come back", stage=Stage.HEADERS)
            await asyncio.sleep(LOOK_SECONDS)
        return lock

    def _evict(self, upload: BegunUpload) -> None:
        now_us = monotonic_us()
        self._let_go(upload.photo, now_us)
        self._takeover.tell(upload.photo, now_us)

    def _let_go(self, photo: str, moment_us: int) -> None:
        task, since_us = self._holders.get(photo, (None, 0))
        if task is not None and since_us <= moment_us:
            del self._holders[photo]
            task.cancel()


TUS = web.AppKey("tus", TusUploads)
