"""Doubts: the reasons not to believe a run, each with its limit, its evidence and what to do about it.

A doubt is INVALID when no verdict can be drawn, SUSPECT when gates and plans must refuse the run, and VALID when it is a remark that
qualifies a reading without taking the run back. The run's validity is that of its worst doubt.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from gelombang.clock import MICROSECONDS
from gelombang.generator_doubts import clocks, died, starved
from gelombang.host_samples import GENERATOR_BUSY_RATIO, MACHINE_BUSY_RATIO
from gelombang.objective_words import three_digits
from gelombang.profile import Profile
from gelombang.record import Doubt, Host, RunRecord, Validity
from gelombang.scale import Scale, roundings
from gelombang.scenario import Scenario

LATE_SUSPECT_SECONDS = 0.005
LATE_INVALID_SECONDS = 0.050
"""p99 of lateness of first steps, wall time."""
HOOK_SUSPECT_SECONDS = 0.005
"""p99 of what a scenario's hooks take for an attempt, wall time."""
STALL_SUSPECT_RATIO = 0.5
"""The longest stall of the generator's loop, of the median patience for a page."""
STALL_SUSPECT_SECONDS = 0.5
"""The same, however patient people are."""
RETRANSMITTED_REMARK_RATIO = 0.01
"""Of the segments that were sent."""
UNSENT_INVALID_RATIO = 0.01
BUSY_GENERATOR_SECONDS = 5.0
BUSY_MACHINE_RATIO = 0.10
ROUNDING_LIMIT_RATIO = 0.10
REAL_COST_LIMIT_RATIO = 0.10
"""Median real cost of a small step, of the median patience for a page."""
SMALLEST_SMOOTH_SAMPLE = Fraction(1, 20)
ENOUGH_BEYOND = 10
"""Samples beyond a quantile from which on its 95 % interval is narrow enough to be read as a number (p99 of 1,000 lies between the exact
p98.3 and p99.7)."""

_ORDER = (Validity.VALID, Validity.SUSPECT, Validity.INVALID)


def validity_of(doubts: Sequence[Doubt]) -> Validity:
    """The worst of them; VALID without any."""
    return max((doubt.severity for doubt in doubts), key=_ORDER.index, default=Validity.VALID)


def find_doubts(
    record: RunRecord, scenario: Scenario, profile: Profile | None, server_median_seconds: Mapping[str, float], due_us: NDArray[np.int64]
) -> list[Doubt]:
    """All doubts about a run, worst first. `server_median_seconds` is what each small step cost the server, in the people's time."""
    page_seconds = scenario.patience.page_seconds.quantile(0.5)
    found = [
        *died(record.host),
        *_broken_generator(record.host),
        *_late(record.host, record.scale.scale().wall_seconds(page_seconds)),
        *clocks(record.host),
        *_unsent(record, due_us),
        *_busy(record.host),
        *starved(record.host),
        *_real_cost(record.scale.scale(), server_median_seconds, page_seconds),
        *_rounding(record, profile),
        *_few_samples(record, scenario),
        *_cut(record),
        *_remarks(record),
    ]
    return sorted(found, key=lambda doubt: -_ORDER.index(doubt.severity))


def _broken_generator(host: Host) -> Iterator[Doubt]:
    if host.generators_died > len(host.deaths):
        yield Doubt(
            name="generator-died",
            severity=Validity.INVALID,
            evidence=f"{host.generators_died} of {host.generator_processes} generator processes were killed before closing their ledger",
            what_to_do="look at the end of generator-<k>.log and at the kernel's log for an out-of-memory kill, then run again",
        )
    if host.generator_exceptions:
        yield Doubt(
            name="generator-exception",
            severity=Validity.INVALID,
            evidence=f"{host.generator_exceptions} tracebacks in the generators' logs; want none",
            what_to_do="read generator-<k>.log: a person or a message was handled by broken code",
        )


