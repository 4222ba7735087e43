"""Begun uploads of servers on several machines: `Partials` over a bucket and a database, so that a client that was cut off at one host goes
on at another, and is told the true offset there.

What a request brought is gathered on its server and becomes one object when the request ends, however it ends; then one transaction says
that the upload stands behind it, if the request still has the upload (`gelombang_server.tus.turns`). So the row is the truth for all
servers, and an object that no row names is nothing. One rule more makes it a truth about the whole as well: *a photo that is not stored is
never whole*. Its last byte is left away, so that some request is still to come that stores the photo and is told.

What a server that died had gathered is lost, and the client sends it again. Nothing that an answer counted is ever lost.
"""

import asyncio
import sys
import traceback
from collections.abc import Callable, Coroutine
from contextlib import suppress

from gelombang.attempt import Code, Stage
from gelombang_server.objects.bucket import Bucket
from gelombang_server.peoplestore import Cursor, PeopleStore
from gelombang_server.photofile import PhotoFiles
from gelombang_server.photopart import NoSpaceError, SyncFailedError
from gelombang_server.problem import Problem
from gelombang_server.tus import turns
from gelombang_server.tus.partials import Hold, PartialPart
from gelombang_server.tus.table import BegunUpload
from gelombang_server.tus.turns import Stand

PARTIAL = "partial"
"""Below the site's prefix."""
LOOK_SECONDS = 0.05
"""Between two looks whether an upload was given back, or is wanted."""


class SharedHold:
    """A number that has an upload, and the request that goes with it."""

    def __init__(self, partials: "SharedPartials", upload: BegunUpload, epoch: int, task: "asyncio.Task[object] | None") -> None:
        self._partials = partials
        self.number = upload.number
        self.epoch = epoch
        self.task = task
        """To be ended when somebody else wants the upload; None: nobody is to be."""
        self._is_here = True

    def let_go(self) -> None:
        if self.hand_on():
            self._partials.in_background(turns.give_back(self._partials.database, self.number, self.epoch))

    def request_over(self) -> None:
        self.task = None

    def hand_on(self) -> bool:
        """Somebody else gives it back; False: it was handed on already."""
        is_here, self._is_here = self._is_here, False
        self._partials.holds.pop((self.number, self.epoch), None)
        return is_here


