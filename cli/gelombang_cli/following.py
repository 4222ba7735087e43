"""Follows a run to its end, and carries a stop to every generator process.

A stop is a SIGTERM to each process (no arrivals, no new attempts, open exchanges may end) and, a second later, a SIGINT (open exchanges
are cut), so that nothing leaves any of them two seconds after the decision. Ctrl-C and SIGTERM to the command ask in the same way, and
leave open exchanges more time: nobody said that there is harm.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import ExitCode
from gelombang.runplan import RunPlan
from gelombang.stops import HARM_DRAIN_SECONDS, OPERATOR, THIS_MACHINE, Stop
from gelombang.striping import Death
from gelombang_cli.child import Child, Event, wait_readable
from gelombang_cli.deaths import DeathWatch
from gelombang_cli.harm import CommandHarm

OVERTIME_SECONDS = 60.0
"""Wall time past the planned end after which a generator that has not finished is ended."""
EVENT_WAIT_SECONDS = 0.25
"""How often the kill switch is looked at when nobody says anything."""

Listener = Callable[[Event], None]


class TerminatedError(KeyboardInterrupt):
    """SIGTERM to the command: as Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How a run came to its end; `stop` is None when it was the planned one, or when nobody was left to go on."""

    stop: Stop | None = None
    deaths: Sequence[Death] = ()


def follow(
    generators: Sequence[Child], plan: RunPlan, folder: Path, listener: Listener, watch: CommandHarm, fault: Callable[[], str]
) -> Followed:
    """Pass progress on until all generators have ended; when one dies, the others go on with its people.

    `fault` says why this machine can't keep what happens, if it can't. A second Ctrl-C ends at once, by KeyboardInterrupt.
    """
    scale = plan.scale.scale()
    planned = scale.wall_seconds(plan.for_seconds + plan.scenario.drain_seconds)
    until_us = plan.zero_us + int((planned + OVERTIME_SECONDS) * MICROSECONDS)
    stopping = _Stopping(generators, listener)
    living = DeathWatch(generators, plan.zero_us, folder)
    with terminated():
        while any(child.running for child in generators):
            try:
                wait_readable(generators, EVENT_WAIT_SECONDS)
                for event in _events(generators):
                    watch.take(event)
                    stopping.take(event)
                    listener(event)
                stopping.halt(fault())
                if stopping.stop is None and (stop := watch.look()) is not None:
                    stopping.begin(stop, is_harm=True)
                stopping.go_on()
                _tell_deaths(living, listener)
                if monotonic_us() > until_us:
                    _end_late(generators)
            except KeyboardInterrupt as interrupt:
                if stopping.by_operator:
                    raise
                stopping.by_operator = True
                reason = "SIGTERM" if isinstance(interrupt, TerminatedError) else "Ctrl-C"
                if stopping.stop is None:
                    stopping.begin(Stop(OPERATOR, reason, monotonic_us()), is_harm=False)
    for event in _events(generators):
        stopping.take(event)
        listener(event)
    _tell_deaths(living, listener)
    for child in generators:
        if child.process.returncode in (ExitCode.WRONG_INPUT, ExitCode.UNREACHABLE):
            raise child.failure(f"ended with exit code {child.process.returncode}")
    return Followed(stopping.stop, living.deaths)


def _tell_deaths(living: DeathWatch, listener: Listener) -> None:
    for death in living.look():
        listener({"event": "died", "process": death.process, "how": death.how, "living": len(death.living)})


def _end_late(generators: Sequence[Child]) -> None:
    """Generators that have not ended long after the planned end are killed: what they wrote so far is kept."""
    for child in generators:
        if child.running:
            child.process.kill()
            child.process.wait()


class _Stopping:
    """Brings a stop to all generators, once."""

    def __init__(self, generators: Sequence[Child], listener: Listener) -> None:
        self._generators = generators
        self._listener = listener
        self._cut_us: int | None = None
        self.stop: Stop | None = None
        self.by_operator = False

    def begin(self, stop: Stop, is_harm: bool) -> None:
        self.stop = stop
        for child in self._generators:
            child.interrupt()
        if is_harm:
            self._cut_us = monotonic_us() + int(HARM_DRAIN_SECONDS * MICROSECONDS)
        self._listener({"event": "cut", "stopped_by": stop.stopped_by, "reason": stop.reason})

    def take(self, event: Event) -> None:
        """What one generator says: when its machine can't go on, nobody does."""
        self.halt(str(event.get("halted") or ""))

    def halt(self, fault: str) -> None:
        """Arrivals end everywhere when this machine has a fault."""
        if fault and self.stop is None:
            self.begin(Stop(THIS_MACHINE, fault, monotonic_us()), is_harm=False)

    def go_on(self) -> None:
        """The second half of a stop on harm, when its time has come."""
        if self._cut_us is not None and monotonic_us() >= self._cut_us:
            self._cut_us = None
            for child in self._generators:
                if child.running:
                    child.process.send_signal(signal.SIGINT)


def _events(generators: Sequence[Child]) -> Iterator[Event]:
    for child in generators:
        yield from child.events()


@contextmanager
def terminated() -> Iterator[None]:
    """SIGTERM to the command ends what it does as Ctrl-C does, in place of leaving its children behind."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        raise TerminatedError

    before = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