def _late(host: Host, page_wall_seconds: float) -> Iterator[Doubt]:
    late = host.lateness.p99_seconds
    if late is not None and late > LATE_SUSPECT_SECONDS:
        yield Doubt(
            name="late-generator",
            severity=Validity.INVALID if late > LATE_INVALID_SECONDS else Validity.SUSPECT,
            evidence=f"1 % of people started {three_digits(1_000 * late)} ms or more after they were due; want at most "
            f"{1_000 * LATE_SUSPECT_SECONDS:g} ms (no verdict above {1_000 * LATE_INVALID_SECONDS:g} ms)",
            what_to_do="use a smaller --sample, a lower --speed or more --generator-processes, or quieten the machine",
        )
    hook = host.hook.p99_seconds if host.hook is not None else None
    if hook is not None and hook > HOOK_SUSPECT_SECONDS:
        yield Doubt(
            name="slow-hook",
            severity=Validity.SUSPECT,
            evidence=f"the scenario's hook took {three_digits(1_000 * hook)} ms or more in 1 % of the attempts that have one; want at most "
            f"{1_000 * HOOK_SUSPECT_SECONDS:g} ms, because its time is the generator's and not the site's",
            what_to_do="make the hook faster: keep what does not change, and leave out what the site does not look at",
        )
    stall = host.loop_late_max_seconds
    limit_seconds = min(STALL_SUSPECT_RATIO * page_wall_seconds, STALL_SUSPECT_SECONDS)
    if stall is not None and stall > limit_seconds:
        yield Doubt(
            name="stalled-generator",
            severity=Validity.SUSPECT,
            evidence=f"the generator stood still for {three_digits(1_000 * stall)} ms; people wait "
            f"{three_digits(1_000 * page_wall_seconds)} ms for a page, want at most {three_digits(1_000 * limit_seconds)} ms",
            what_to_do="quieten the machine or use a lower --speed",
        )


def _unsent(record: RunRecord, due_us: NDArray[np.int64]) -> Iterator[Doubt]:
    ended_us = record.scale.scale().wall_seconds(record.ended_seconds) * MICROSECONDS
    # Whoever was due after a stop is unsent by order, not by the generator's fault.
    not_due = int((due_us > ended_us).sum()) if record.cut_short else 0
    by_death = sum(death.unsent for death in record.host.deaths)
    unsent = record.fates["unsent"] - max(not_due, by_death)
    if unsent > 0:
        ratio = unsent / record.people_planned
        yield Doubt(
            name="unsent-people",
            severity=Validity.INVALID if ratio > UNSENT_INVALID_RATIO else Validity.SUSPECT,
            evidence=f"{unsent:,} of {record.people_planned:,} people were due and never left the generator; want 0",
            what_to_do="look at generator-<k>.log; use a smaller --sample or more --generator-processes",
        )


def _busy(host: Host) -> Iterator[Doubt]:
    busy = host.generator_busy_seconds
    if busy is not None and busy > BUSY_GENERATOR_SECONDS:
        yield Doubt(
            name="busy-generator",
            severity=Validity.SUSPECT,
            evidence=f"a generator process used more than {GENERATOR_BUSY_RATIO:g} of a core for {three_digits(busy)} s without a break; "
            f"want at most {BUSY_GENERATOR_SECONDS:g} s",
            what_to_do="use a smaller --sample, a lower --speed or more --generator-processes",
        )
    share = host.machine_busy_ratio
    if share is not None and share > BUSY_MACHINE_RATIO:
        yield Doubt(
            name="busy-machine",
            severity=Validity.SUSPECT,
            evidence=f"the machine used more than {MACHINE_BUSY_RATIO:g} of its CPU in {share:.2g} of the seconds; want at most "
            f"{BUSY_MACHINE_RATIO:g} of them",
            what_to_do="use a smaller --sample or a lower --speed, or end what else runs on this machine",
        )


def _real_cost(scale: Scale, server_median_seconds: Mapping[str, float], page_seconds: float) -> Iterator[Doubt]:
    # At full size and speed nothing is out of proportion: what real work takes is what people wait, and a slow site is a finding.
    if not server_median_seconds or (scale.sample == 1 and scale.speed == 1):
        return
    step, cost = max(server_median_seconds.items(), key=lambda item: item[1])
    if cost > REAL_COST_LIMIT_RATIO * page_seconds:
        yield Doubt(
            name="real-cost",
            severity=Validity.SUSPECT,
            evidence=f"half of the attempts at {step} took the server {three_digits(cost)} s of the people's time or more, real "
            f"work that no scale makes faster; want at most {REAL_COST_LIMIT_RATIO * page_seconds:.3g} s, a tenth of the page patience",
            what_to_do="use a lower --speed or a smaller --sample",
        )