class SharedPartials:
    """Of one process; pieces are gathered, and written out where memory asks for it, by `files`."""

    def __init__(self, database: PeopleStore, bucket: Bucket, files: PhotoFiles) -> None:
        self.database = database
        self.bucket = bucket
        self.files = files
        self.holds: dict[tuple[int, int], SharedHold] = {}
        """By upload and number; bounded by the requests in progress."""
        self._parting: set[asyncio.Task[None]] = set()
        """What goes on after its request; each held a body before, or an upload."""
        self._watch: asyncio.Task[None] | None = None

    def evict(self, photo: str, now_us: int) -> None:
        """Whoever wants an upload takes a number for it, and that is what others see."""

    async def hold(self, upload: BegunUpload, within_seconds: float) -> SharedHold | None:
        asked = await self._whole(upload, turns.ask(self.database, upload.number))
        if asked is None:
            raise _unknown()
        if not asked.has_it and not await self._wait(upload, asked.epoch, within_seconds):
            return None
        return self._held(upload, asked.epoch, asyncio.current_task())

    async def try_hold(self, upload: BegunUpload, *, from_anybody: bool) -> SharedHold | None:
        asking = turns.ask(self.database, upload.number, at_once=True, from_anybody=from_anybody)
        asked = await self._whole(upload, asking)
        return None if asked is None else self._held(upload, asked.epoch, None)

    async def taken(self) -> frozenset[int]:
        return await turns.taken(self.database)

    async def offset(self, upload: BegunUpload, hold: Hold) -> int:
        return (await turns.stand(self.database, upload.number)).stands_at

    async def open(self, upload: BegunUpload, hold: Hold) -> "SharedPart":
        assert isinstance(hold, SharedHold)
        stand = await turns.stand(self.database, upload.number)
        return SharedPart(self, upload, hold, stand)

    async def remove(self, photos: list[str]) -> None:
        """What can't be removed now is found at the next start."""
        try:
            for photo in photos:
                async for names in self.bucket.names(f"{PARTIAL}/{photo}"):
                    await self.bucket.remove(names)
        except Problem as problem:
            print(f"pieces of begun uploads stay in the store until the next start: {problem.detail}", file=sys.stderr)

    async def begun(self) -> list[str]:
        found = {name.split("/")[1] async for names in self.bucket.names(PARTIAL) for name in names}
        return sorted(found)

    async def close(self) -> None:
        while self._parting:
            await asyncio.wait(self._parting)
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch

    def in_background(self, work: Coroutine[object, object, None]) -> None:
        """Done when the request is over; nobody can be told what goes wrong with it, and whoever wants the upload does without."""
        task = asyncio.get_running_loop().create_task(_unheard(work))
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)

    async def _wait(self, upload: BegunUpload, epoch: int, within_seconds: float) -> bool:
        """Until it is free, or the time is up and it is taken; False when a newer request wants it."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within_seconds
        while True:
            newest, held = await turns.holder(self.database, upload.number)
            if newest != epoch:
                return False
            is_late = loop.time() >= until
            if held == 0 or is_late:
                taking = turns.take(self.database, upload.number, epoch, from_anybody=is_late)
                if await self._whole(upload, taking) is not None:
                    return True
            await asyncio.sleep(LOOK_SECONDS)

    async def _whole(self, upload: BegunUpload, asking: Coroutine[object, object, turns.Asked | None]) -> turns.Asked | None:
        """What was asked; a request that is cancelled over it gives back what it may have got."""
        task = asyncio.ensure_future(asking)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.in_background(self._given_back(upload, task))
            raise

    async def _given_back(self, upload: BegunUpload, asking: "asyncio.Future[turns.Asked | None]") -> None:
        asked = await asking
        if asked is not None and asked.has_it:
            await turns.give_back(self.database, upload.number, asked.epoch)

    def _held(self, upload: BegunUpload, epoch: int, task: "asyncio.Task[object] | None") -> SharedHold:
        hold = self.holds[upload.number, epoch] = SharedHold(self, upload, epoch, task)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._look_who_is_wanted())
        return hold

    async def _look_who_is_wanted(self) -> None:
        """As long as this process has an upload: end the requests whose upload a newer one waits for."""
        while self.holds:
            try:
                for key in await turns.wanted(self.database):
                    hold = self.holds.pop(key, None)
                    if hold is not None and hold.task is not None:
                        hold.task.cancel()
            except Problem:
                pass  # The database is away: whoever waits is told so by it, and is looked for again.
            await asyncio.sleep(LOOK_SECONDS)


class SharedPart(PartialPart):
    """One request's piece, on its way to becoming an object."""

    def __init__(self, partials: SharedPartials, upload: BegunUpload, hold: SharedHold, stand: Stand) -> None:
        super().__init__(partials.files, upload.photo)
        self._partials = partials
        self._upload = upload
        self._hold = hold
        self._parting: asyncio.Task[None] | None = None
        self._epoch = hold.epoch
        self._before = stand.objects
        self.began_at = self.size_bytes = stand.stands_at
        # Of the same photo an older request's file may still be there.
        self.file_name = f"{upload.photo}-{hold.epoch}"

    async def read(self, take: Callable[[bytes], None]) -> None:
        for name in self._before:
            async for piece in self._partials.bucket.read(name):
                take(piece)

    async def contents(self) -> list[bytes]:
        before: list[bytes] = []
        await self.read(before.append)
        return [*before, *await super().contents()]

    def note_stored(self, cursor: Cursor) -> None:
        if not turns.mark_stored(cursor, self._upload.number, self._epoch):
            raise _taken()

    async def suspend(self) -> None:
        if self._parting is None:
            self._parting = asyncio.get_running_loop().create_task(self._part())
        # A request that is cancelled over it loses nothing of what came.
        await asyncio.shield(self._parting)

    def discard(self) -> None:
        self._partials.in_background(self.suspend())

    async def _part(self) -> None:
        """Put away what came, and let go."""
        hold = self._hold
        try:
            await self._flushed()
            pieces = [] if self._is_useless or self._is_taken_back else await super().contents()
            if self.size_bytes >= self._upload.size_bytes and pieces:
                pieces = _without_last_byte(pieces)
            size = sum(map(len, pieces))
            if size:
                await self._put_away(pieces, size)
            if self._is_useless:
                await self._partials.remove([self._upload.photo])
        except BaseException:
            hold.let_go()
            raise
        finally:
            super().discard()
        if size:
            hold.hand_on()  # The transaction that counted the piece has given it back.
        else:
            hold.let_go()

    async def _put_away(self, pieces: list[bytes], size: int) -> None:
        name = f"{PARTIAL}/{self._upload.photo}/{self.began_at:012d}-{self._epoch}"
        await self._partials.bucket.put(name, pieces)
        if not await turns.add_piece(self._partials.database, self._upload.number, self._epoch, self.began_at, size, name):
            await self._partials.bucket.remove([name])
            raise _taken()


async def _unheard(work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except (NoSpaceError, SyncFailedError, Problem):
        # The upload stands where its row says, and the next request is told that.
        traceback.print_exc(file=sys.stderr)


def _without_last_byte(pieces: list[bytes]) -> list[bytes]:
    return [*pieces[:-1], pieces[-1][:-1]]


def _taken() -> Problem:
    return Problem(Code.UPLOAD_IN_USE, "another request goes on with this upload", stage=Stage.BODY)


def _unknown() -> Problem:
    return Problem(Code.UPLOAD_UNKNOWN, "there is no such upload any more; please begin it again", stage=Stage.HEADERS)
