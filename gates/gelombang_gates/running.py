"""What a running service costs: a process, everything it started, and what of that can be seen.

Promise: CPU time to the nanosecond, of all processes together. Left out: processes that came and went between two looks (a control group,
where the service has one of its own, counts those too: `containers`).
"""

from dataclasses import dataclass

import psutil

from gelombang.clock import cpu_seconds_of

PROCESSES_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Costs:
    """What a service has used since it began; None is what can't be seen from here."""

    cpu_seconds: float | None
    calls: int | None
    """System calls that read or write, as /proc/PID/io counts them."""


class GoneError(Exception):
    """One of the processes has ended."""


class TooManyProcessesError(Exception):
    """More than the limit; the message is their number."""


class ProcessTree:
    """A process and those that it has started by the time this is made."""

    def __init__(self, pid: int) -> None:
        try:
            own = psutil.Process(pid)
            self._processes = [own, *own.children(recursive=True)]
        except psutil.Error:
            raise GoneError from None
        if len(self._processes) > PROCESSES_LIMIT:
            raise TooManyProcessesError(len(self._processes))

    def cpu_seconds(self) -> float:
        """Raises GoneError."""
        try:
            return sum(cpu_seconds_of(own.pid) for own in self._processes)
        except OSError:
            raise GoneError from None

    def calls(self) -> int | None:
        """None where another account's may not be read. Raises GoneError."""
        try:
            counters = [own.io_counters() for own in self._processes]
        except psutil.AccessDenied:
            return None
        except (OSError, psutil.Error):
            raise GoneError from None
        return sum(int(own.read_count + own.write_count) for own in counters)

    def memory_bytes(self) -> int:
        """Raises GoneError."""
        try:
            return sum(own.memory_info().rss for own in self._processes)
        except psutil.Error:
            raise GoneError from None
