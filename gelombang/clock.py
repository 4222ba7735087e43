"""The only place that asks what time it is.

Run times are int64 microseconds on the system-wide monotonic clock, relative to the run's zero: on one machine the server's and the
generator's rows can be compared without correction. Wall time (UTC) names moments for people and is never subtracted.
"""

import time
from datetime import UTC, datetime

MICROSECONDS = 1_000_000


_monotonic_ns = time.monotonic_ns
"""Looked up once: an exchange asks six times."""


def monotonic_us() -> int:
    """Microseconds on CLOCK_MONOTONIC, shared by all processes of this machine."""
    return _monotonic_ns() // 1_000


def process_cpu_seconds() -> float:
    """CPU time of this process, user and system."""
    return time.process_time()


def cpu_seconds_of(pid: int) -> float:
    """CPU time of another process and all its threads, user and system, to the nanosecond. Raises OSError when there is no such process.

    The clock's number is made of the process id as Linux makes it (clock_getcpuclockid in glibc and musl); /proc counts in hundredths of a
    second only.
    """
    return time.clock_gettime((~pid << 3) | 2)


def utc_now() -> datetime:
    """The wall clock, in UTC, for names and records."""
    return datetime.now(UTC)


wall_seconds = time.time
"""Seconds of the wall clock since 1970 (UTC), for those who count by it; taken as it is, because each exchange may ask."""


def sleep_seconds(seconds: float) -> None:
    """Block the calling thread; in a Locust process this is gevent's cooperative sleep."""
    time.sleep(seconds)
