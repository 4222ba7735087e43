"""One server process: what it opens, in which order it serves, and how it ends.

The supervisor hands over bound sockets, so that every URL is known before anybody serves. A worker stops when it is told to (SIGTERM,
SIGINT), when its supervisor is gone (its standard input closes), or when it can't go on. Stopping: who waits unread is let in, then no new
connections, then at most `DRAIN_SECONDS` for the requests in progress, then every open attempt is ended, and database and ledger are
closed.
"""

import argparse
import asyncio
import gc
import signal
import socket
import sys
import traceback
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Never

import uvloop
from aiohttp import web

from gelombang import telemetry
from gelombang.clock import monotonic_us
from gelombang.errors import ExitCode, GelombangError
from gelombang.ledger import SERVER_ROW, LedgerWriter
from gelombang.runplan import ServerPlan
from gelombang_server.app import build_app
from gelombang_server.attempts import AttemptBook
from gelombang_server.auditing.figures import FIGURES_FILE
from gelombang_server.auditing.watch import AuditorWatch
from gelombang_server.background import run_for_ever
from gelombang_server.checking.checker import PhotoChecker
from gelombang_server.config import SITE_FOLDER, SiteContext, read_plan, scaled_profile
from gelombang_server.databases import open_database, read_site_zero
from gelombang_server.harness import build_harness
from gelombang_server.headers import HEADER_LIMIT_BYTES, HEADERS_LIMIT, LINE_LIMIT_BYTES
from gelombang_server.heads import HeadsRunner
from gelombang_server.keeper import KEEPER
from gelombang_server.last_in_line import let_in_who_waits
from gelombang_server.lead import LEAD_SECONDS, Lead
from gelombang_server.logbook import Logbook
from gelombang_server.machine_metrics import watch_disk, watch_listener, watch_machine, watch_process
from gelombang_server.metrics import Metrics
from gelombang_server.outbox import Outbox
from gelombang_server.programme.partners import URL_FILE
from gelombang_server.programme.parts import PROGRAMME
from gelombang_server.rehearsal import rehearse
from gelombang_server.sealing import Seal
from gelombang_server.sessions import read_session_key
from gelombang_server.tus.uploads import TUS

READY_LINE = "ready"
DRAIN_SECONDS = 5.0
"""Wall time that requests in progress get when the process stops."""
READ_BUFFER_BYTES = 65_536
"""aiohttp's own: it stops reading a connection when twice as much waits for its handler."""
UNREAD_SECONDS = 30.0
"""Wall time after which a connection is ended whose client takes nothing of what it was answered, or does not say that it did."""
LEDGER_CHUNK_ROWS = 65_536


def open_context(plan: ServerPlan, slot: int, uploads_url: str, pages_url: str = "") -> SiteContext:
    """Everything that one process holds open; needs a running loop and a prepared site."""
    folder = Path(plan.folder)
    site = folder / SITE_FOLDER
    profile = scaled_profile(plan)
    scale = plan.scale.scale()
    metrics = Metrics(profile.name, str(scale), slot, plan.run_id, plan.scenario, plan.labels)
    metrics.gauge(telemetry.SERVER_SPEED).set(scale.speed)
    metrics.gauge(telemetry.SERVER_SAMPLE).set(float(scale.sample))
    watch_process(metrics)
    if slot == 0:
        watch_machine(metrics)
        if plan.keep_bytes is not None:
            metrics.registry.register(AuditorWatch(site / FIGURES_FILE, monotonic_us))
    ledger = LedgerWriter(folder / f"ledger-server-{slot}.bin", SERVER_ROW, plan.ledger_rows_limit, LEDGER_CHUNK_ROWS)
    return SiteContext(
        plan=plan,
        profile=profile,
        scale=scale,
        slot=slot,
        site=site,
        session_key=read_session_key(site),
        site_zero_us=read_site_zero(site, plan),
        database=open_database(plan, profile, site, metrics),
        book=AttemptBook(ledger, metrics, plan.run, plan.zero_us),
        metrics=metrics,
        uploads_url=uploads_url,
        front_url=plan.site_url or uploads_url,
        pages_url=pages_url,
        seal=Seal.from_environment() if profile.credentials.seals_identity else Seal(None),
        stopping=asyncio.Event(),
        log=None if profile.log is None else Logbook(folder / f"log-server-{slot}.jsonl", profile.log),
    )


