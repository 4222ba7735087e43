"""Doubts about what a generator had too little of, and about processes of it that died or whose clocks differ.

Each has its limit here, its evidence and what to do about it; `gelombang.validity` puts all doubts together.
"""

from collections.abc import Iterator

from gelombang.host_samples import CROWDED_TASKS_PER_CORE
from gelombang.objective_words import three_digits
from gelombang.record import Doubt, Host, Validity

CLOCK_ERROR_SUSPECT_SECONDS = 0.005
"""By how much the clock of a machine of the run may be off from the master's."""
GC_PAUSE_SUSPECT_SECONDS = 0.050
"""The longest pause of the collector."""
CROWDED_LIMIT_RATIO = 0.10
"""Share of the seconds in which too many tasks wanted the cores."""
SOCKETS_LIMIT_RATIO = 0.90
"""Of the sockets that a generator process may open."""
PORTS_LIMIT_RATIO = 0.80
"""Of the ports that connections may come from."""
KERNEL_DROPS_LIMIT_RATIO = 0.001
"""Packets that the kernel threw away, over segments that were sent."""


def died(host: Host) -> Iterator[Doubt]:
    """A process that died while the run was followed: SUSPECT when others went on."""
    for death in host.deaths:
        others = (
            f"{death.taken_over:,} due later were given to the {death.living} that went on" if death.living else "nobody was left to go on"
        )
        yield Doubt(
            name="generator-died",
            severity=Validity.SUSPECT if death.living else Validity.INVALID,
            evidence=f"generator process {death.process} {death.how} at {death.at_seconds:,.0f} s: {death.cut:,} of its people were cut in "
            f"mid-journey, {death.unsent:,} who were due never left, {others}",
            what_to_do="look at the end of generator-<k>.log and at the kernel's log for an out-of-memory kill, then run again",
        )


def clocks(host: Host) -> Iterator[Doubt]:
    """Machines that did not begin at the same moment."""
    error = host.clock_error_seconds
    if error is not None and error > CLOCK_ERROR_SUSPECT_SECONDS:
        yield Doubt(
            name="clocks-apart",
            severity=Validity.SUSPECT,
            evidence=f"a worker's clock may be off from the master's by {three_digits(1_000 * error)} ms; want at most "
            f"{1_000 * CLOCK_ERROR_SUSPECT_SECONDS:g} ms: they began that far apart",
            what_to_do="put master and workers into one network, and quieten it while they join",
        )


def starved(host: Host) -> Iterator[Doubt]:
    """What the generator had too little of, beside CPU."""
    quieter = "use a smaller --sample or a lower --speed, or end what else runs on this machine"
    spread = "use a smaller --sample, more --generator-processes, or more machines (docs/distributed.md)"
    if host.clock_error_seconds is None and host.generator_processes > host.cores > 0:
        yield Doubt(
            name="more-generators-than-cores",
            severity=Validity.SUSPECT,
            evidence=f"{host.generator_processes} generator processes shared {host.cores} cores; want at most one for each",
            what_to_do="use fewer --generator-processes, or more machines (docs/distributed.md)",
        )
    pause = host.gc_pause_max_seconds or 0.0
    if pause > GC_PAUSE_SUSPECT_SECONDS:
        yield Doubt(
            name="collector-pause",
            severity=Validity.SUSPECT,
            evidence=f"the generator's collector stopped everything for {three_digits(1_000 * pause)} ms; want at most "
            f"{1_000 * GC_PAUSE_SUSPECT_SECONDS:g} ms",
            what_to_do="look at what the scenario's hooks keep; use more --generator-processes",
        )
    crowded = f"in {{:.2g}} of the seconds more than {CROWDED_TASKS_PER_CORE:g} tasks a core wanted to run"
    descriptors = "raise `ulimit -n`, or use more --generator-processes"
    shares = (
        ("crowded-machine", host.crowded_ratio, CROWDED_LIMIT_RATIO, crowded, quieter),
        ("few-sockets", host.sockets_ratio, SOCKETS_LIMIT_RATIO, "a process had {:.2g} of the sockets open that it may open", descriptors),
        ("few-ports", host.ports_ratio, PORTS_LIMIT_RATIO, "{:.2g} of the ports for connections were in use or not free yet", spread),
        ("kernel-drops", host.kernel_drops_ratio, KERNEL_DROPS_LIMIT_RATIO, "the kernel threw away {:.2g} packets a sent segment", quieter),
    )
    for name, found, limit, evidence, what_to_do in shares:
        if found is not None and found > limit:
            yield Doubt(
                name=name,
                severity=Validity.SUSPECT,
                evidence=f"{evidence.format(found)}; want at most {limit:g}",
                what_to_do=what_to_do,
            )
