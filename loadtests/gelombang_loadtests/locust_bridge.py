"""The engine inside Locust: its events start, stop and judge a run; its user is a pilot that only keeps it in the state "running".

With GELOMBANG_PLAN the process is a child of the `gelombang` command: it says `ready`, is told the run's zero by a JSON line on standard
input (or finds it in the plan), reports on standard output and ends by itself. Without, somebody runs Locust by hand, headless or with
its web page, and the arguments of `by_hand` make the plan.
"""

import json
import logging
import os
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path

import gevent
import locust
from gevent.event import Event
from locust.env import Environment

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import ExitCode, GelombangError, HostError, InputError
from gelombang.runplan import PLAN_VARIABLE, PROCESS_VARIABLE, SETUP_VARIABLE, RunPlan, read_model
from gelombang_loadtests import cluster_bridge
from gelombang_loadtests.by_hand import add_arguments, plan_by_hand
from gelombang_loadtests.generator import STOP_DRAIN_SECONDS, Generator
from gelombang_loadtests.gevent_loop import KILL_SECONDS_LIMIT, show_defect, spawn_watched
from gelombang_loadtests.locust_events import LocustEvents
from gelombang_loadtests.metrics_page import METRICS_PORT_VARIABLE, MetricsPage
from gelombang_loadtests.orders import Orders
from gelombang_loadtests.people_page import RUNNING, STOPPING, PeoplePage, Shown
from gelombang_loadtests.photos import SIZE_LIMIT_BYTES, PhotoLibrary
from gelombang_loadtests.progress import Done, Progress, Ready, say

LEAD_SECONDS = 1.0
"""From now to a zero that nobody else has chosen."""
END_SECONDS_LIMIT = STOP_DRAIN_SECONDS + KILL_SECONDS_LIMIT + 2.0
"""How long Locust's stop waits for the run's files to be whole."""


class PilotUser(locust.User):  # type: ignore[misc]  # Locust has no types
    """Locust wants a user: this one sleeps. People are the engine's."""

    fixed_count = 1

    @locust.task  # type: ignore[untyped-decorator]
    def sleep(self) -> None:
        gevent.sleep(1.0)


def install() -> None:
    """Hook a surge into this Locust process; called once, by the locustfile."""
    if PLAN_VARIABLE not in os.environ:
        locust.events.init_command_line_parser.add_listener(_on_parser)
    locust.events.init.add_listener(_on_init)


def _on_parser(parser: ArgumentParser, **_: object) -> None:
    add_arguments(parser)


def _on_init(environment: Environment, **_: object) -> None:
    if cluster_bridge.on_init(environment):
        return
    surge = SurgeOnLocust(environment)
    environment.events.test_start.add_listener(surge.on_test_start)
    environment.events.test_stopping.add_listener(surge.on_test_stopping)
    environment.events.quitting.add_listener(surge.on_quitting)
    if environment.web_ui is None:
        gevent.signal_handler(signal.SIGINT, surge.on_interrupt)
        gevent.signal_handler(signal.SIGTERM, surge.on_interrupt)  # until Locust sets its own, some time after "ready" was said
        surge.prepare_or_exit()


