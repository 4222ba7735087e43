"""A Locust worker's part in a run over several machines: it joins, walks what it is told, and sends what has ended with each pulse.

It has a run's folder of its own for as long as it walks. Its clock is compared with the master's before the run: of some round trips the
fastest says by how much they differ, within half of it (Mills, RFC 5905, section 8).
"""

import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import gevent
from gevent.queue import Empty, Queue

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import GelombangError, HostError, InputError, MasterGoneError
from gelombang.loading import load_scenario
from gelombang.runplan import PLAN_FILE, write_model
from gelombang.stops import STOP_FILE
from gelombang.workers import announce
from gelombang_loadtests.by_hand import fresh_folder, refuse_strangers
from gelombang_loadtests.cluster_messages import (
    AskTime,
    Bye,
    Died,
    Harm,
    Heard,
    Hello,
    Joined,
    Orders,
    Pulse,
    Refused,
    Said,
    StopNow,
    Time,
    Told,
    Zero,
)
from gelombang_loadtests.cluster_series import packed_page
from gelombang_loadtests.coordinator import JOIN_SECONDS_LIMIT, LEASE_SECONDS, READY_SECONDS_LIMIT, START_SECONDS_LIMIT
from gelombang_loadtests.generator import STOP_DRAIN_SECONDS, Generator
from gelombang_loadtests.harm_watch import KILL_SWITCH, kill_switch
from gelombang_loadtests.progress import Done, Progress, Ready, Say
from gelombang_loadtests.recorder import Recorder
from gelombang_loadtests.row_stream import FileTails, StreamedRecorder
from gelombang_loadtests.standing import Standing, Totals

PULSE_SECONDS = 1.0
PULSE_BYTES_LIMIT = 4_000_000
"""Of rows and other files in one pulse; what is more waits for the next."""
HELLO_SECONDS = 2.0
"""From one hello that nobody answers to the next."""
CLOCK_ROUNDS = 8
LOOK_SECONDS = 0.2
"""How often the kill switch is looked at."""
LAST_PULSES_SECONDS_LIMIT = 120.0
"""For telling the master what is left to tell when everybody has a fate."""

Tell = Callable[[Said], None]
"""Sends a message to the master."""
M = TypeVar("M", bound=Told)


class WorkerGenerator(Generator):
    """A generator whose ended rows can be taken away while it runs."""

    stream: StreamedRecorder | None = None

    def recorder(self) -> Recorder:
        self.stream = StreamedRecorder(self._folder, self._process, max(self._stripe.planned, self.people), self._stripe.epoch)
        return self.stream


Make = Callable[[Orders, Path, Say], WorkerGenerator]
"""Builds the generator of some orders in a folder."""


