"""What happens to a photo once its bytes are here, the same for both protocols.

The order of an upload: digest while it comes in, inspect, a turn at the modelled store, durable in the vault (a folder: temporary file,
fdatasync, rename, directory fsync; a bucket: an object that the store has confirmed), a row in the database, 201. The part from the store
on is a task of its own, because it may outlive the request, and the profile says how:

- `cancels_when_client_left`: a client that left before the commit began is forgotten, and its turn goes to the next. A commit that began
  is always finished, and its attempt ends COMPLETED_UNHEARD when nobody listens any more. In a bucket it begins with the row.
- otherwise the work goes on whatever the client does, as in 2020: its attempt ends COMPLETED_UNHEARD, or FAILED, when the work ends.

Who waits longer than `answer_within_seconds` after the last byte is told 504 upload_timed_out. That ends the attempt, FAILED at the stage
it had reached: it is what the person was told. Under the second rule the work goes on nevertheless, and the photo that it stores has its
row in the database and no attempt that acknowledged it: waste, and counted as such.
"""

import asyncio
import errno
import os
import secrets
import sys
import traceback
from contextlib import AbstractContextManager, nullcontext

from aiohttp import web

from gelombang import telemetry
from gelombang.attempt import Code, ServerOutcome, Stage
from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.profile_uploads import Uploads
from gelombang.steps import PhotoKind
from gelombang_server.checking.states import VALIDATED
from gelombang_server.commit_line import CommitLine
from gelombang_server.config import SiteContext
from gelombang_server.deadline import passed
from gelombang_server.directory_sync import Sync
from gelombang_server.peoplestore import Cursor, UncertainProblem
from gelombang_server.photo_metrics import SYNCS, timed, watch_pool
from gelombang_server.photo_vault import PhotoOf
from gelombang_server.photofile import PhotoFiles
from gelombang_server.photopart import NoSpaceError, SyncFailedError
from gelombang_server.problem import STATUS_OF_CODE, Problem
from gelombang_server.store import NoRoomError, NoStore, NoTurnError, PhotoStore
from gelombang_server.vaults import open_vault
from gelombang_server.whole_photo import Kept, Upload

PHOTOS_FOLDER = "photos"
CLOSE_LIMIT_SECONDS = 5.0
"""Wall time that commits get when the process stops; each takes milliseconds."""
_MOMENT_MASK = (1 << 48) - 1
FAILED_TEXT = "the upload failed; please repeat"
"""What people read in 2020."""


