"""From flows to sizes: how many processes, hosts, connections, writes, bytes and messages a plan needs at its busiest.

Processes follow the square root rule: with an offered load of a cores, a + q sqrt(a) processes keep the share of requests that wait about
the same at any size (Halfin and Whitt, "Heavy-traffic limits for queues with many exponential servers", Operations Research 29, 1981);
none is used to more than a share of its core, because what else a process does comes in bursts. What people wait for cores is told for
fewer and for more of them: Erlang's C for what is carried, and the fluid limit, in which a line grows by what is not, for what is not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gelombang.errors import InputError
from gelombang.profile import Profile
from gelombang.scenario import Scenario
from gelombang_capacity.calibration import EXTRAPOLATION_LIMIT, Calibration
from gelombang_capacity.demand import Class
from gelombang_capacity.plan_outcome import Flow, Interval

UTILISATION = 0.6
"""Of a core at the peak, unless somebody asks for another."""
UTILISATION_LEAST = 0.2
"""A plan for cores that are idle most of the time is none: below this `extrapolation` says what is wrong with the calibration."""
QUALITY = 1.2
"""Of the square root rule: about one request in six waits."""
PROCESSES_PER_HOST = 8


@dataclass(frozen=True, slots=True)
class Need:
    """One resource of the plan."""

    resource: str
    unit: str
    needed: Interval
    because: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What people wait for cores when there are so many."""

    cores: int
    waited_minutes_total: float
    is_carried: bool


@dataclass(frozen=True, slots=True)
class Sizes:
    """Everything that must be had, and what one core less or more does."""

    needs: tuple[Need, ...]
    waiting: tuple[Waiting, ...]
    processes: int
    warnings: tuple[str, ...]


def sizes(flows: Sequence[Flow], scenario: Scenario, profile: Profile, calibration: Calibration, utilisation: float) -> Sizes:
    """Sizes for the flows of all worlds. Raises InputError when the calibration is too far from what is asked."""
    widened, warnings = extrapolation(calibration, utilisation)
    cores = [_cores(flow, calibration, widened, n, len(flows)) for n, flow in enumerate(flows)]
    peaks = [float(each.max()) for each in cores]
    processes = [_processes(peak, utilisation) for peak in peaks]
    chosen = math.ceil(Interval.of(processes).high)
    needs = (
        Need("API cores used at the peak", "cores", Interval.of(peaks), "requests × what they cost"),
        Need("API processes", "processes", Interval.of(processes), f"no core used beyond {utilisation:.0%}, and room for chance"),
        Need("hosts", f"of {PROCESSES_PER_HOST} cores", Interval.of([math.ceil(n / PROCESSES_PER_HOST) for n in processes]), "processes"),
        Need(
            "open connections", "at once", Interval.of([_connections(each, scenario, profile) for each in flows]), "sending and kept alive"
        ),
        Need(
            "database writes", "per second", Interval.of([_peak(each.writes) for each in flows]), "one for each step that is made durable"
        ),
        Need("mails", "per second", Interval.of([_peak(each.mails) for each in flows]), "links and registry results at the peak"),
        Need("SMS", "per second", Interval.of([_peak(each.sms) for each in flows]), "codes asked for at the peak"),
        Need("store, bytes kept", "GB", Interval.of([each.kept_bytes / 1e9 for each in flows]), "two photos a person, by the end"),
        Need("network, incoming", "Mbit/s", Interval.of([8 * _peak(each.received) / 1e6 for each in flows]), "photos at the peak"),
    )
    waiting = tuple(_waiting(flows, cores, number) for number in _ladder(chosen))
    return Sizes(needs, waiting, chosen, warnings)


def bearable_utilisation(calibration: Calibration) -> float:
    """How much of a core a plan may use: `UTILISATION`, or less where nothing so busy was measured that could say what happens there."""
    bearable = math.floor(100 * EXTRAPOLATION_LIMIT * calibration.requests_per_second_high * _small_seconds(calibration)) / 100
    return min(UTILISATION, bearable) if bearable >= UTILISATION_LEAST else UTILISATION


def _small_seconds(calibration: Calibration) -> float:
    """At the highest load that was measured: planned processes do more."""
    return calibration.small_seconds(calibration.requests_per_second_high)


