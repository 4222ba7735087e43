"""A run over several machines inside Locust's own master and workers: their messages carry ours, and their end is ours.

`locust -f surge.py --master --headless --expect-workers N` on one machine and `locust -f surge.py --worker --master-host …` on the others.
Locust's users are of no use here: one pilot sleeps in one worker so that Locust believes in a run. Everybody acts on our own messages.
"""

import sys
from pathlib import Path

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.exception import RPCError
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner
from pydantic import ValidationError

from gelombang.arrivals import make_plan
from gelombang.clock import MICROSECONDS, monotonic_us, utc_now
from gelombang.errors import ExitCode, GelombangError, HostError, InputError
from gelombang.record import RunRecord, write_record
from gelombang.stops import STOP_FILE
from gelombang.summary import RunFacts, summarise
from gelombang.verdict import verdict
from gelombang.workers import announce
from gelombang_loadtests.by_hand import plan_by_hand
from gelombang_loadtests.cluster_messages import MESSAGE, Orders, Said, Told, packed, said, told
from gelombang_loadtests.coordinator import OVERTIME_SECONDS, STOP_SECONDS_LIMIT, Coordinator, Phase
from gelombang_loadtests.gevent_loop import show_defect
from gelombang_loadtests.locust_events import LocustEvents
from gelombang_loadtests.locust_worker import ClusterWorker, WorkerGenerator
from gelombang_loadtests.photos import SIZE_LIMIT_BYTES, PhotoLibrary, photos_folder
from gelombang_loadtests.progress import Say

LOOK_SECONDS = 0.2
SHOW_SECONDS = 5.0
"""How often the master says how far the run is."""
END_SECONDS_LIMIT = STOP_SECONDS_LIMIT + OVERTIME_SECONDS
"""How long Locust's own end waits for the record."""