class PhotoKeeper:
    """The photo store, the files and the work in progress of one process. Of several, each has its share of the store."""

    def __init__(self, context: SiteContext) -> None:
        self._context = context
        store = context.profile.store
        self.store = NoStore() if store is None else PhotoStore(store, context.metrics, context.zero_us)
        if store is not None:
            context.when_changed.append(lambda: self.store.resize(context.profile.modelled_store.capacity_bytes))
        threads = context.profile.api.commit_threads
        file_sync, directory_sync = (timed(context.metrics, target, self._rehearsed(sync)) for target, sync in SYNCS.items())
        self.files = PhotoFiles(
            context.site / PHOTOS_FOLDER,
            threads,
            gather_limit_bytes=context.profile.uploads.gather_limit_bytes,
            place=context.place,
            places=context.places,
            sync_file=file_sync,
            sync_directory=directory_sync,
        )
        self.vault = open_vault(context, context.site / PHOTOS_FOLDER, self.files)
        commits, limit = context.profile.uploads.commits, context.profile.commits_limit
        context.metrics.gauge(telemetry.COMMIT_PLACES_LIMIT).set(limit)
        self.line = CommitLine(commits, limit, context.metrics) if commits is not None else None
        watch_pool(context.metrics, threads, lambda: self.files.in_progress, lambda: self.line.waiting if self.line is not None else 0)
        self.works: dict[asyncio.Task[Kept], Upload] = {}
        """Bounded by the store's turns and line, and what leaves them commits in milliseconds."""

    async def resume(self) -> None:
        """Count what is stored already. Call it before the first upload."""
        query = "SELECT CAST(coalesce(sum(bytes), 0) AS bigint) FROM photos"
        used_bytes = await self._context.database.read(lambda cursor: int(cursor.execute(query).fetchone()[0]))
        self.store.remember(used_bytes // self._context.places)

    @property
    def _profile(self) -> Uploads:
        return self._context.profile.uploads

    def _rehearsed(self, sync: Sync) -> Sync:
        """`sync`, after what a drill makes it wait, and failed when a drill says so; in a thread of the pool."""

        def run(descriptor: int) -> None:
            if self._context.sync_delay_seconds:
                sleep_seconds(self._context.sync_delay_seconds)
            if self._context.sync_fails:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            sync(descriptor)

        return run

    async def keep(self, upload: Upload, request: web.Request) -> Kept:
        """Store the photo and wait for it as long as the profile's proxy does. Raises Problem; may be cancelled when the client left."""
        work = asyncio.create_task(self._work(upload))
        self.works[work] = upload
        work.add_done_callback(self._ended)
        left_seconds, within_seconds = upload.left_seconds, self._profile.answer_within_seconds
        try:
            # Leaves the work alone, whether the time is over or the request is cancelled.
            await asyncio.wait((work,), timeout=min(left_seconds, within_seconds))
            if work.done():
                return work.result()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._profile.cancels_when_client_left and not upload.is_committing:
                work.cancel()
                work.add_done_callback(_forget)
            elif upload.is_heard() and task is not None:
                task.uncancel()
                return await asyncio.shield(work)
            else:
                self._leave_behind(upload, work)
            raise
        return await self._out_of_time(upload, work, request, left_seconds < within_seconds)

    async def stored(self, applicant: int) -> list[tuple[PhotoKind, Kept]]:
        """The applicant's photos that have a row, rejected ones too."""
        query = "SELECT kind, id, sha256, bytes, verdict FROM photos LEFT JOIN photo_checks ON photo = id WHERE applicant = ?"
        rows = await self._context.database.read(lambda cursor: cursor.execute(query, (applicant,)).fetchall())
        return [
            (PhotoKind(kind), Kept(photo, sha256, size, None if verdict in (None, VALIDATED) else Code[verdict.upper()]))
            for kind, photo, sha256, size, verdict in rows
        ]

    async def close(self) -> None:
        """Let commits end, drop what waits at the store, close the files. The database must still be open."""
        self.store.close()
        works = dict(self.works)
        for work, upload in works.items():
            if not upload.is_committing:
                work.cancel()
        if works:
            await asyncio.wait(works, timeout=CLOSE_LIMIT_SECONDS)
        await asyncio.to_thread(self.files.close)

    def _ended(self, work: "asyncio.Task[Kept]") -> None:
        self.works.pop(work).part.discard()

    async def _out_of_time(self, upload: Upload, work: "asyncio.Task[Kept]", request: web.Request, is_deadline: bool) -> Kept:
        transport = request.transport
        if not self._profile.cancels_when_client_left and (transport is None or transport.is_closing()):
            # Nobody is there to be told 504, and the work goes on: its attempt ends with it.
            return await work
        if self._profile.cancels_when_client_left and not upload.is_committing:
            work.cancel()
        work.add_done_callback(_forget)
        if is_deadline:
            raise passed(upload.attempt.stage)
        raise Problem(Code.UPLOAD_TIMED_OUT, "the photo was not stored in time; please repeat", stage=upload.attempt.stage)

    def _leave_behind(self, upload: Upload, work: "asyncio.Task[Kept]") -> None:
        """The request ends now; the attempt ends with the work."""
        attempt = upload.attempt
        attempt.rest(findable=False)

        def end(done: "asyncio.Task[Kept]") -> None:
            error = None if done.cancelled() else done.exception()
            if not attempt.is_open or done.cancelled():
                return  # The process drained first: the book ends what is open as shut down.
            if error is None:
                attempt.end(Stage.ACKNOWLEDGE, ServerOutcome.COMPLETED_UNHEARD, Code.NONE, STATUS_OF_CODE[Code.CLIENT_LEFT])
            else:
                code = error.code if isinstance(error, Problem) else Code.INTERNAL_ERROR
                attempt.end(attempt.stage, ServerOutcome.FAILED, code, STATUS_OF_CODE[Code.CLIENT_LEFT])

        work.add_done_callback(end)

    async def _work(self, upload: Upload) -> Kept:
        """A turn, then the commit. Nobody cancels it once it commits: what began is finished, also when the process drains."""
        attempt = upload.attempt
        attempt.stage = Stage.STORE
        try:
            turn = await self.store.turn(upload.part.size_bytes)
        except NoTurnError:
            raise Problem(Code.UPLOAD_FAILED, FAILED_TEXT, stage=Stage.STORE) from None
        except NoRoomError:
            raise no_room(Stage.STORE) from None
        if attempt.is_open:
            attempt.stage_us("store_wait_us", turn.wait_us)
            attempt.stage_us("store_us", turn.store_us)
            attempt.stage = Stage.COMMIT
        place = await self._place(upload)
        began_us = monotonic_us()
        upload.is_committing = not self.vault.may_be_cancelled
        path = await self._made_durable(upload, place)
        upload.is_committing = True
        return await self._note(upload, path, began_us)

    async def _place(self, upload: Upload) -> AbstractContextManager[None]:
        """A place at the disk. Raises Problem(commits_busy); may be cancelled."""
        if self.line is None:
            return nullcontext()
        try:
            return await self.line.enter()
        except BaseException:
            self.store.forget(upload.part.size_bytes)
            raise

    async def _made_durable(self, upload: Upload, place: AbstractContextManager[None]) -> str:
        """Its path in the vault. Raises Problem."""
        try:
            with place:
                return await self.vault.keep(upload.part, PhotoOf(upload.applicant, upload.kind, upload.sha256))
        except BaseException as error:
            self.store.forget(upload.part.size_bytes)
            if isinstance(error, SyncFailedError):
                raise sync_failed(Stage.COMMIT) from None
            if isinstance(error, NoSpaceError):
                raise no_room(Stage.COMMIT) from None
            raise

    async def _note(self, upload: Upload, path: str, began_us: int) -> Kept:
        """The row of a photo that is durable."""
        attempt, size = upload.attempt, upload.part.size_bytes
        kept = Kept(upload.part.photo_id, upload.sha256, size)
        _, person, _, step, number = attempt.id or (0, 0, 0, 0, 0)
        now_us = self._context.now_us
        kind, applicant = upload.kind.value, upload.applicant

        def insert(cursor: Cursor) -> bool:
            query = "SELECT 1 FROM photos WHERE applicant = ? AND kind = ? LIMIT 1"
            is_first = cursor.execute(query, (applicant, kind)).fetchone() is None
            row = (kept.photo, person, step, number, applicant, kind, kept.sha256, size, path, now_us())
            cursor.execute("INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            if upload.also is not None:
                upload.also(cursor)
            return is_first

        try:
            is_first = await self._context.database.run(insert)
        except UncertainProblem:
            # A row may point to the file, so it stays.
            raise
        except Exception:
            # No row points to the file, so it is no photo of this site.
            self.store.forget(size)
            await self.vault.drop(path)
            raise
        upload.part.stored()
        if is_first:
            self._context.metrics.passed(kind).inc()
        if attempt.is_open:
            attempt.stage_us("commit_us", monotonic_us() - began_us)
            attempt.kept(size)
        return kept


def new_photo_id() -> str:
    """A name that nobody chose: the moment, then 80 random bits, as in UUIDs of version 7 (RFC 9562, 5.7).

    It is the key of the table: names that come in order of time go to the end of its index, where random ones change a page each, which
    costs two fifths of the log and a quarter of the CPU of an insert once the table is large.
    """
    return f"{monotonic_us() & _MOMENT_MASK:012x}{secrets.token_hex(10)}"


def no_room(stage: Stage) -> Problem:
    """The store, or the disk below it, is full."""
    return Problem(Code.STORE_FULL, "there is no room left for photos; please come back", stage=stage)


def sync_failed(stage: Stage) -> Problem:
    """The disk did not take the photo: what it said is written down, what people are told is short."""
    traceback.print_exc(file=sys.stderr)
    return Problem(Code.SYNC_FAILED, FAILED_TEXT, stage=stage)


KEEPER = web.AppKey("keeper", PhotoKeeper)


def _forget(work: "asyncio.Task[Kept]") -> None:
    """The person was told 504 already, or has left; an error of the work has nobody to be told to and is written down."""
    if not work.cancelled() and (error := work.exception()) is not None and not isinstance(error, Problem):
        traceback.print_exception(error, file=sys.stderr)