def extrapolation(calibration: Calibration, utilisation: float) -> tuple[float, tuple[str, ...]]:
    """By how much intervals are widened, because a process is to do more than any that was measured, and the warning that says so. Raises
    InputError where it is so much more that the calibration says nothing about it."""
    small = _small_seconds(calibration)
    if small <= 0:
        raise InputError(
            f"the calibration of {calibration.profile} could not tell what a small request costs; want runs with more requests a second"
        )
    asked = utilisation / small
    beyond = asked / calibration.requests_per_second_high
    if beyond > EXTRAPOLATION_LIMIT:
        raise InputError(
            f"a process used to {utilisation:.0%} answers {asked:,.0f} requests per second, {beyond:.1f} times as many as any that was "
            f"measured ({calibration.requests_per_second_high:,.0f}); want at most {EXTRAPOLATION_LIMIT:g} times: calibrate at a larger "
            f"load, or plan with --utilisation {utilisation * EXTRAPOLATION_LIMIT / beyond:.2f} or less"
        )
    if beyond > 1:
        words = (
            f"Processes are planned at {asked:,.0f} requests per second; the calibration measured up to "
            f"{calibration.requests_per_second_high:,.0f}. Intervals are {beyond:.1f} times as wide for it."
        )
        return beyond, (words,)
    return 1.0, ()


def _cores(flow: Flow, calibration: Calibration, widened: float, number: int, of: int) -> NDArray[np.float64]:
    """Cores used, window by window, in one world; the demands' own error is spread over the worlds as evenly as quantiles are."""
    deviation = 0.0 if of == 1 else 2.0 * ((number + 0.5) / of - 0.5) * 1.645 * widened
    small, password, upload = (calibration.demand(each) for each in (Class.SMALL, Class.PASSWORD, Class.UPLOAD))
    busy = _small_seconds(calibration)
    hashed = max(0.0, password.seconds - busy) * calibration.speed
    found: NDArray[np.float64] = (
        flow.small * max(0.0, busy + deviation * small.standard_error)
        + flow.password * (busy + max(0.0, hashed + deviation * password.standard_error * calibration.speed))
        + flow.uploads * max(0.0, upload.seconds + deviation * upload.standard_error)
    )
    return found


def _processes(cores: float, utilisation: float) -> int:
    return max(1, math.ceil(max(cores / utilisation, cores + QUALITY * math.sqrt(cores))))


def _peak(values: NDArray[np.float64]) -> float:
    return float(values.max()) if len(values) else 0.0


def _connections(flow: Flow, scenario: Scenario, profile: Profile) -> float:
    """Little's law: people who send, and answered ones that are kept alive until the keep-alive ends."""
    line = scenario.people.line
    speeds = [line.uplink_bytes_per_second.quantile((i + 0.5) / 200) * line.uplink_ratio for i in range(200)]
    seconds_per_byte = sum(1 / speed for speed in speeds) / len(speeds)
    kept_alive = float((flow.small + flow.password + flow.uploads).max()) * profile.api.keep_alive_seconds
    return _peak(flow.received) * seconds_per_byte + kept_alive


def _ladder(processes: int) -> list[int]:
    return sorted(
        {max(1, round(processes * ratio)) for ratio in (0.25, 0.5, 0.75, 0.9, 1.0, 1.25)} | {max(1, processes - 1), processes + 1}
    )


def _waiting(flows: Sequence[Flow], cores: Sequence[NDArray[np.float64]], number: int) -> Waiting:
    """Minutes that all people together wait for `number` cores, in the middle world."""
    totals = [_waited_minutes(flow, each, number) for flow, each in zip(flows, cores, strict=True)]
    return Waiting(number, float(np.median(totals)), all(float(each.max()) < number for each in cores))


def _waited_minutes(flow: Flow, cores: NDArray[np.float64], number: int) -> float:
    """The number of people in the line, over time: work that is not done is a line of people with a mean request each."""
    requests = flow.small + flow.password + flow.uploads
    undone = seconds = 0.0
    for used, rate in zip(cores, requests, strict=True):
        if rate <= 0:
            continue
        undone = max(0.0, undone + (float(used) - number) * flow.window_seconds)
        if undone > 0:
            seconds += undone / (float(used) / float(rate)) * flow.window_seconds
        else:
            load = float(used) / number
            seconds += _erlang_c(number, float(used)) * load / (1 - load) * flow.window_seconds
    return seconds / 60


def _erlang_c(servers: int, offered: float) -> float:
    """The share of requests that wait (Erlang 1917), by the stable recursion of Erlang's B."""
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = offered * blocked / (n + offered * blocked)
    load = offered / servers
    return blocked / (1 - load * (1 - blocked))
