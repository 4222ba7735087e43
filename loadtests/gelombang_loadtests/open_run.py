"""A run of your own Locust code: arrivals from the plan, people from the classes, ledger and record from what Locust reports.

One run, from settings to record; what starts and stops it is in `open_locust`.
"""

import gc
import os
import platform
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from locust.clients import HttpSession
from locust.env import Environment

from gelombang.arrivals import ArrivalPlan, make_plan
from gelombang.attempt import Fate
from gelombang.clock import MICROSECONDS, monotonic_us, utc_now
from gelombang.errors import GelombangError, InputError
from gelombang.ledger import MILESTONE_LIMIT
from gelombang.record import RunRecord, Validity, write_record
from gelombang.runplan import PLAN_FILE, RUN_NUMBER_BITS, RunPlan, ScaleNumbers, write_model
from gelombang.scale import Scale
from gelombang.seeds import Purpose, unit
from gelombang.stops import OPERATOR, THIS_MACHINE
from gelombang.summary import RunFacts, summarise
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.by_hand import fresh_folder, refuse_strangers
from gelombang_loadtests.due_people import Arrivals
from gelombang_loadtests.engine import Engine
from gelombang_loadtests.engine_ports import EngineLimits, RunEnd
from gelombang_loadtests.generator_metrics import GeneratorCounts
from gelombang_loadtests.gevent_loop import GeventLoop, show_defect, spawn_watched
from gelombang_loadtests.honesty import Counts, SelfWatch
from gelombang_loadtests.open_book import Guest, OpenBook
from gelombang_loadtests.open_outcomes import outcome_of_request
from gelombang_loadtests.open_result import told
from gelombang_loadtests.open_settings import PROFILE, OpenSettings
from gelombang_loadtests.open_user import OpenUser
from gelombang_loadtests.open_visit import TASKS_LIMIT, different_tasks
from gelombang_loadtests.people_page import RUNNING, STOPPING, Shown
from gelombang_loadtests.recorder import Recorder
from gelombang_loadtests.standing import standing_of

LEAD_SECONDS = 0.5
"""From the start to the run's zero."""
STOP_DRAIN_SECONDS = 5.0


