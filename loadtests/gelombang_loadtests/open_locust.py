"""Runs of your own Locust code, as Locust's own events start and stop them.

One process: Locust's master and workers are refused. With the web page any number of runs, one after the other; headless one, after which
Locust ends with 5 when this machine could not go on, 3 when the run can't be trusted, 1 when an objective failed, and otherwise as Locust
itself decides.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.runners import LocalRunner

from gelombang.errors import ExitCode, GelombangError, InputError
from gelombang_loadtests.gevent_loop import show_defect
from gelombang_loadtests.open_result import exit_code_of
from gelombang_loadtests.open_run import OpenRun
from gelombang_loadtests.open_settings import settings_of
from gelombang_loadtests.open_user import GUEST, OpenUser
from gelombang_loadtests.people_page import PeoplePage, Shown

END_SECONDS_LIMIT = 30.0
"""How long Locust's stop waits until ledger and record are whole."""


def add_arguments(parser: ArgumentParser, **_: object) -> None:
    """What a run of your own code takes beside Locust's arguments."""
    group = parser.add_argument_group("gelombang", "Open arrivals for your own Locust code.")
    group.add_argument("--seed", type=int, default=1, help="same seed, same due times")
    group.add_argument("--out", default="", help="the run's folder; runs/<id> when not given")
    group.add_argument(
        "--i-own-this-target", default="", metavar="HOST", help="the host of a target that is not this machine, to show that it is meant"
    )


def on_init(environment: Environment, **_: object) -> None:
    """Locust has read the locustfile: hook a run into it when one of its classes is open."""
    classes = [each for each in environment.user_classes if issubclass(each, OpenUser)]
    if not classes:
        return
    try:
        if not isinstance(environment.runner, LocalRunner):
            raise InputError("OpenUser with --master, --worker or --processes; want one process")
        hook = RunsOnLocust(environment, classes)
        if environment.web_ui is None:
            hook.prepare()
    except GelombangError as error:
        _tell(error)
        sys.exit(error.exit_code)


class RunsOnLocust:
    """Locust's events start and stop runs."""

    def __init__(self, environment: Environment, classes: Sequence[type[OpenUser]]) -> None:
        """Raises InputError for settings that are wrong."""
        self._environment = environment
        self._classes = classes
        self._settings = settings_of(classes)
        self._run: OpenRun | None = None
        self._ended = Event()
        self._ended.set()
        self._quitting = False
        self._people = None if environment.web_ui is None else PeoplePage(environment.web_ui, self._look)
        options = environment.parsed_options
        self._run_time_seconds: float | None = options.run_time
        options.run_time = None  # arrivals are bounded by it; Locust would stop the whole run then, drain and all
        events = environment.events
        events.request.add_listener(self._on_request)
        events.test_start.add_listener(self._on_test_start)
        events.test_stopping.add_listener(self._on_test_stopping)
        events.quitting.add_listener(self._on_quitting)

    def prepare(self) -> "OpenRun":
        """A run that could begin. Raises GelombangError."""
        self._run = OpenRun(self._environment, self._classes, self._settings, self._run_time_seconds)
        return self._run

    def _look(self) -> Shown | None:
        return None if self._run is None else self._run.shown()

    def _on_test_start(self, **_: object) -> None:
        self._ended.clear()
        gevent.spawn(self._one_run)

    def _one_run(self) -> None:
        try:
            run = self._run or self.prepare()
            self._environment.process_exit_code = exit_code_of(run.run())
        except GelombangError as error:
            _tell(error)
            self._environment.process_exit_code = int(error.exit_code)
        except Exception as error:
            show_defect(error)
            self._environment.process_exit_code = int(ExitCode.UNTRUSTED)
        finally:
            if self._people is not None:
                self._people.take()
            self._run = None
            self._ended.set()
        runner = self._environment.runner
        if not self._quitting and runner is not None:
            if self._environment.web_ui is None:
                runner.quit()
            else:
                runner.stop()

    def _on_test_stopping(self, **_: object) -> None:
        if self._run is not None and not self._ended.is_set():
            self._run.stop()
            self._ended.wait(END_SECONDS_LIMIT)

    def _on_quitting(self, **_: object) -> None:
        self._quitting = True
        self._on_test_stopping()

    def _on_request(self, *, context: dict[str, Any] | None = None, **what: Any) -> None:
        guest = (context or {}).get(GUEST)
        if guest is not None and self._run is not None:
            self._run.request_ended(guest, **what)


def _tell(error: GelombangError) -> None:
    print(f"gelombang: {error}", file=sys.stderr, flush=True)
