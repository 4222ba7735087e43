"""Locust's master in a run over several machines: it sends nobody, hears everybody, judges harm, keeps the series, and writes the record.

One run for each start of the process. Headless (or with `--autostart`) the last worker begins it; with Locust's page its Start does, once
all workers are ready, and its Stop ends it. What is decided here, or by somebody at a worker, reaches each by one message: what is open
then gets `HARM_DRAIN_SECONDS`, so that nothing leaves any of them `STOPPED_WITHIN_SECONDS` after the decision.
"""

import sys
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.rpc import Message
from pydantic import ValidationError

from gelombang.arrivals import make_plan
from gelombang.clock import MICROSECONDS, monotonic_us, utc_now
from gelombang.errors import ExitCode, GelombangError, HostError
from gelombang.record import RunRecord, write_record
from gelombang.runplan import RunPlan
from gelombang.stops import HARM_DRAIN_SECONDS, OPERATOR, Seen, Stop
from gelombang.summary import RunFacts, summarise
from gelombang.target import user_agent
from gelombang.verdict import verdict
from gelombang.workers import announce
from gelombang_loadtests.by_hand import plan_by_hand
from gelombang_loadtests.cluster_members import Phase
from gelombang_loadtests.cluster_messages import MESSAGE, Pulse, Told, packed, said
from gelombang_loadtests.cluster_series import ClusterSeries
from gelombang_loadtests.cluster_shown import cluster_line, cluster_shown
from gelombang_loadtests.coordinator import OVERTIME_SECONDS, STOP_SECONDS_LIMIT, Coordinator
from gelombang_loadtests.generator import STOP_DRAIN_SECONDS
from gelombang_loadtests.gevent_loop import show_defect
from gelombang_loadtests.guard import is_reference
from gelombang_loadtests.harm_watch import HarmWatch, Watched
from gelombang_loadtests.locust_buttons import Buttons
from gelombang_loadtests.people_page import PeoplePage, Shown
from gelombang_loadtests.standing import by_outcome, summed

LOOK_SECONDS = 0.2
SHOW_SECONDS = 5.0
"""How often the master says how far the run is."""
END_SECONDS_LIMIT = STOP_SECONDS_LIMIT + OVERTIME_SECONDS
"""How long Locust's own end waits for the record."""