def _rounding(record: RunRecord, profile: Profile | None) -> Iterator[Doubt]:
    if profile is None:
        return
    coarse = [each for each in roundings(profile, record.scale.scale()) if each.error_ratio > ROUNDING_LIMIT_RATIO]
    if coarse:
        named = ", ".join(f"{each.where} {each.wanted:.3g} became {each.got}" for each in coarse)
        yield Doubt(
            name="rounding",
            severity=Validity.SUSPECT,
            evidence=f"the scale rounds by more than {ROUNDING_LIMIT_RATIO:g}: {named}",
            what_to_do="use a larger --sample",
        )


def _few_samples(record: RunRecord, scenario: Scenario) -> Iterator[Doubt]:
    samples = {step.step: step.response.samples for step in record.steps}
    for objective in scenario.objective:
        if objective.quantile is None or objective.profile not in (None, record.profile):
            continue
        steps = objective.step or list(samples)
        found = record.host.lateness.samples if "lateness" in objective.measure else sum(samples.get(step, 0) for step in steps)
        beyond = found * (1 - objective.quantile)
        if 0 < beyond < ENOUGH_BEYOND:
            yield Doubt(
                name="few-samples",
                severity=Validity.SUSPECT if beyond < 1 else Validity.VALID,
                evidence=f'"{objective.name}" reads the {100 * objective.quantile:g} % point of {found:,} samples; want '
                f"{round(ENOUGH_BEYOND / (1 - objective.quantile)):,} for a number, {round(1 / (1 - objective.quantile)):,} for a bound",
                what_to_do="use a larger --sample or a longer --for",
            )


def _cut(record: RunRecord) -> Iterator[Doubt]:
    if record.cut_short:
        yield Doubt(
            name="cut-short",
            severity=Validity.SUSPECT,
            evidence=f"the run was stopped at {record.ended_seconds:,.0f} s; arrivals were to be due for {record.for_seconds:,.0f} s",
            what_to_do="let it run to its end, or ask for less with --for",
        )
    if record.host.servers_died:
        yield Doubt(
            name="server-died",
            severity=Validity.SUSPECT,
            evidence=f"{record.host.servers_died} server processes were killed before they closed their ledger",
            what_to_do="look at the end of server.log; when the kill was part of the experiment, read the totals with that in mind",
        )


def _remarks(record: RunRecord) -> Iterator[Doubt]:
    again = record.host.retransmitted_ratio
    if again is not None and again > RETRANSMITTED_REMARK_RATIO:
        yield Doubt(
            name="retransmits",
            severity=Validity.VALID,
            evidence=f"{again:.2g} of the segments from the generator's machine were sent again; above {RETRANSMITTED_REMARK_RATIO:g} the "
            "network, and not the site alone, makes people wait",
            what_to_do="look at the network between generator and site, and at what the site's kernel drops",
        )
    sample = record.scale.scale().sample
    if sample < SMALLEST_SMOOTH_SAMPLE and record.uploads is not None:
        yield Doubt(
            name="lumpy-shares",
            severity=Validity.VALID,
            evidence=f"with {sample} of the people the store's work comes in lumps: shares and rates of uploads vary by some 20 % at 1/100 "
            "from seed to seed",
            what_to_do=f"read the story, not the second digit; --sample {SMALLEST_SMOOTH_SAMPLE} or more gives steadier shares",
        )
    if record.probe is not None:
        wall_seconds = sum(step.took_seconds for step in record.probe.steps)
        yield Doubt(
            name="browser-probe",
            severity=Validity.VALID,
            evidence=f"a browser walked the site's pages for {three_digits(wall_seconds)} s of wall time, and used CPU and memory of this "
            "machine that site and generator lacked meanwhile",
            what_to_do="read its pictures, not the last digit of the numbers; leave browser_probes out of runs that you compare",
        )
    if record.coverage == "client only":
        yield Doubt(
            name="one-end",
            severity=Validity.VALID,
            evidence="only the generator's end is known: where in the site attempts failed is not, and nothing was looked for in its store",
            what_to_do="log the trace ids on the site's side and `gelombang join` them (docs/ledger.md)",
        )
