"""The server's first process: binds every socket, starts the workers, says when all of them listen, and ends them together.

API processes share one listening socket: the kernel gives a connection to whichever asks first. Each process that takes uploads has a
socket of its own. A worker that dies by itself ends the server, because a site with half its processes would be measured as a
whole one. If this process is killed, its workers notice and drain.
"""

import errno
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson

from gelombang.clock import monotonic_us
from gelombang.errors import ExitCode, HostError, InputError
from gelombang.runplan import ServerPlan
from gelombang.server_deaths import NotedDeath, NotedDrain, read_server_deaths, write_server_deaths
from gelombang_server.auditing.child import AuditorChild
from gelombang_server.config import SITE_FOLDER, read_plan
from gelombang_server.data_key import data_key, hold_file_to_one_key
from gelombang_server.databases import SITE_ZERO_FILE, prepare_shared
from gelombang_server.programme.preparing import prepare_database_people
from gelombang_server.real_limits import within_real_limits
from gelombang_server.schema import DATABASE_FILE, create_tables
from gelombang_server.sessions import make_session_key
from gelombang_server.vaults import prepare_objects

READY_LIMIT_SECONDS = 60.0
"""Wall time in which every worker must listen."""
STOP_LIMIT_SECONDS = 15.0
"""Wall time in which every worker must have drained; then it is killed."""
INPUT_BYTES_LIMIT = 4_096
"""Read at once from standard input, whose end alone matters."""
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


class Child(NamedTuple):
    slot: int
    process: "subprocess.Popen[bytes]"
    metrics_url: str


def run_server(config: Path, until_input_ends: bool = False) -> ExitCode:
    """Serve until SIGTERM or SIGINT; with `until_input_ends` also until standard input closes, because whoever started it is gone.

    Raises GelombangError for orders or a machine that can't be used.
    """
    plan = read_plan(config)
    children: list[Child] = []
    auditor: AuditorChild | None = None
    with _signals() as signals, within_real_limits(plan):
        try:
            ready = _start_all(config, plan, children)
            if plan.keep_bytes is not None:
                auditor = AuditorChild(config)
                ready["beside_pids"] = [auditor.process.pid]
            print(orjson.dumps(ready).decode(), flush=True)
            died = _wait_for_end(children, auditor, signals, until_input_ends)
            _note_killed(plan, children)
            told_us = monotonic_us()
        finally:
            failed = _stop(children)
            if auditor is not None:
                auditor.stop()
        _note_drained(plan, children, told_us)
    if died is not None:
        code = died.process.returncode
        killed = code is not None and code < 0
        how = f"was killed by signal {-code}" if killed else f"ended by itself with exit code {code}; its last words are above"
        raise HostError(f"server process {died.slot} {how}")
    if failed:
        raise HostError(f"server process {failed[0].slot} ended with exit code {failed[0].process.returncode} while draining")
    return ExitCode.AS_EXPECTED


def _start_all(config: Path, plan: ServerPlan, children: list[Child]) -> dict[str, object]:
    """Start the workers into `children`; what the ready line says. The sockets are theirs alone afterwards: one that this process kept
    would go on taking connections that nobody answers."""
    with ExitStack() as sockets:
        public = sockets.enter_context(_bind(plan.host, "public_port", plan.public_port))
        harness = sockets.enter_context(_bind(plan.host, "harness_port", plan.harness_port))
        own_process = plan.profile.uploads.own_process
        count = plan.profile.uploads.processes if own_process else 0
        uploads = [sockets.enter_context(_bind(plan.host, "uploads_port", _after(plan.uploads_port, place))) for place in range(count)]
        prepare_site(plan)
        for slot in range(plan.processes + count):
            listener = public if slot < plan.processes else uploads[slot - plan.processes]
            metrics = harness
            if slot > 0:
                metrics = sockets.enter_context(_bind(plan.host, "metrics_port", _after(plan.metrics_port, slot - 1)))
            # Each process that takes uploads names itself; the others share out whom they send to which.
            named = (uploads[slot % count] if slot < plan.processes else listener) if uploads else public
            pages_url = (plan.site_url or _url(public)) if slot >= plan.processes else ""
            children.append(_start_worker(config, slot, listener, metrics, plan.uploads_url or _url(named), pages_url))
        _wait_until_ready(children)
        ready: dict[str, object] = {
            "event": "ready",
            "public_url": _url(public),
            "uploads_url": _url(uploads[0] if uploads else public),
            "uploads_urls": [_url(listener) for listener in uploads or [public]],
            "harness_url": _url(harness),
            "metrics_urls": [child.metrics_url for child in children],
            "pids": [child.process.pid for child in children],
        }
    return ready