class SurgeOnLocust:
    """One Locust process: one run when headless, any number of runs one after the other with the web page."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._plan_file = os.environ.get(PLAN_VARIABLE)
        self._process = int(os.environ.get(PROCESS_VARIABLE, "0"))
        self._generator: Generator | None = None
        self._events: LocustEvents | None = None
        self._page: MetricsPage | None = None
        self._plan: RunPlan | None = None
        self._ended = Event()
        self._ended.set()
        self._orders: gevent.Greenlet | None = None
        self._stopping = False
        self._quitting = False
        self._done: Done | None = None
        self._exit_code = ExitCode.AS_EXPECTED
        self._people = None if environment.web_ui is None else PeoplePage(environment.web_ui, self._look)
        options = environment.parsed_options
        self._run_time_seconds: float | None = options.run_time
        options.run_time = None  # the plan bounds arrivals by it; Locust would stop the whole run then, drain and all
        if self._is_child:
            # The reader of this process's log wants our own last line, not Locust's summary.
            logging.getLogger("locust").setLevel(logging.WARNING)
            logging.getLogger("locust.stats_logger").setLevel(logging.WARNING)

    @property
    def _is_child(self) -> bool:
        return self._plan_file is not None

    def prepare_or_exit(self) -> None:
        """Make everything ready for a run, or end the process with one sentence and its exit code."""
        try:
            self._prepare()
        except GelombangError as error:
            _tell(error)
            sys.exit(error.exit_code)
        except Exception as error:
            show_defect(error)
            sys.exit(ExitCode.UNTRUSTED)

    def on_test_start(self, **_: object) -> None:
        """Run in a task of its own: Locust goes on with its pilot."""
        self._ended.clear()
        gevent.spawn(self._run)

    def on_test_stopping(self, **_: object) -> None:
        """Somebody stops Locust before the run has ended."""
        if self._ended.is_set():
            return
        self._ask_to_stop()
        self._ended.wait(END_SECONDS_LIMIT)

    def on_quitting(self, **_: object) -> None:
        """Locust ends: the run too, and the process says how it went."""
        self._quitting = True
        self.on_test_stopping()
        if self._page is not None:
            self._page.close()
        self._environment.process_exit_code = int(self._exit_code)

    def on_interrupt(self) -> None:
        """Ctrl-C: finish early; a second one ends at once. Before the run has begun, it begins and ends with everybody unsent."""
        if self._ended.is_set() and self._generator is None:
            self._environment.runner.quit()
        else:
            self._ask_to_stop()

    def _look(self) -> Shown | None:
        standing = self._generator.standing() if self._generator is not None else None
        if standing is None:
            return None
        assert self._generator is not None
        assert self._plan is not None
        state = STOPPING if self._stopping else RUNNING
        plan, people = self._plan, self._generator.people
        return Shown(plan.run_id, plan.scenario.title, plan.target_url, state, people, plan.scale.speed, standing)

    def _ask_to_stop(self) -> None:
        self._stopping = True
        if self._generator is not None:
            self._generator.stop()

    def _prepare(self) -> None:
        """Raises GelombangError."""
        options = self._environment.parsed_options
        if self._plan_file is not None:
            plan, folder = read_model(Path(self._plan_file), RunPlan), Path(self._plan_file).parent
        else:
            plan, folder = plan_by_hand(options, self._environment.host, options.run_time or self._run_time_seconds)
        self._environment.host = plan.target_url
        photos = PhotoLibrary.kept(int(SIZE_LIMIT_BYTES * plan.scale.bytes_ratio))
        self._events = LocustEvents(self._environment, [step.step for step in plan.scenario.journey])
        generator = Generator(plan, folder, self._process, photos.photo, self._events.__call__, self._say)
        if self._page is None:
            self._page = MetricsPage(generator.collector, _metrics_port(self._process))
        else:
            self._page.show(generator.collector)
        generator.warm_up()
        generator.set_up(_handed_over())
        self._plan, self._generator = plan, generator
        self._say(generator.ready(self._page.url))

    def _run(self) -> None:
        try:
            if self._generator is None:
                self._prepare()
            assert self._generator is not None
            self._finish(self._generator.run(self._zero_us()))
        except GelombangError as error:
            _tell(error)
            self._exit_code = error.exit_code
        except Exception as error:
            show_defect(error)
            self._exit_code = ExitCode.UNTRUSTED
        finally:
            if self._events is not None:
                self._events.close()
                self._events = None
            if self._orders is not None:
                self._orders.kill()
                self._orders = None
            if self._people is not None:
                self._people.take()
            self._generator = None
            self._stopping = False
            self._ended.set()
        self._leave()

    def _follow(self, orders: Orders) -> None:
        """Hear what the command has to say while people are walked."""
        assert self._generator is not None
        orders.follow(self._generator.take_over, self._ask_to_stop)

    def _fail(self, error: BaseException) -> None:
        if self._generator is not None:
            self._generator.fail(error)

    def _finish(self, done: Done) -> None:
        self._done = done
        if done.failure:
            self._exit_code = ExitCode.UNTRUSTED
        elif done.halted:
            _tell(HostError(done.halted))
            self._exit_code = ExitCode.AS_EXPECTED if self._is_child else ExitCode.STOPPED
        elif not self._is_child and not any(done.fates[name] for name in ("finished", "waiting")):
            self._exit_code = ExitCode.FAILED
        say(done)

    def _leave(self) -> None:
        """Nothing is left to do: Locust may go."""
        runner = self._environment.runner
        if self._quitting or runner is None:
            return
        if self._environment.web_ui is None:
            runner.quit()
        else:
            runner.stop()

    def _say(self, event: Ready | Progress | Done) -> None:
        """By hand, Locust's own table shows how it goes."""
        if self._is_child:
            say(event)

    def _zero_us(self) -> int:
        assert self._plan is not None
        if self._plan.zero_us:
            return self._plan.zero_us
        if self._is_child and not sys.stdin.isatty():
            orders = Orders(lambda: self._stopping)
            told = orders.zero_us()
            if told is not None:
                self._orders = spawn_watched(lambda: self._follow(orders), self._fail)
                return told
        return monotonic_us() + int(LEAD_SECONDS * MICROSECONDS)


def _handed_over() -> dict[str, str] | None:
    """What another process's setup captured; taken out of the environment, so that no child of this process has it."""
    text = os.environ.pop(SETUP_VARIABLE, None)
    return None if text is None else {str(name): str(value) for name, value in json.loads(text).items()}


def _tell(error: GelombangError) -> None:
    print(f"gelombang: {error}", file=sys.stderr, flush=True)


def _metrics_port(process: int) -> int:
    text = os.environ.get(METRICS_PORT_VARIABLE, "0")
    if not (text.isascii() and text.isdigit() and int(text) + process < 65_536):
        raise InputError(f"{METRICS_PORT_VARIABLE} is {text!r}; want a port, or 0 for any free one")
    return int(text) + process if int(text) else 0
