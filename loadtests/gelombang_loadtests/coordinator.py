"""The master's side of a run over several machines: who may join, when it begins, who is dead, and what they all leave in one folder.

Promise: no person is run by two workers. A worker begins nothing LEASE_SECONDS after it sent the last pulse that was heard; the master
takes it for dead only DEAD_MAN_SECONDS after it heard that pulse or a later one, and gives away only people who are due later still. So it
need not be known whether a silent worker is dead, stopped, or behind a cut cable (the lease of Gray and Cheriton, "Leases", 1989). What a
dead worker had open is lost with it: who started there and had not ended by its last pulse is cut, by the plan.

No socket, no clock: whoever carries the messages calls `take`, and `look` several times a second.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS
from gelombang.created import CREATED_FILE, CreatedRows
from gelombang.errors import HostError
from gelombang.runplan import PLAN_FILE, RunPlan, write_model
from gelombang.striping import Death, write_deaths
from gelombang.workers import Announcement, Worker, differences, write_workers
from gelombang_loadtests.cluster_members import Member, Phase
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
from gelombang_loadtests.lost_people import account_for
from gelombang_loadtests.row_stream import ledgers, other_files
from gelombang_loadtests.standing import Standing

LEASE_SECONDS = 3.0
"""A worker begins nothing this long after it sent the last pulse that was heard."""
DEAD_MAN_SECONDS = 5.0
"""A worker that was not heard of for so long is dead. The difference to the lease is for clocks that run apart during that time."""
TELL_SECONDS = 1.0
"""From the notice of a death to the moment from which others walk its people, at least."""
LEAD_SECONDS = 2.0
"""From "all are ready" to the run's zero."""
JOIN_SECONDS_LIMIT = 120.0
READY_SECONDS_LIMIT = 120.0
START_SECONDS_LIMIT = 3_600.0
"""How long workers that are ready wait for somebody to begin the run."""
OVERTIME_SECONDS = 60.0
"""Past the planned end, a worker that has not ended is given up."""
STOP_SECONDS_LIMIT = 30.0
"""After a stop, likewise."""

Send = Callable[[str, Told], None]
"""Sends a message to the worker of that name."""
News = Callable[[int, Pulse], None]
"""Gets each pulse once, with the number of the process that sent it."""


