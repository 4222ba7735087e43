"""The uploads of one process that can be gone on with: who holds one now, and how it is taken over.

The newest request of an upload is the person's; whatever an older one is doing, its line is dead or its page is gone. So it is cancelled,
in this process or in another, and the newer one waits until what it brought is in the file: `TAKEOVER_LIMIT_SECONDS` at most. A commit
that began is finished first.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Never

from aiohttp import web

from gelombang.attempt import Code, Stage
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.profile_uploads import Resumable
from gelombang_server.background import run_for_ever
from gelombang_server.config import SiteContext
from gelombang_server.keeper import PHOTOS_FOLDER, PhotoKeeper
from gelombang_server.problem import Problem
from gelombang_server.tickets import TicketDesk
from gelombang_server.tus import table
from gelombang_server.tus.local import LocalPartials
from gelombang_server.tus.partials import Hold, Partials
from gelombang_server.tus.protocol import Creation
from gelombang_server.tus.table import BegunUpload

TAKEOVER_LIMIT_SECONDS = 5.0
"""Wall time in which an older request must have let go."""
ID_CHARACTERS = 32


class TusUploads:
    """Of one process; `limits` are scaled."""

    def __init__(self, context: SiteContext, keeper: PhotoKeeper, desk: TicketDesk, limits: Resumable) -> None:
        self.context = context
        self.limits = limits
        self.partials = self._open_partials(keeper)
        self._desk = desk
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
    async def held(self, upload: BegunUpload) -> AsyncIterator[Hold]:
        """The upload, for the running request: whoever had it lets go. The caller lets go of it, or opens it.

        Raises Problem(upload_in_use) after `TAKEOVER_LIMIT_SECONDS`.
        """
        task = asyncio.current_task()
        assert task is not None
        mine = task, monotonic_us()
        self._evict(upload)
        self._holders[upload.photo] = mine
        hold: Hold | None = None
        try:
            hold = await self._hold(upload)
            yield hold
        finally:
            if hold is not None:
                hold.request_over()
            if self._holders.get(upload.photo) is mine:
                del self._holders[upload.photo]

    async def offset(self, upload: BegunUpload) -> int:
        """Where the upload stands, and nobody sends any more. Raises as `held` does."""
        async with self.held(upload) as hold:
            try:
                now = await table.find(self.context.database, upload.id)
                is_stored = now is not None and now.is_stored
                return upload.size_bytes if is_stored else await self.partials.offset(upload, hold)
            finally:
                hold.let_go()

    async def remove(self, upload: BegunUpload) -> None:
        """Forget an upload, and what came of it. A photo that is stored stays."""
        async with self.held(upload) as hold:
            try:
                await table.remove(self.context.database, [upload])
                await self.partials.remove([upload.photo])
            finally:
                hold.let_go()

    async def sweep(self) -> Never:
        """Runs for ever, in one process of the site: first what no upload points to, then each upload whose life is over."""
        begun = await self.partials.begun()
        # In this order: a file that is listed had its row before it.
        known = await table.photos(self.context.database)
        await self.partials.remove([photo for photo in begun if photo not in known])
        await run_for_ever("sweep of begun uploads", self.sweep_once, self.limits.sweep_seconds)

    async def sweep_once(self) -> None:
        """Remove `sweep_limit` uploads whose life is over. One that somebody has is passed over, until its life has been over for as long
        again: then whoever has it is a server that died."""
        database, limit, now_us = self.context.database, self.limits.sweep_limit, self.context.now_us()
        dead_us = now_us - round(self.limits.life_seconds * MICROSECONDS)
        taken = await self.partials.taken()
        idle: list[tuple[BegunUpload, Hold]] = []
        seen = 0
        try:
            while len(idle) < limit and (page := await table.expired(database, now_us, limit - len(idle), seen)):
                seen += len(page)
                for upload in page:
                    is_dead = upload.expires_us <= dead_us
                    if upload.number in taken and not is_dead:
                        continue
                    if (hold := await self.partials.try_hold(upload, from_anybody=is_dead)) is not None:
                        idle.append((upload, hold))
            if idle:
                await table.remove(database, [upload for upload, _ in idle])
                await self.partials.remove([upload.photo for upload, _ in idle])
        finally:
            for _, hold in idle:
                hold.let_go()

    async def close(self) -> None:
        """What ended is put away; the files must still be open."""
        await self.partials.close()

    def _ticketed(self, token: str) -> tuple[int, Creation, int]:
        """Whom and what a ticket is for, and until when its address is good."""
        claims = self._desk.read(token)
        creation = Creation(claims.kind, claims.photo_bytes, claims.sha256.hex(), "")
        return claims.applicant, creation, claims.expires_us + round(self.limits.life_seconds * MICROSECONDS)

    def _open_partials(self, keeper: PhotoKeeper) -> Partials:
        context = self.context
        if context.profile.database.url is not None and context.profile.objects is not None:
            # Only there it can be told, because both packages are extras.
            from gelombang_server.objects.vault import ObjectVault
            from gelombang_server.tus.shared import SharedPartials

            assert isinstance(keeper.vault, ObjectVault)
            return SharedPartials(context.database, keeper.vault.bucket, keeper.files)
        return LocalPartials(context.site / PHOTOS_FOLDER, keeper.files, context.place, context.places, self._let_go)

    async def _hold(self, upload: BegunUpload) -> Hold:
        hold = await self.partials.hold(upload, TAKEOVER_LIMIT_SECONDS)
        if hold is None:
            raise Problem(Code.UPLOAD_IN_USE, "another request of this upload is still at work; please come back", stage=Stage.HEADERS)
        return hold

    def _evict(self, upload: BegunUpload) -> None:
        now_us = monotonic_us()
        self._let_go(upload.photo, now_us)
        self.partials.evict(upload.photo, now_us)

    def _let_go(self, photo: str, moment_us: int) -> None:
        task, since_us = self._holders.get(photo, (None, 0))
        if task is not None and since_us <= moment_us:
            del self._holders[photo]
            task.cancel()


TUS = web.AppKey("tus", TusUploads)