class MasterOnLocust:
    """Locust's master: one run."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._run_time_seconds: float | None = environment.parsed_options.run_time
        environment.parsed_options.run_time = None  # the plan bounds arrivals by it
        self._coordinator: Coordinator | None = None
        self._folder = Path()
        self._harm: HarmWatch | None = None
        self._series: ClusterSeries | None = None
        self._stop: Stop | None = None
        self._ended = Event()
        self._exit_code = ExitCode.UNTRUSTED

    def prepare(self) -> None:
        """Make the plan and begin to listen. Raises GelombangError."""
        options, environment = self._environment.parsed_options, self._environment
        plan, self._folder = plan_by_hand(options, environment.host, self._run_time_seconds, options.expect_workers)
        due_us = make_plan(plan.scenario, plan.scale.scale(), plan.seed, plan.for_seconds).due_us
        self._coordinator = Coordinator(announce(plan.scenario), plan, due_us, self._folder, self._send, monotonic_us, self._take)
        if options.expect_workers_max_wait:
            self._coordinator.wait_for_workers(float(options.expect_workers_max_wait))
            options.expect_workers_max_wait = 0  # Locust would give up at the same time, with less to say
        if environment.web_ui is not None:
            PeoplePage(environment.web_ui, self._look)
            Buttons(environment.web_ui, self._start_pressed, lambda: self._end_now(OPERATOR, "Stop in Locust's page", STOP_DRAIN_SECONDS))
            if not options.autostart:
                self._coordinator.wait_for_start()
        environment.runner.register_message(MESSAGE, self._on_message)
        gevent.spawn(self._run)

    def on_quitting(self, **_: object) -> None:
        """Ctrl-C, SIGTERM, or the end: the run is over first, and its record is there."""
        if not self._ended.is_set():
            self._end_now(OPERATOR, "Ctrl-C or SIGTERM", STOP_DRAIN_SECONDS)
            self._ended.wait(END_SECONDS_LIMIT)
        self._environment.process_exit_code = int(self._exit_code)

    @property
    def _run_of_all(self) -> Coordinator:
        assert self._coordinator is not None
        return self._coordinator

    def _start_pressed(self, host: str | None) -> str | None:
        run = self._run_of_all
        if run.phase is Phase.ENDED:
            return "This run is over; want master and workers started again for another one."
        if host not in (None, "", run.plan.target_url):
            return f"The workers are ready for {run.plan.target_url}; want this host, or a master that is started with another one."
        if run.phase is Phase.JOINING:
            return f"{len(run.members)} of {run.plan.generator_processes} workers have come; want all of them."
        run.start()
        return None

    def _look(self) -> Shown:
        return cluster_shown(self._run_of_all, self._stop)

    def _on_message(self, msg: Message, **_: object) -> None:
        try:
            self._run_of_all.take(msg.node_id, said(msg.data))
        except ValidationError as error:
            print(f"gelombang: a message of {msg.node_id} is not understood: {error.errors()[0]['msg']}", file=sys.stderr, flush=True)
        except OSError as error:
            self._fail(HostError(f"{error.filename} can't be written ({error.strerror}); want free disk"))
        except GelombangError as error:
            self._fail(error)

    def _send(self, name: str, message: Told) -> None:
        self._environment.runner.send_message(MESSAGE, packed(message), client_id=name)

    def _take(self, process: int, pulse: Pulse) -> None:
        """A worker's news: into the series, and before the judge. Raises GelombangError, OSError."""
        run = self._run_of_all
        if self._series is not None:
            self._series.take(process, monotonic_us() - run.plan.zero_us, pulse.page, pulse.done)
        if self._harm is not None:
            now = summed(run.standings())
            response = {step: {int(us): count for us, count in counts.items()} for step, counts in pulse.response.items()}
            self._harm.judge(Seen(now.waiting, now.sent_bytes, by_outcome(now), response, now.canary, now.canary_fates))

    def _run(self) -> None:
        """Until the run is over; then its record."""
        try:
            with ExitStack() as stack:
                self._follow(stack)
            self._finish()
        except GelombangError as error:
            self._run_of_all.send_away(str(error))
            print(f"gelombang: {error}", file=sys.stderr, flush=True)
            self._exit_code = error.exit_code
        except Exception as error:
            show_defect(error)
        self._ended.set()
        self._environment.process_exit_code = int(self._exit_code)
        self._leave()

    def _leave(self) -> None:
        environment, options = self._environment, self._environment.parsed_options
        if len(self._run_of_all.members) < options.expect_workers:
            sys.exit(self._exit_code)  # Locust's own wait for its workers has no end
        if environment.web_ui is None:
            environment.runner.quit()
            return
        environment.runner.stop()
        if options.autoquit >= 0:
            gevent.sleep(options.autoquit)
            environment.runner.quit()
            environment.web_ui.stop()

    def _follow(self, stack: ExitStack) -> None:
        run = self._run_of_all
        shown, told_refused = 0, 0
        show_us = monotonic_us()
        while run.phase is not Phase.ENDED:
            gevent.sleep(LOOK_SECONDS)
            run.look()
            if run.phase is Phase.RUNNING:
                self._watch(run, stack)
            for death in run.deaths[shown:]:
                print(f"worker {death.process} {death.how}; {len(death.living)} go on with its people", file=sys.stderr, flush=True)
                shown += 1
            for sentence in run.refused[told_refused:]:
                print(f"gelombang: refused a worker on {sentence}", file=sys.stderr, flush=True)
                told_refused += 1
            if run.phase is Phase.RUNNING and monotonic_us() >= show_us:
                show_us = monotonic_us() + int(SHOW_SECONDS * MICROSECONDS)
                print(cluster_line(run), file=sys.stderr, flush=True)

    def _watch(self, run: Coordinator, stack: ExitStack) -> None:
        """Harm, and who is silent; what it takes is made when the run has its zero. Raises GelombangError."""
        t_us = monotonic_us() - run.plan.zero_us
        if self._harm is None:
            self._harm = stack.enter_context(HarmWatch(_watched(run.plan, self._folder)))
            self._series = ClusterSeries(self._folder, run.plan.generator_processes, utc_now().timestamp() - t_us / MICROSECONDS)
            stack.callback(self._series.close)
        assert self._series is not None
        for death in run.deaths:
            self._series.gone(death.process)
        self._series.look(t_us)
        if run.harm is not None:
            self._end_now(run.harm.stopped_by, run.harm.reason, HARM_DRAIN_SECONDS)
        elif (stop := self._harm.look()) is not None:
            self._end_now(stop.stopped_by, stop.reason, HARM_DRAIN_SECONDS)

    def _end_now(self, by: str, reason: str, drain_seconds: float) -> None:
        run = self._run_of_all
        if run.stopped or run.phase is Phase.ENDED:
            return
        self._stop = Stop(by, reason, monotonic_us())
        print(f"stopped by {by}: {reason}", file=sys.stderr, flush=True)
        run.stop(drain_seconds)

    def _fail(self, error: GelombangError) -> None:
        self._end_now("the master's machine", str(error), STOP_DRAIN_SECONDS)

    def _finish(self) -> None:
        plan, stop = self._run_of_all.plan, self._stop
        if not plan.zero_us:
            self._exit_code = ExitCode.STOPPED
            return
        facts = RunFacts(
            started_at=utc_now().isoformat(timespec="seconds"),
            cut_short=stop is not None,
            stopped_by=stop.stopped_by if stop else None,
            stop_reason=stop.reason if stop else "",
            stopped_us=stop.at_us if stop else None,
        )
        record = summarise(self._folder, plan, None, facts)
        write_record(self._folder, record)
        self._exit_code = verdict([record])
        _show(record, self._folder)


def _watched(plan: RunPlan, folder: Path) -> Watched:
    network = plan.scenario.network
    return Watched(
        folder=folder,
        rules=plan.scenario.stop,
        block=None if is_reference(plan) else plan.scenario.target,
        has_canary=plan.canary_people > 0,
        agent=user_agent(version("gelombang"), plan.scenario.target),
        ca_file=network.ca_file if network else None,
    )


def _show(record: RunRecord, folder: Path) -> None:
    fates = ", ".join(f"{count:,} {name}" for name, count in record.fates.items() if count)
    print(f"{record.validity}: {record.people_planned:,} people: {fates}", file=sys.stderr)
    for doubt in record.doubts:
        print(f"  {doubt.severity} {doubt.name}: {doubt.evidence}", file=sys.stderr)
    print(f"the record is in {folder}; for a page: gelombang report {folder}", file=sys.stderr, flush=True)
