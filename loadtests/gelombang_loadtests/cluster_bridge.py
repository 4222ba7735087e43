"""A run over several machines inside Locust's own master and workers: their messages carry ours, and their end is ours.

`locust -f surge.py --master --headless --expect-workers N` on one machine and `locust -f surge.py --worker --master-host …` on the others.
Locust's users are of no use here: one pilot sleeps in one worker so that Locust believes in a run. Everybody acts on our own messages.
"""

import sys
from pathlib import Path

import gevent
from gevent.event import Event
from locust import runners
from locust.env import Environment
from locust.exception import RPCError
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner
from pydantic import ValidationError

from gelombang.clock import wall_seconds
from gelombang.errors import ExitCode, GelombangError
from gelombang_loadtests.cluster_messages import MESSAGE, Joined, Orders, Said, packed, told
from gelombang_loadtests.coordinator import OVERTIME_SECONDS, STOP_SECONDS_LIMIT
from gelombang_loadtests.gevent_loop import show_defect
from gelombang_loadtests.locust_events import LocustEvents
from gelombang_loadtests.locust_master import MasterOnLocust
from gelombang_loadtests.locust_worker import ClusterWorker, WorkerGenerator
from gelombang_loadtests.photos import SIZE_LIMIT_BYTES, PhotoLibrary
from gelombang_loadtests.progress import Say

END_SECONDS_LIMIT = STOP_SECONDS_LIMIT + OVERTIME_SECONDS
"""How long Locust's own end waits for the worker's."""
MASTER_SILENT_SECONDS_LIMIT = 15.0
"""A worker whose master is not heard of for so long ends. Locust's master answers each worker's heartbeat, one a second; Locust itself
waits for a minute, and has no other setting for it than a module's constant."""
DEAF_SECONDS_LIMIT = 60.0
"""The same while the worker makes its plan: a large one keeps it from listening."""


class WorkerOnLocust:
    """One of Locust's workers: one run."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        options = environment.parsed_options
        self._worker = ClusterWorker(options.scenario, options.i_own_this_target, options.out, self._make, self._tell)
        self._events: LocustEvents | None = None
        self._ended = Event()
        self._quitting = False
        self._exit_code = ExitCode.AS_EXPECTED

    def prepare(self) -> None:
        """Begin to listen and to ask."""
        _allow_silence(MASTER_SILENT_SECONDS_LIMIT)
        self._environment.runner.register_message(MESSAGE, self._on_message)
        gevent.spawn(self._run)

    def on_quitting(self, **_: object) -> None:
        """SIGTERM, Ctrl-C, or the end: what is open ends, and the master is told."""
        self._quitting = True
        if not self._ended.is_set():
            self._worker.quit(self._silence())
            self._ended.wait(END_SECONDS_LIMIT)
        self._environment.process_exit_code = int(self._exit_code)

    def _on_message(self, msg: Message, **_: object) -> None:
        try:
            self._worker.heard(told(msg.data))
        except ValidationError as error:
            print(f"gelombang: the master says what is not understood: {error.errors()[0]['msg']}", file=sys.stderr, flush=True)

    def _silence(self) -> str:
        """How it shows that the master is gone; empty while it is heard of, and when it never was."""
        heard_at, limit_seconds = self._environment.runner.last_heartbeat_timestamp, runners.MASTER_HEARTBEAT_TIMEOUT
        if heard_at is None or wall_seconds() - heard_at < limit_seconds:
            return ""
        return f"was not heard of for {limit_seconds:g} s"

    def _tell(self, message: Said) -> None:
        if isinstance(message, Joined):
            _allow_silence(MASTER_SILENT_SECONDS_LIMIT)
        try:
            self._environment.runner.send_message(MESSAGE, packed(message))
        except RPCError:
            return  # what is not answered is said again

    def _make(self, orders: Orders, folder: Path, say: Say) -> WorkerGenerator:
        _allow_silence(DEAF_SECONDS_LIMIT)
        plan = orders.plan
        self._environment.host = plan.target_url
        photos = PhotoLibrary.kept(int(SIZE_LIMIT_BYTES * plan.scale.bytes_ratio))
        self._events = LocustEvents(self._environment, [step.step for step in plan.scenario.journey])
        return WorkerGenerator(plan, folder, orders.process, photos.photo, self._events, say)

    def _run(self) -> None:
        try:
            self._worker.run()
        except GelombangError as error:
            print(f"gelombang: {error}", file=sys.stderr, flush=True)
            self._exit_code = error.exit_code
            self._ended.set()
            if self._quitting:
                return
            sys.exit(error.exit_code)  # not by Locust's way: its master ends with the last worker that takes its leave
        except Exception as error:
            show_defect(error)
            self._exit_code = ExitCode.UNTRUSTED
        finally:
            if self._events is not None:
                self._events.close()
        self._ended.set()
        self._environment.process_exit_code = int(self._exit_code)
        self._environment.runner.quit()


def _allow_silence(seconds: float) -> None:
    """From now on Locust's worker quits when its master's heartbeat was missed for so long: it looks once a second."""
    runners.MASTER_HEARTBEAT_TIMEOUT = seconds


def on_init(environment: Environment) -> bool:
    """Take the process's part when it is a master or a worker; whether it is one. Ends the process for what can't be run."""
    if not isinstance(environment.runner, MasterRunner | WorkerRunner):
        return False
    surge = MasterOnLocust(environment) if isinstance(environment.runner, MasterRunner) else WorkerOnLocust(environment)
    environment.events.quitting.add_listener(surge.on_quitting)
    try:
        surge.prepare()
    except GelombangError as error:
        print(f"gelombang: {error}", file=sys.stderr, flush=True)
        sys.exit(error.exit_code)
    return True