class ClusterWorker:
    """One run of this process. `heard` takes what the master says; `run` is the body of a task."""

    def __init__(self, scenario: str, owned: str, out: str, make: Make, tell: Tell) -> None:
        """`owned` is the host that its operator allows beside this machine."""
        self._scenario = scenario
        self._owned = owned
        self._out = out
        self._make = make
        self._tell = tell
        self._inbox: Queue[Told] = Queue()
        self._generator: WorkerGenerator | None = None
        self._tails: FileTails | None = None
        self._backlog: deque[tuple[str, bytes]] = deque()
        self._number = 0
        self._unheard: Pulse | None = None
        self._sent_us = 0
        """When the unheard pulse was sent for the first time."""
        self._response: dict[str, Totals] = {}
        """Decided attempts that no pulse has told of, by step and response."""
        self._folder = Path()
        self._told_to_stop = False
        self._dismissed: str | None = None
        """Why the master does not wait for this worker any more; empty when all is well."""
        self._silence = ""
        """How the master's silence showed, once it is taken for gone."""

    def heard(self, message: Told) -> None:
        """Something that the master says."""
        match message:
            case Heard():
                if self._unheard is not None and message.number == self._unheard.number:
                    self._unheard = None
                    self._lend(self._sent_us)
            case Died() if self._generator is not None:
                self._generator.take_over(message.death)
            case StopNow():
                if not self._told_to_stop:
                    self._told_to_stop = True
                    self.stop(message.drain_seconds)
            case Bye():
                if self._dismissed is None:
                    self._dismissed = message.reason
                self._inbox.put(message)
                self.stop()
            case _:
                self._inbox.put(message)

    def stop(self, drain_seconds: float = STOP_DRAIN_SECONDS) -> None:
        """No more arrivals here; open attempts end within so long."""
        if self._generator is not None:
            self._generator.stop(drain_seconds)

    def quit(self, silence: str = "") -> None:
        """Locust ends, on this machine or by its master: a run that has begun comes to its end, and one that has not does not begin.
        `silence` says how the master's silence showed, where that is why: it is told nothing more."""
        self._silence = silence
        if self._generator is None:
            self._inbox.put(Bye(reason="Locust's master quits, or somebody here does"))
        self.stop()

    def run(self) -> None:
        """Join, walk, tell. Raises GelombangError when the worker may not take part, or is dismissed."""
        announcement = announce(load_scenario(self._scenario))
        orders = self._join(Hello(announcement=announcement, host=socket.gethostname()))
        refuse_strangers(orders.plan.target_url, "the master's target", self._owned)
        offset_us, error_us = self._compare_clocks()
        folder = self._folder = fresh_folder(Path(self._out or f"runs/{orders.plan.run_id}-worker-{orders.process}"))
        write_model(folder / PLAN_FILE, orders.plan)
        generator = self._make(orders, folder, self._say)
        generator.warm_up()
        generator.set_up(orders.setup)
        ready: Ready = generator.ready("")
        self._tails = FileTails(folder, orders.process)
        self._tell(Joined(people=ready.people, clock_error_us=error_us, setup=ready.setup))
        zero = self._wait_for(Zero, READY_SECONDS_LIMIT + START_SECONDS_LIMIT, "said when to begin")
        self._generator = generator
        self._lend(zero.zero_us - offset_us)
        beside = [gevent.spawn(self._pulse_on), gevent.spawn(self._watch_kill_switch)]
        try:
            done = generator.run(zero.zero_us - offset_us)
        finally:
            gevent.killall(beside)
        self._tell_the_rest(done)

    def _join(self, hello: Hello) -> Orders:
        until_us = monotonic_us() + int(JOIN_SECONDS_LIMIT * MICROSECONDS)
        while monotonic_us() < until_us:
            self._tell(hello)
            try:
                message = self._inbox.get(timeout=HELLO_SECONDS)
            except Empty:
                continue
            if isinstance(message, Refused):
                raise InputError(f"the master refuses this worker: {message.reason}")
            if isinstance(message, Bye):
                raise self._sent_away(message)
            if isinstance(message, Orders):
                return message
        raise HostError(f"the master gave no orders within {JOIN_SECONDS_LIMIT:g} s; want all of its workers to join in that time")

    def _wait_for(self, kind: type[M], seconds: float, what: str) -> M:
        until_us = monotonic_us() + int(seconds * MICROSECONDS)
        while (left_seconds := (until_us - monotonic_us()) / MICROSECONDS) > 0:
            try:
                message = self._inbox.get(timeout=left_seconds)
            except Empty:
                break
            if isinstance(message, Bye):
                raise self._sent_away(message)
            if isinstance(message, kind):
                return message
        raise HostError(f"the master never {what}, in {seconds:g} s; want one that is up")

    def _sent_away(self, message: Bye) -> GelombangError:
        if self._silence:
            return MasterGoneError(f"the master {self._silence}; want one that is up, and a way to it")
        return InputError(f"this worker is sent away: {message.reason}")

    def _compare_clocks(self) -> tuple[int, int]:
        """(the master's clock minus this one, by how much that may be wrong)."""
        found: list[tuple[int, int]] = []
        for _ in range(CLOCK_ROUNDS):
            asked_us = monotonic_us()
            self._tell(AskTime(asked_us=asked_us))
            answer = self._wait_for(Time, READY_SECONDS_LIMIT, "told its time")
            round_trip_us = monotonic_us() - asked_us
            found.append((round_trip_us, answer.master_us - asked_us - round_trip_us // 2))
        round_trip_us, offset_us = min(found)
        return offset_us, (round_trip_us + 1) // 2

    def _say(self, event: Ready | Progress | Done) -> None:
        if isinstance(event, Progress):
            for step, counts in event.response.items():
                totals = self._response.setdefault(step, {})
                for response_us, count in counts.items():
                    totals[response_us] = totals.get(response_us, 0) + count

    def _lend(self, heard_us: int) -> None:
        if self._generator is not None:
            self._generator.lend(heard_us + int(LEASE_SECONDS * MICROSECONDS))

    def _pulse_on(self) -> None:
        due_us = monotonic_us()
        while True:
            self._pulse(done=False, failure="")
            due_us = max(due_us + int(PULSE_SECONDS * MICROSECONDS), monotonic_us())
            gevent.sleep((due_us - monotonic_us()) / MICROSECONDS)

    def _watch_kill_switch(self) -> None:
        """A kill switch in this worker's folder is the whole run's."""
        while (thrown := kill_switch(self._folder / STOP_FILE)) is None:
            gevent.sleep(LOOK_SECONDS)
        while not self._told_to_stop:
            self._tell(Harm(stopped_by=KILL_SWITCH, reason=thrown))
            gevent.sleep(PULSE_SECONDS)

    def _pulse(self, done: bool, failure: str) -> None:
        """Send what is new, or again what was not heard."""
        if self._unheard is None:
            self._gather()
            files: dict[str, bytes] = {}
            left = PULSE_BYTES_LIMIT
            while self._backlog and left > 0:
                name, content = self._backlog.popleft()
                files[name] = files.get(name, b"") + content[:left]
                if len(content) > left:
                    self._backlog.appendleft((name, content[left:]))
                left -= len(content)
            self._number += 1
            assert self._generator is not None
            response, self._response = self._response, {}
            self._unheard = Pulse(
                number=self._number,
                files=files,
                standing=self._generator.standing() or Standing(),
                response=response,
                page=packed_page(self._generator.collector),
                done=done and not self._backlog,
                failure=failure,
            )
            self._sent_us = monotonic_us()
        self._tell(self._unheard)

    def _gather(self) -> None:
        assert self._generator is not None
        if self._generator.stream is not None:
            self._backlog.extend(self._generator.stream.take().items())
        if self._tails is not None:
            self._backlog.extend(self._tails.take().items())

    def _tell_the_rest(self, done: Done) -> None:
        """Pulses until the master has everything and says so. Raises HostError when it does not, or has given this worker up,
        MasterGoneError when it is gone."""
        stopped_here = done.cut and not self._told_to_stop and self._dismissed is None
        failure = done.failure or done.halted or ("was stopped there" if stopped_here else "")
        until_us = monotonic_us() + int(LAST_PULSES_SECONDS_LIMIT * MICROSECONDS)
        resend_us = 0
        while self._dismissed is None and not self._silence and monotonic_us() < until_us:
            if self._unheard is None or monotonic_us() >= resend_us:
                self._pulse(done=True, failure=failure)
                resend_us = monotonic_us() + int(PULSE_SECONDS * MICROSECONDS)
            gevent.sleep(0.01)
        if self._silence:
            raise MasterGoneError(f"the master {self._silence}; want one that is up: what it was not told of this run is in {self._folder}")
        if self._dismissed is None:
            raise HostError(f"the master did not take the last of the rows within {LAST_PULSES_SECONDS_LIMIT:g} s; they are in this folder")
        if self._dismissed:
            raise HostError(f"this worker is sent away: {self._dismissed}")