class OpenRun:
    """One run: made from the settings, run once, then a folder with its record."""

    def __init__(
        self, environment: Environment, classes: Sequence[type[OpenUser]], settings: OpenSettings, run_time_seconds: float | None
    ) -> None:
        """Raises GelombangError."""
        options = environment.parsed_options
        self._environment = environment
        self._classes = classes
        self._tasks = [_tasks_of(each) for each in classes]
        self._settings = settings
        self._host = environment.host or next((each.host for each in classes if each.host), None)
        if not self._host:
            raise InputError("--host is missing; want the target, such as --host http://127.0.0.1:8080")
        hosts = [self._host] if environment.host else [each.host for each in classes if each.host]
        for host in hosts:
            refuse_strangers(host, "host", options.i_own_this_target)
        self._seed = options.seed
        self._for_seconds = min(settings.for_seconds, run_time_seconds or settings.for_seconds)
        self._arrivals = self._plan_of(())
        self._counts = GeneratorCounts([f"step-{i}" for i in range(MILESTONE_LIMIT)])
        self._started_at = utc_now()
        self._run_id = f"{self._started_at:%Y%m%d-%H%M%S}-{PROFILE}"
        self._folder = fresh_folder(Path(options.out) if options.out else Path("runs") / self._run_id)
        self._loop = GeventLoop(0)
        self._recorder = Recorder(self._folder, 0, self._arrivals.people)
        self._book = OpenBook(self._recorder, self._counts, self._now_us)
        self._engine: Engine | None = None
        self._stop_asked = False

    def _now_us(self) -> int:
        return self._loop.now_us()

    def stop(self) -> None:
        """No more arrivals; people inside may end for a while. A second call ends at once."""
        if self._engine is not None:
            self._engine.stop(0 if self._stop_asked else int(STOP_DRAIN_SECONDS * MICROSECONDS))
        self._stop_asked = True

    def request_ended(
        self,
        guest: Guest,
        *,
        request_type: str,
        name: str,
        response_time: float | None = None,
        response_length: int | None = None,
        exception: BaseException | None = None,
        response: Any = None,
        **_: object,
    ) -> None:
        """What Locust's `request` event says. An error that got out would only be logged: it ends the run instead."""
        status = getattr(response, "status_code", None) or 0
        headers = getattr(response, "headers", None) or {}
        outcome, phase = outcome_of_request(status, exception, exception is not None and "retry-after" in headers)
        service_us = int((response_time or 0.0) * 1000)
        try:
            self._book.request_ended(guest, request_type, name, service_us, outcome, phase, int(status), response_length or 0)
        except GelombangError as error:
            assert self._engine is not None, "somebody has begun"
            self._engine.fail(error)

    def run(self) -> RunRecord:
        """The whole run. Raises GelombangError when what it left can't be read."""
        zero_us = monotonic_us() + int(LEAD_SECONDS * MICROSECONDS)
        loop = self._loop = GeventLoop(zero_us)
        due_us = self._arrivals.due_us
        limits = EngineLimits(self._settings.people_limit, MILESTONE_LIMIT)
        end = RunEnd(int((self._for_seconds + self._settings.drain_seconds) * MICROSECONDS))
        arrivals = Arrivals(due_us, np.arange(len(due_us), dtype=np.int64))
        engine = Engine(arrivals, limits, end, loop, self._visit, self._book, lambda: False)
        self._engine = engine
        watch = SelfWatch(self._folder / "generator-0.jsonl", loop, lambda: self.counted(engine), self._counts.loop_lag.add, lambda _: None)
        watching = spawn_watched(watch.run, engine.fail)
        gc.collect()
        gc.freeze()
        if self._stop_asked:
            engine.stop(0)
        try:
            engine.run()
        finally:
            watch.stop()
            watching.kill()
            self._recorder.close()
        if engine.failure is not None:
            show_defect(engine.failure)
        return self._recorded(engine, zero_us)

    def counted(self, engine: Engine) -> Counts:
        """What has happened so far."""
        return Counts(engine.offered(self._loop.now_us()), engine.started, engine.in_flight, engine.waiting, self._counts.attempts_ended, 0)

    def shown(self) -> Shown | None:
        """How the run stands; None before it has begun."""
        engine = self._engine
        if engine is None:
            return None
        standing = standing_of(self._counts, self.counted(engine), engine.fates, self._now_us(), len(self._book.steps))
        state = STOPPING if self._stop_asked else RUNNING
        title = ", ".join(each.__name__ for each in self._classes)
        return Shown(self._run_id, title, str(self._host), state, self._arrivals.people, 1.0, standing)

    def _visit(self, applicant: Applicant) -> Fate:
        """One person, from their due time to their end."""
        guest = self._book.person_begins(applicant)
        which = self._class_of(applicant.index)
        user = self._classes[which](self._environment)
        user.guest = guest
        try:
            stayed = user.live(self._tasks[which])
        finally:
            _hang_up(user)
        fate = Fate.FINISHED if stayed else Fate.GAVE_UP
        self._book.person_ends(applicant, fate)
        return fate

    def _class_of(self, index: int) -> int:
        """Which class this person is: by Locust's weights."""
        weights = [float(each.weight) for each in self._classes]
        place = unit(self._seed, index, Purpose.USER_CLASS) * sum(weights)
        for which, weight in enumerate(weights):
            place -= weight
            if place < 0:
                return which
        return len(weights) - 1

    def _plan_of(self, steps: Sequence[Any]) -> ArrivalPlan:
        return make_plan(self._settings.scenario(steps), Scale(), self._seed, self._for_seconds)

    def _recorded(self, engine: Engine, zero_us: int) -> RunRecord:
        steps = self._book.steps
        plan = RunPlan(
            run_id=self._run_id,
            run=secrets.randbits(RUN_NUMBER_BITS) | 1,
            seed=self._seed,
            plan_digest="",
            scale=ScaleNumbers.of(Scale()),
            scenario=self._settings.scenario(steps),
            profile=PROFILE,
            target_url=str(self._host),
            harness_url=None,
            harness_token="",
            zero_us=zero_us,
            for_seconds=self._for_seconds,
            generator_processes=1,
        )
        plan = plan.model_copy(update={"plan_digest": make_plan(plan.scenario, Scale(), plan.seed, plan.for_seconds).digest})
        write_model(self._folder / PLAN_FILE, plan)
        stopped_by, stop_reason = _stopped(engine)
        facts = RunFacts(
            started_at=self._started_at.isoformat(timespec="seconds"),
            cut_short=engine.stopped,
            stopped_by=stopped_by,
            stop_reason=stop_reason,
            stopped_us=zero_us + engine.stopped_us if engine.stopped else None,
            machine={
                "cores": len(os.sched_getaffinity(0)),
                "memory_bytes": psutil.virtual_memory().total,
                "kernel": platform.release(),
                "python": sys.version.split()[0],
            },
        )
        record = summarise(self._folder, plan, None, facts)
        if engine.failure is not None:
            host = record.host.model_copy(update={"generator_exceptions": 1})
            record = record.model_copy(update={"host": host, "validity": Validity.INVALID})
        write_record(self._folder, record)
        print(told(record, self._folder), file=sys.stderr, flush=True)
        return record


def _stopped(engine: Engine) -> tuple[str | None, str]:
    """Who ended it before its time, and why; a defect of the generator is nobody's decision."""
    if not engine.stopped or engine.failure is not None:
        return None, ""
    return (OPERATOR, "Stop in Locust's page, Ctrl-C or SIGTERM") if engine.halted is None else (THIS_MACHINE, str(engine.halted))


def _tasks_of(owner: type[OpenUser]) -> int:
    said = owner.tasks_per_person
    tasks = different_tasks(owner.tasks) if said is None else said
    if isinstance(tasks, bool) or not isinstance(tasks, int) or not 0 < tasks <= TASKS_LIMIT:
        wanted = f"1 to {TASKS_LIMIT} tasks" if said is not None else "a class with @task methods or `tasks`"
        raise InputError(f"{owner.__name__} has {tasks!r} tasks per person; want {wanted}")
    return tasks


def _hang_up(user: Any) -> None:
    """Close the person's connections: both of Locust's clients would leave that to the collector."""
    client = getattr(user, "client", None)
    agent = getattr(client, "client", None)
    if agent is not None and getattr(user, "client_pool", None) is None:
        agent.close()
    elif isinstance(client, HttpSession):
        client.close()