class Coordinator:
    """One run; its record can be made when `phase` is ENDED. `look` raises HostError when the run can't begin."""

    def __init__(
        self,
        own: Announcement,
        plan: RunPlan,
        due_us: NDArray[np.int64],
        folder: Path,
        send: Send,
        now_us: Callable[[], int],
        news: News = lambda process, pulse: None,
    ) -> None:
        self._own = own
        self._plan = plan
        self._due_us = due_us
        self._folder = folder
        self._send = send
        self._now_us = now_us
        self._news = news
        self._since_us = now_us()
        """When the phase began, or the stop."""
        self._join_seconds_limit = JOIN_SECONDS_LIMIT
        self.phase = Phase.JOINING
        self.members: dict[str, Member] = {}
        self.refused: list[str] = []
        """Sentences about workers that may not join."""
        self.deaths: list[Death] = []
        self._begins_by_itself = True
        self.stopped = False
        self.harm: Harm | None = None
        """What somebody at a worker wants the run to stop for."""

    @property
    def plan(self) -> RunPlan:
        """With its zero, once there is one."""
        return self._plan

    @property
    def planned(self) -> int:
        """How many people the plan has."""
        return len(self._due_us)

    def take(self, name: str, message: Said) -> None:
        """One message of a worker."""
        member = self.members.get(name)
        match message:
            case Hello():
                self._hello(name, member, message)
            case AskTime():
                self._send(name, Time(asked_us=message.asked_us, master_us=self._now_us()))
            case Joined() if member is not None and self.phase is Phase.PREPARING:
                self._ready(name, member, message)
            case Pulse() if member is not None and self.phase is Phase.RUNNING:
                self._pulse(name, member, message)
            case Harm() if member is not None:
                where = f"{message.reason} (worker {member.process}, {member.host})"
                self.harm = self.harm or message.model_copy(update={"reason": where})
            case _:
                self._send(name, Bye(reason="this run is over or never was"))

    def look(self) -> None:
        """What time alone decides. Raises HostError."""
        now_us = self._now_us()
        waited_seconds = (now_us - self._since_us) / MICROSECONDS
        match self.phase:
            case Phase.JOINING if waited_seconds > self._join_seconds_limit:
                raise HostError(self._not_there("said hello", len(self.members), self._join_seconds_limit))
            case Phase.PREPARING if waited_seconds > READY_SECONDS_LIMIT:
                raise HostError(self._not_there("said ready", sum(member.ready for member in self.members.values()), READY_SECONDS_LIMIT))
            case Phase.READY if waited_seconds > START_SECONDS_LIMIT:
                raise HostError(f"nobody began the run within {START_SECONDS_LIMIT:g} s of its workers being ready; want Start pressed")
            case Phase.RUNNING:
                self._look_after(now_us)

    def wait_for_workers(self, seconds: float) -> None:
        """Another limit for workers that don't come."""
        self._join_seconds_limit = seconds

    def wait_for_start(self) -> None:
        """The run is not begun by its last worker but by `start`."""
        self._begins_by_itself = False

    def start(self) -> None:
        """Begin as soon as all are ready."""
        self._begins_by_itself = True
        if self.phase is Phase.READY:
            self._begin()

    def stop(self, drain_seconds: float) -> None:
        """No more arrivals anywhere, and open attempts end within so long; a run that has not begun ends now."""
        self.stopped = True
        self._since_us = self._now_us()
        if self.phase is not Phase.RUNNING:
            self.phase = Phase.ENDED
        now = StopNow(drain_seconds=drain_seconds) if self.phase is Phase.RUNNING else Bye(reason="the run was stopped before it began")
        for name, member in self.members.items():
            if not member.dead:
                self._send(name, now)

    def send_away(self, reason: str) -> None:
        """The run can't begin: nobody waits for its workers."""
        for name in self.members:
            self._send(name, Bye(reason=reason))

    def standings(self) -> list[Standing]:
        """Of each worker, as it was when it was last heard of."""
        return [
            member.last.standing.of_the_dead() if member.dead or member.done else member.last.standing
            for member in self.members.values()
            if member.last is not None
        ]

    def _hello(self, name: str, member: Member | None, message: Hello) -> None:
        if member is not None:
            return  # said twice, because the answer takes its time
        found = differences(self._own, message.announcement)
        if self.phase is not Phase.JOINING:
            found = [f"the run has its {self._plan.generator_processes} workers; want a worker that comes before they are complete"]
        if found:
            self.refused.append(f"{message.host}: {'; '.join(found)}")
            self._send(name, Refused(reason="; ".join(found)))
            return
        self.members[name] = Member(len(self.members), message.host, self._now_us())
        if len(self.members) == self._plan.generator_processes:
            self.phase, self._since_us = Phase.PREPARING, self._now_us()
            names = list(self.members)
            # With setup steps, the first worker walks them and the others are told what it captured.
            for each in names[:1] if self._plan.scenario.setup else names:
                self._send(each, Orders(plan=self._plan, process=self.members[each].process, setup=None))

    def _ready(self, name: str, member: Member, message: Joined) -> None:
        member.ready, member.clock_error_us = True, message.clock_error_us
        if self._plan.scenario.setup and member.process == 0:
            for other, each in self.members.items():
                if other != name:
                    self._send(other, Orders(plan=self._plan, process=each.process, setup=message.setup))
        if all(each.ready for each in self.members.values()):
            self.phase, self._since_us = Phase.READY, self._now_us()
            if self._begins_by_itself:
                self._begin()

    def _begin(self) -> None:
        now_us = self._now_us()
        zero_us = now_us + int(LEAD_SECONDS * MICROSECONDS)
        self._plan = self._plan.model_copy(update={"zero_us": zero_us})
        write_model(self._folder / PLAN_FILE, self._plan)
        write_workers(
            self._folder,
            [
                Worker(process=each.process, host=each.host, clock_error_seconds=each.clock_error_us / MICROSECONDS)
                for each in self.members.values()
            ],
        )
        self.phase, self._since_us = Phase.RUNNING, now_us
        for other, each in self.members.items():
            each.heard_us = now_us
            self._send(other, Zero(zero_us=zero_us))

    def _pulse(self, name: str, member: Member, message: Pulse) -> None:
        if message.number == member.pulse + 1:
            self._append(member.process, message.files)
            member.pulse, member.last = message.number, message
            self._news(member.process, message)
        if member.dead:
            self._send(name, Bye(reason="the master took this worker for dead, and others walk its people"))
            return
        member.heard_us = self._now_us()
        self._send(name, Heard(number=message.number))
        if message.done:
            self._send(name, Bye())
            member.done = True
            if message.failure and not self.stopped:
                self._died(member, message.failure, self._now_us())
            self._end()

    def _look_after(self, now_us: int) -> None:
        scale = self._plan.scale.scale()
        planned = scale.wall_seconds(self._plan.for_seconds + self._plan.scenario.drain_seconds)
        late = now_us > self._plan.zero_us + int((planned + OVERTIME_SECONDS) * MICROSECONDS)
        late = late or (self.stopped and now_us > self._since_us + int(STOP_SECONDS_LIMIT * MICROSECONDS))
        for member in self.members.values():
            if member.done or member.dead:
                continue
            silent_seconds = (now_us - member.heard_us) / MICROSECONDS
            if late:
                self._died(member, "did not come to its end", now_us)
            elif silent_seconds >= DEAD_MAN_SECONDS:
                self._died(member, f"was not heard of for {DEAD_MAN_SECONDS:g} s", now_us)
        self._end()

    def _died(self, member: Member, how: str, now_us: int) -> None:
        member.dead = True
        at_us = now_us - self._plan.zero_us
        living = tuple(each.process for each in self.members.values() if not each.dead and not each.done)
        death = Death(
            epoch=len(self.deaths) + 1,
            process=member.process,
            how=how,
            at_us=at_us,
            from_us=at_us + int(TELL_SECONDS * MICROSECONDS),
            living=living,
        )
        self.deaths.append(death)
        write_deaths(self._folder, self.deaths)
        for name, each in self.members.items():
            if each.process in living:
                self._send(name, Died(death=death))

    def _end(self) -> None:
        if self.phase is Phase.RUNNING and all(member.done or member.dead for member in self.members.values()):
            self.phase = Phase.ENDED
            for member in self.members.values():
                if member.dead:
                    begun_by_us = member.heard_us - self._plan.zero_us + int(LEASE_SECONDS * MICROSECONDS)
                    account_for(self._folder, self._plan, self._due_us, self.deaths, member.process, None if member.done else begun_by_us)

    def _append(self, process: int, files: dict[str, bytes]) -> None:
        allowed = (*ledgers(process), *other_files(process))
        for name, content in files.items():
            if name not in allowed:
                raise HostError(f"worker {process} sends a file {name!r}; want one of {', '.join(allowed)}")
            if name == CREATED_FILE:
                CreatedRows(self._folder).close()
            with (self._folder / name).open("ab") as file:
                file.write(content)

    def _not_there(self, what: str, came: int, seconds: float) -> str:
        wanted = self._plan.generator_processes
        silent = [member.host for member in self.members.values() if self.phase is Phase.PREPARING and not member.ready]
        which = f"; not {', '.join(silent)}" if silent else ""
        refused = f"; refused: {' | '.join(self.refused)}" if self.refused else ""
        return f"{came} of {wanted} workers {what} within {seconds:g} s{which}; want all of them{refused}"