class MasterOnLocust:
    """Locust's master: one run, headless."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._run_time_seconds: float | None = environment.parsed_options.run_time
        environment.parsed_options.run_time = None  # the plan bounds arrivals by it
        self._coordinator: Coordinator | None = None
        self._folder = Path()
        self._stopped_by = ""
        self._stop_reason = ""
        self._stopped_us: int | None = None
        self._ended = Event()
        self._exit_code = ExitCode.UNTRUSTED

    def prepare(self) -> None:
        """Make the plan and begin to listen. Raises GelombangError."""
        options, environment = self._environment.parsed_options, self._environment
        if environment.web_ui is not None:
            raise InputError("--master without --headless; want both: a run over several machines is begun by its last worker")
        plan, self._folder = plan_by_hand(options, environment.host, self._run_time_seconds, options.expect_workers)
        due_us = make_plan(plan.scenario, plan.scale.scale(), plan.seed, plan.for_seconds).due_us
        self._coordinator = Coordinator(announce(plan.scenario), plan, due_us, self._folder, self._send, monotonic_us)
        if options.expect_workers_max_wait:
            self._coordinator.wait_for_workers(float(options.expect_workers_max_wait))
            options.expect_workers_max_wait = 0  # Locust would give up at the same time, with less to say
        environment.runner.register_message(MESSAGE, self._on_message)
        gevent.spawn(self._run)

    def on_quitting(self, **_: object) -> None:
        """Ctrl-C, SIGTERM, or the end: the run is over first, and its record is there."""
        if not self._ended.is_set():
            self._stop("the operator", "Ctrl-C or SIGTERM")
            self._ended.wait(END_SECONDS_LIMIT)
        self._environment.process_exit_code = int(self._exit_code)

    def _on_message(self, msg: Message, **_: object) -> None:
        assert self._coordinator is not None
        try:
            self._coordinator.take(msg.node_id, said(msg.data))
        except ValidationError as error:
            print(f"gelombang: a message of {msg.node_id} is not understood: {error.errors()[0]['msg']}", file=sys.stderr, flush=True)
        except OSError as error:
            self._fail(HostError(f"{error.filename} can't be written ({error.strerror}); want free disk"))
        except GelombangError as error:
            self._fail(error)

    def _send(self, name: str, message: Told) -> None:
        self._environment.runner.send_message(MESSAGE, packed(message), client_id=name)

    def _run(self) -> None:
        """Until the run is over; then its record."""
        try:
            self._follow()
            self._finish()
        except GelombangError as error:
            assert self._coordinator is not None
            self._coordinator.send_away(str(error))
            print(f"gelombang: {error}", file=sys.stderr, flush=True)
            self._exit_code = error.exit_code
        except Exception as error:
            show_defect(error)
        self._ended.set()
        self._environment.process_exit_code = int(self._exit_code)
        if self._coordinator is not None and len(self._coordinator.members) < self._environment.parsed_options.expect_workers:
            sys.exit(self._exit_code)  # Locust's own wait for its workers has no end
        self._environment.runner.quit()

    def _follow(self) -> None:
        assert self._coordinator is not None
        shown, told_refused = 0, 0
        show_us = monotonic_us()
        while self._coordinator.phase is not Phase.ENDED:
            gevent.sleep(LOOK_SECONDS)
            self._coordinator.look()
            if (self._folder / STOP_FILE).exists():
                self._stop("the kill switch", f"{STOP_FILE} is there")
            if (over := self._coordinator.over_the_block(utc_now())) is not None:
                self._stop(over.stopped_by, over.reason)
            for death in self._coordinator.deaths[shown:]:
                print(f"worker {death.process} {death.how}; {len(death.living)} go on with its people", file=sys.stderr, flush=True)
                shown += 1
            for sentence in self._coordinator.refused[told_refused:]:
                print(f"gelombang: refused a worker on {sentence}", file=sys.stderr, flush=True)
                told_refused += 1
            if self._coordinator.phase is Phase.RUNNING and monotonic_us() >= show_us:
                show_us = monotonic_us() + int(SHOW_SECONDS * MICROSECONDS)
                print(self._line(self._coordinator), file=sys.stderr, flush=True)

    def _line(self, run: Coordinator) -> str:
        last = [member.last for member in run.members.values() if member.last is not None]
        late = run.lateness().quantile_us(0.99) or 0.0
        return (
            f"{len(last)} workers: arrived {sum(pulse.started for pulse in last):,} of {run.planned:,}  in an exchange "
            f"{sum(pulse.in_flight for pulse in last):,}  waiting {sum(pulse.waiting for pulse in last):,}  finished "
            f"{sum(pulse.finished for pulse in last):,}  late p99 {late / 1000:.1f} ms"
        )

    def _stop(self, by: str, reason: str) -> None:
        if self._coordinator is None or self._coordinator.stopped or self._coordinator.phase is Phase.ENDED:
            return
        self._stopped_by, self._stop_reason, self._stopped_us = by, reason, monotonic_us()
        self._coordinator.stop()

    def _fail(self, error: GelombangError) -> None:
        if not self._stopped_by:
            print(f"gelombang: {error}", file=sys.stderr, flush=True)
        self._stop("the master's machine", str(error))

    def _finish(self) -> None:
        assert self._coordinator is not None
        plan = self._coordinator.plan
        if not plan.zero_us:
            self._exit_code = ExitCode.STOPPED
            return
        facts = RunFacts(
            started_at=utc_now().isoformat(timespec="seconds"),
            cut_short=self._coordinator.stopped,
            stopped_by=self._stopped_by or None,
            stop_reason=self._stop_reason,
            stopped_us=self._stopped_us,
        )
        record = summarise(self._folder, plan, None, facts)
        write_record(self._folder, record)
        self._exit_code = verdict([record])
        _show(record, self._folder)


class WorkerOnLocust:
    """One of Locust's workers: one run."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        options = environment.parsed_options
        self._worker = ClusterWorker(options.scenario, options.i_own_this_target, options.out, self._make, self._tell)
        self._ended = Event()
        self._exit_code = ExitCode.AS_EXPECTED

    def prepare(self) -> None:
        """Begin to listen and to ask."""
        self._environment.runner.register_message(MESSAGE, self._on_message)
        gevent.spawn(self._run)

    def on_quitting(self, **_: object) -> None:
        """SIGTERM, Ctrl-C, or the end: what is open ends, and the master is told."""
        if not self._ended.is_set():
            self._worker.quit()
            self._ended.wait(END_SECONDS_LIMIT)
        self._environment.process_exit_code = int(self._exit_code)

    def _on_message(self, msg: Message, **_: object) -> None:
        try:
            self._worker.heard(told(msg.data))
        except ValidationError as error:
            print(f"gelombang: the master says what is not understood: {error.errors()[0]['msg']}", file=sys.stderr, flush=True)

    def _tell(self, message: Said) -> None:
        try:
            self._environment.runner.send_message(MESSAGE, packed(message))
        except RPCError:
            return  # what is not answered is said again

    def _make(self, orders: Orders, folder: Path, say: Say) -> WorkerGenerator:
        plan = orders.plan
        self._environment.host = plan.target_url
        photos = PhotoLibrary.build(photos_folder(), int(SIZE_LIMIT_BYTES * plan.scale.bytes_ratio))
        listener = LocustEvents(self._environment, [step.step for step in plan.scenario.journey])
        return WorkerGenerator(plan, folder, orders.process, photos.photo, listener, say)

    def _run(self) -> None:
        try:
            self._worker.run()
        except GelombangError as error:
            print(f"gelombang: {error}", file=sys.stderr, flush=True)
            self._ended.set()
            sys.exit(error.exit_code)  # not by Locust's way: its master ends with the last worker that takes its leave
        except Exception as error:
            show_defect(error)
            self._exit_code = ExitCode.UNTRUSTED
        self._ended.set()
        self._environment.process_exit_code = int(self._exit_code)
        self._environment.runner.quit()


def _show(record: RunRecord, folder: Path) -> None:
    fates = ", ".join(f"{count:,} {name}" for name, count in record.fates.items() if count)
    print(f"{record.validity}: {record.people_planned:,} people: {fates}", file=sys.stderr)
    for doubt in record.doubts:
        print(f"  {doubt.severity} {doubt.name}: {doubt.evidence}", file=sys.stderr)
    print(f"the record is in {folder}; for a page: gelombang report {folder}", file=sys.stderr, flush=True)


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
