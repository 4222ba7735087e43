"""What people cost while they do nothing: 20,000 in the middle of an attempt, and 600,000 who wait to come back.

Memory is the growth of this process's resident set divided by the people. While the many wait, others arrive at 200 a second, and their
lateness is measured: a heap or a collector that grows with those who wait would show there. Prints one line of JSON.
"""

import gc

import numpy as np
import orjson
import psutil

from gelombang.attempt import Fate
from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.histogram import Histogram
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.due_people import Arrivals
from gelombang_loadtests.engine import Engine
from gelombang_loadtests.engine_ports import Again, EngineLimits, Next, RunEnd
from gelombang_loadtests.gevent_loop import GeventLoop, calm_collector

IN_FLIGHT = 20_000
WAITING = 600_000
STEPS = 14
ARRIVALS_PER_SECOND = 200
WATCHED_SECONDS = 5
FILL_SECONDS = 40
"""In which those who wait are made, before the first one arrives."""
LONG_US = 3_600 * MICROSECONDS


class NoBook:
    """Nothing is written: what is measured is the engine's own."""

    def cut(self, applicant: Applicant, now_us: int) -> Fate:
        return Fate.CUT

    def unsent(self, index: int, due_us: int) -> None:
        pass

    def waiting_at_the_end(self, now_us: int) -> int:
        return 0


def resident_bytes() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def in_mid_journey() -> float:
    """Bytes of a person in an attempt: the greenlet, the frames of a wait, the applicant."""
    loop = GeventLoop(monotonic_us())
    before = resident_bytes()
    inside = [0]

    def attempt(applicant: Applicant) -> Next:
        applicant.values = {"session": f"session-{applicant.index:024d}"}
        inside[0] += 1
        if inside[0] == IN_FLIGHT:
            found.append((resident_bytes() - before) / IN_FLIGHT)
            engine.stop(0)
        loop.sleep_until(LONG_US)
        return Fate.FINISHED

    found: list[float] = []
    due_us = np.ones(IN_FLIGHT, dtype=np.int64)
    engine = Engine(
        Arrivals(due_us, np.arange(len(due_us), dtype=np.int64)),
        EngineLimits(IN_FLIGHT + 1, STEPS),
        RunEnd(LONG_US),
        loop,
        attempt,
        NoBook(),
        lambda: False,
    )
    engine.run()
    return found[0]


def waiting() -> tuple[float, float]:
    """Bytes of a person who waits, and the lateness p99 in ms of those who arrive meanwhile."""
    before = resident_bytes()
    late = Histogram()
    due_us = 1 + np.arange(ARRIVALS_PER_SECOND * WATCHED_SECONDS, dtype=np.int64) * (MICROSECONDS // ARRIVALS_PER_SECOND)

    def attempt(applicant: Applicant) -> Next:
        late.add(max(loop.now_us() - applicant.due_us, 0))
        if applicant.index == len(due_us) - 1:
            engine.stop(0)
        return Fate.FINISHED

    loop = GeventLoop(monotonic_us() + FILL_SECONDS * MICROSECONDS)
    limits, end = EngineLimits(IN_FLIGHT, STEPS), RunEnd(2 * LONG_US)
    engine = Engine(Arrivals(due_us, np.arange(len(due_us), dtype=np.int64)), limits, end, loop, attempt, NoBook(), lambda: False)
    for index in range(WAITING):
        applicant = Applicant(index, 1, STEPS)
        applicant.values = {"session": f"session-{index:024d}"}
        applicant.leave_line()
        engine._put_back(applicant, Again(LONG_US + index))
    assert loop.now_us() < 0, "this machine is too busy to fill a heap in time"
    each_bytes = (resident_bytes() - before) / WAITING
    calm_collector()
    engine.run()
    p99 = late.quantile_us(0.99)
    assert p99 is not None
    return each_bytes, p99 / 1_000


def main() -> None:
    calm_collector()
    mid = in_mid_journey()
    parked, late_ms = waiting()
    rows = {
        f"a person in mid-journey ({IN_FLIGHT:,} of them)": [round(mid)],
        f"a person who waits ({WAITING:,} of them)": [round(parked)],
        "lateness p99 beside them": [round(late_ms, 3)],
    }
    print(orjson.dumps(rows).decode())


if __name__ == "__main__":
    main()