async def close_context(context: SiteContext) -> None:
    """End what is open, then close database and ledger; conservation is asserted on the way."""
    context.book.close_open()
    await context.database.close()
    context.book.ledger.close()
    if context.log is not None:
        context.log.close()


ACCEPTS_PER_TURN = 8
"""Connections that are accepted in one turn of the event loop. libuv takes one from each listener it knows, and a turn of a busy loop is
long: people would wait in the kernel's queue, unseen, until they have gone. So it is told of the same listener several times; a turn in
which nobody waits costs some microseconds more."""


class Worker:
    """One process's listeners and background work."""

    def __init__(self, context: SiteContext, public: socket.socket, harness: socket.socket) -> None:
        self.context = context
        self._tasks: list[asyncio.Task[Never]] = []
        plan, profile = context.plan, context.profile
        is_upload_process = context.slot >= plan.processes
        self.outbox = Outbox(context) if context.slot == 0 else None
        serves_uploads = is_upload_process or not profile.uploads.own_process
        self._checks_photos = profile.uploads.checks if serves_uploads and context.place == 0 else None
        # All of these are inherited by every connection, which sets none itself.
        public.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        public.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # An answer that nobody reads would otherwise be kept for as long as its client's kernel lives.
        public.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(UNREAD_SECONDS * 1_000))
        buffer_bytes = profile.uploads.receive_buffer_bytes if serves_uploads else None
        if buffer_bytes is not None:
            # Inherited by every connection, and without effect once the socket listens and somebody has connected.
            public.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        app = build_app(context, serves_api=not is_upload_process, serves_uploads=serves_uploads)
        self._vault = app[KEEPER].vault if serves_uploads else None
        # Rows and files of begun uploads are shared: one process sweeps for all.
        self._sweeps = app.get(TUS) if context.place == 0 else None
        self._sweep: asyncio.Task[Never] | None = None
        self._programme = app.get(PROGRAMME)
        self.lead = None if self.outbox is None else Lead(context, self.outbox, self._programme, self._background)
        self._public = HeadsRunner(
            app,
            context.metrics,
            profile.api.wake_every_seconds,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=profile.api.keep_alive_seconds,
            shutdown_timeout=DRAIN_SECONDS,
            max_line_size=LINE_LIMIT_BYTES,
            max_field_size=HEADER_LIMIT_BYTES,
            max_headers=HEADERS_LIMIT,
            read_bufsize=buffer_bytes or READ_BUFFER_BYTES,
            # Off by default in aiohttp: the work of a request goes on after its client has left. april-2020 keeps it so.
            handler_cancellation=serves_uploads and profile.uploads.cancels_when_client_left,
        )
        self._harness: web.AppRunner | None = None
        self._sockets = (public, harness)

    async def start(self) -> None:
        """Serve from now on."""
        public, harness = self._sockets
        if self.lead is not None:
            await self.lead.look()
        app = build_harness(self.context, self.outbox, self.lead, self._programme)
        if self.lead is not None and self.lead.is_leading and self._programme is not None:
            (self.context.site / URL_FILE).write_text("http://{}:{}".format(*harness.getsockname()))
        self._harness = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        for runner, listener, times in ((self._harness, harness, 1), (self._public, public, ACCEPTS_PER_TURN)):
            await runner.setup()
            for known in (listener, *(listener.dup() for _ in range(times - 1))):
                await web.SockSite(runner, known, backlog=self.context.profile.api.backlog).start()
        self.context.when_changed.append(lambda: public.listen(self.context.profile.api.backlog))
        self._watch_listener(public)
        self._background(self.context.metrics.sample_loop_lag())
        if self._programme is not None:
            self._background(self._programme.follow())
        if self._checks_photos is not None and self._vault is not None:
            self._background(PhotoChecker(self.context, self._checks_photos, self._vault).run())
        if self.context.plan.faults:
            self._background(rehearse(self.context))
        if self._sweeps is not None:
            self._sweep = self._background(self._sweeps.sweep())
        if self.lead is not None and (self.lead.is_leading or self.lead.may_take_over):
            self._background(run_for_ever("the lead", self.lead.look, LEAD_SECONDS))

    async def stop(self) -> None:
        """Drain and close everything."""
        if not await let_in_who_waits(self._sockets[0]):
            print(f"server process {self.context.slot}: stopped over requests that it had not read", file=sys.stderr)
        self.context.stopping.set()
        if self.outbox is not None:
            self.outbox.release()
        if self._harness is not None:
            await self._harness.cleanup()
        if self._sweep is not None:
            # It works with the files of the photos, which the site closes.
            await _end([self._sweep])
        await self._public.cleanup()
        await _end(self._tasks)
        await close_context(self.context)

    def _watch_listener(self, public: socket.socket) -> None:
        """API processes share one socket, and the first of them speaks for it; uploads in a process of their own have one more."""
        context = self.context
        if context.slot == 0:
            watch_listener(context.metrics, "public", public)
            watch_disk(context.metrics, context.site)
        elif context.slot >= context.plan.processes:
            watch_listener(context.metrics, "uploads", public)

    def _background(self, work: Coroutine[object, object, Never]) -> "asyncio.Task[Never]":
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._background_ended)
        self._tasks.append(task)
        return task

    def _background_ended(self, task: "asyncio.Task[Never]") -> None:
        """Background work never ends by itself: without it the site only looks alive, so the process ends."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        traceback.print_exception(error, file=sys.stderr)
        self.context.fail(GelombangError(f"server process {self.context.slot} lost its background work: {error!r}"))


async def _end(tasks: "list[asyncio.Task[Never]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(plan: ServerPlan, slot: int, public: socket.socket, harness: socket.socket, urls: tuple[str, str]) -> None:
    context = open_context(plan, slot, *urls)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, context.stopping.set)
    loop.add_reader(sys.stdin.fileno(), context.stopping.set)
    worker = Worker(context, public, harness)
    try:
        await worker.start()
        # What start-up made lives as long as the process: a full collection would walk it each time, 60 ms in which nobody is answered.
        gc.collect()
        gc.freeze()
        with suppress(BrokenPipeError):
            print(READY_LINE, flush=True)
        await context.stopping.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
        await worker.stop()
    if context.failure is not None:
        raise context.failure


def _handed_over(descriptor: int) -> socket.socket:
    """A socket of the supervisor's, for this process alone: uvloop's children get every inheritable descriptor, and one that held a
    listening socket would go on taking connections that nobody reads after this process has closed it."""
    listener = socket.socket(fileno=descriptor)
    listener.set_inheritable(False)
    return listener


def main(arguments: list[str] | None = None) -> ExitCode:
    """Entry of a worker process; only the supervisor starts it."""
    parser = argparse.ArgumentParser(prog="gelombang_server.worker")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--public-socket", type=int, required=True)
    parser.add_argument("--harness-socket", type=int, required=True)
    parser.add_argument("--uploads-url", required=True)
    parser.add_argument("--pages-url", default="")
    options = parser.parse_args(arguments)
    public, harness = (_handed_over(number) for number in (options.public_socket, options.harness_socket))
    try:
        plan = read_plan(options.config)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(plan, options.slot, public, harness, (options.uploads_url, options.pages_url)))
    except GelombangError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED
    return ExitCode.AS_EXPECTED


if __name__ == "__main__":
    sys.exit(main())
