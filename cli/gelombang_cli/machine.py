"""Looks at this machine for two seconds and chooses the largest sample that it can carry honestly.

The cost of a full-size person-second was measured (docs/measurement.md, "Choosing the sample"); a probe of the same kinds of work (JSON,
SHA-256, system calls) says how fast this machine is against the one where it was measured, and how idle it is. A sample is honest when the
predicted CPU of server and generator together stays under two fifths of the idle cores: machines are shared, and when a neighbour takes its
part, waiting for a core would be read as the site being slow.
"""

import hashlib
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import orjson
import psutil

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.profile import Profile
from gelombang.scale import Scale, roundings
from gelombang.scenario import Scenario
from gelombang.validity import ROUNDING_LIMIT_RATIO

LOOK_SECONDS = 2.0
HONEST_SHARE = 0.4
REFERENCE_LOOPS_PER_SECOND = 7_600.0
"""What `_probe` reached on the machine where the cost was measured."""
FINE_COUNT = 10
FINE_ROUNDING_RATIO = 0.01
"""Of counts of at least ten, which can be scaled that well. A site that collapses is steep there: how many people get through in April 2020
moves by more than twice as much as the number of upload places (docs/surge-model.md), and a sample is to be the same site, smaller."""
CORES_AT_FULL_SIZE = 50.0
"""CPU of server and generator at sample 1, speed 60, photos × 0.1, in the busiest ten minutes of the opening hour on that machine."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the probe saw."""

    cores: int
    idle_ratio: float
    loops_per_second: float
    syncs_per_second: float

    @property
    def speed_ratio(self) -> float:
        """How fast one core is against the reference machine's."""
        return self.loops_per_second / REFERENCE_LOOPS_PER_SECOND


def look() -> Look:
    """Probe this machine for about two seconds: idle share first, then one core's speed, then durable writes."""
    idle = 1 - psutil.cpu_percent(LOOK_SECONDS / 2) / 100
    return Look(len(os.sched_getaffinity(0)), idle, _probe(LOOK_SECONDS / 4), _syncs(LOOK_SECONDS / 4))


def choose_sample(scenario: Scenario, profiles: Sequence[Profile], seen: Look, speed: float) -> tuple[Fraction, str]:
    """The largest sample that the machine can carry and that makes no coarse number of any site's limit; and one sentence that says why."""
    smallest, largest = Fraction(scenario.scale.sample_smallest), Fraction(scenario.scale.sample_largest)
    budget = HONEST_SHARE * seen.cores * seen.idle_ratio * seen.speed_ratio
    wanted = budget / (CORES_AT_FULL_SIZE * speed / 60)
    share = min(max(Fraction(1, max(1, round(1 / wanted))) if wanted > 0 else smallest, smallest), largest)

    def rounds_well(sample: Fraction) -> bool:
        scale = Scale(sample, speed, scenario.scale.bytes_ratio)
        return all(
            each.error_ratio <= (FINE_ROUNDING_RATIO if each.wanted >= FINE_COUNT else ROUNDING_LIMIT_RATIO)
            for profile in profiles
            for each in roundings(profile, scale)
        )

    fewer = (Fraction(1, people) for people in range(math.ceil(1 / share), math.floor(1 / smallest) + 1))
    sample = next((each for each in fewer if rounds_well(each)), smallest)
    why = (
        f"{seen.cores} cores, {seen.idle_ratio:.0%} idle, each {seen.speed_ratio:.1f} × the reference, "
        f"{seen.syncs_per_second:,.0f} durable writes/s: {share} of the people would keep it two fifths busy; "
        + (f"{sample} is the next that the sites' limits can be scaled to; " if sample < share else "")
        + f"the scenario allows {smallest} to {largest}"
    )
    return sample, f"sample {sample}: {why}"


def _probe(seconds: float) -> float:
    document = {"name": "x" * 40, "values": list(range(60)), "nested": {"a": 1.5, "b": [True, None]}}
    data = os.urandom(8_192)
    null = os.open(os.devnull, os.O_WRONLY)
    started = now = monotonic_us()
    loops = 0
    try:
        while now - started < seconds * MICROSECONDS:
            for _ in range(4):
                text = orjson.dumps(document)
                os.write(null, hashlib.sha256(data + text).digest())
                loops += len(orjson.loads(text)["values"]) // 60
                _interpreted_work()
            now = monotonic_us()
    finally:
        os.close(null)
    return loops / ((now - started) / MICROSECONDS)


def _interpreted_work() -> int:
    total = 0
    for value in range(2_000):
        total += value & 7
    return total


def _syncs(seconds: float) -> float:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        file = os.open(Path(folder) / "probe", os.O_CREAT | os.O_WRONLY)
        started = now = monotonic_us()
        count = 0
        try:
            while now - started < seconds * MICROSECONDS:
                os.pwrite(file, b"x" * 4_096, 4_096 * (count % 64))
                os.fdatasync(file)
                count += 1
                now = monotonic_us()
        finally:
            os.close(file)
    return count / ((now - started) / MICROSECONDS)