def _bind(host: str, name: str, port: int) -> socket.socket:
    """A bound socket that does not listen yet."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        wanted = "an address of this machine" if error.errno == errno.EADDRNOTAVAIL else "a free port, or 0 for any"
        raise InputError(f"{name} {port} on {host} can't be used ({error.strerror}); want {wanted}") from None
    return listener


def _after(first: int, place: int) -> int:
    """The port of one of several processes; 0, any, when the first may have any."""
    return first + place if first else 0


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def prepare_site(plan: ServerPlan) -> None:
    """Make what the processes of a site share. Raises GelombangError."""
    site = Path(plan.folder) / SITE_FOLDER
    identity = data_key(plan)
    shared = prepare_shared(plan, identity)
    prepare_objects(plan)
    try:
        site.mkdir(parents=True, exist_ok=True)
        make_session_key(site, shared.session_key if shared else None)
        if shared is not None:
            (site / SITE_ZERO_FILE).write_text(str(shared.zero_us))
    except OSError as error:
        raise InputError(f"folder {plan.folder} can't be used ({error.strerror}); want a folder that this account may write") from None
    if shared is None:
        create_tables(site / DATABASE_FILE)
        hold_file_to_one_key(site / DATABASE_FILE, identity)
    if plan.prepared is not None:
        prepare_database_people(plan, plan.prepared, site / DATABASE_FILE)


def _start_worker(config: Path, slot: int, public: socket.socket, harness: socket.socket, uploads_url: str, pages_url: str) -> Child:
    sockets = (public.fileno(), harness.fileno())
    command = [sys.executable, "-m", "gelombang_server.worker", "--config", str(config), "--slot", str(slot), "--uploads-url", uploads_url]
    command += ["--pages-url", pages_url, "--public-socket", str(sockets[0]), "--harness-socket", str(sockets[1])]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=sockets)
    return Child(slot, process, f"{_url(harness)}/metrics")


def _wait_until_ready(children: list[Child]) -> None:
    """Return when each worker has said that it listens. Raises HostError when one does not."""
    deadline_us = monotonic_us() + round(READY_LIMIT_SECONDS * 1e6)
    with selectors.DefaultSelector() as selector:
        for child in children:
            assert child.process.stdout is not None
            selector.register(child.process.stdout, selectors.EVENT_READ, child.slot)
        while selector.get_map():
            events = selector.select(max(0.0, (deadline_us - monotonic_us()) / 1e6))
            if not events:
                raise HostError(f"the server did not listen within {READY_LIMIT_SECONDS:g} s; want a less busy machine")
            for key, _ in events:
                if not os.read(key.fd, 64):
                    raise HostError(f"server process {key.data} ended before it listened; its last words are above")
                selector.unregister(key.fileobj)


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket from which the numbers of the signals that came can be read, one byte each.

    Not `sigwait`: numerical libraries start threads of their own, and a signal that only the main thread blocks goes to one of those.
    """
    readable, writable = socket.socketpair()
    with readable, writable:
        writable.setblocking(False)
        before = signal.set_wakeup_fd(writable.fileno(), warn_on_full_buffer=False)
        handlers = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
        try:
            yield readable
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)


def _wait_for_end(children: list[Child], auditor: AuditorChild | None, signals: socket.socket, until_input_ends: bool) -> Child | None:
    """Return when asked to stop (None), or when a worker has died by itself (that one). An auditor that died is started again."""
    with selectors.DefaultSelector() as sources:
        sources.register(signals, selectors.EVENT_READ)
        if until_input_ends:
            sources.register(sys.stdin, selectors.EVENT_READ)
        while True:
            readable = {key.fileobj for key, _ in sources.select()}
            if sys.stdin in readable and not os.read(sys.stdin.fileno(), INPUT_BYTES_LIMIT):
                return None
            came = set(signals.recv(64)) if signals in readable else set()
            if came & {signal.SIGTERM, signal.SIGINT}:
                return None
            for child in children:
                if child.process.poll() is not None:
                    return child
            if auditor is not None:
                auditor.revive()


def _note_killed(plan: ServerPlan, children: list[Child]) -> None:
    """Write down which workers were killed, at once: what they had accepted and not read is in no ledger, and their death explains it."""
    at_us = monotonic_us() - plan.zero_us
    ended = [(child.slot, code) for child in children if (code := child.process.poll()) is not None]
    killed = [NotedDeath(slot=slot, how=f"was killed by signal {-code}", at_us=at_us) for slot, code in ended if code < 0]
    if killed:
        write_server_deaths(Path(plan.folder), killed)


def _note_drained(plan: ServerPlan, children: list[Child], told_us: int) -> None:
    """Where a worker was killed, write down the end of the others, too: it was reset upon whoever asked them just then."""
    folder = Path(plan.folder)
    deaths = read_server_deaths(folder).deaths
    if deaths:
        told, ended = told_us - plan.zero_us, monotonic_us() - plan.zero_us
        well = [child.slot for child in children if child.process.returncode == 0]
        write_server_deaths(folder, deaths, [NotedDrain(slot=slot, told_us=told, ended_us=ended) for slot in well])


def _stop(children: list[Child]) -> list[Child]:
    """Ask all to drain, wait, kill who does not; returns those that did not end well."""
    for child in children:
        if child.process.poll() is None:
            child.process.terminate()
    deadline_us = monotonic_us() + round(STOP_LIMIT_SECONDS * 1e6)
    for child in children:
        try:
            child.process.wait(max(0.1, (deadline_us - monotonic_us()) / 1e6))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
        for pipe in (child.process.stdin, child.process.stdout):
            if pipe is not None:
                pipe.close()
    return [child for child in children if child.process.returncode != 0]
