"""What a run cost the machine, from the samples that were taken each second: `host.jsonl` and `generator-<k>.jsonl`.

Only samples from the run's zero on count: starting processes is work, and nobody arrives then.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gelombang.clock import MICROSECONDS
from gelombang.errors import RecordError
from gelombang.network_facts import read_network
from gelombang.record import Host, Quantiles

HOST_SAMPLES = "host.jsonl"
GENERATOR_SAMPLES = "generator-*.jsonl"
GENERATOR_LOGS = "generator*.log"
GENERATOR_BUSY_RATIO = 0.8
MACHINE_BUSY_RATIO = 0.95
CROWDED_TASKS_PER_CORE = 4.0
"""Tasks that run or could run, per core, from which on a generator waits for its turn."""
_TRACEBACK = re.compile(rb"^\s*Traceback \(most recent call last\)", re.MULTILINE)

Sample = dict[str, float]


def read_host(
    folder: Path, machine: Mapping[str, str | int], listen: tuple[Mapping[str, int], Mapping[str, int]], processes: tuple[int, int]
) -> Host:
    """The record's host part, lateness apart. `listen` holds the kernel's counters before and after, `processes` those of generator and
    server. Raises RecordError for a sample that is not JSON."""
    samples = read_samples(folder / HOST_SAMPLES)
    generators = [read_samples(path) for path in sorted(folder.glob(GENERATOR_SAMPLES))]
    if not samples and len(generators) == 1:
        # Nobody watched from outside (a locustfile run by hand): the generator's own samples say what they can.
        samples = [{**sample, "generator_cpu_cores": sample.get("cpu_share", 0.0)} for sample in generators[0]]
    machine_shares = [sample["machine_cpu_share"] for sample in samples if "machine_cpu_share" in sample]
    late = [sample["loop_late_max_us"] / MICROSECONDS for own in generators for sample in own if "loop_late_max_us" in sample]
    spent = [sample["generator_cpu_cores"] for sample in samples if "generator_cpu_cores" in sample]
    client, network = read_network(folder)
    return Host(
        cores=int(machine.get("cores", 0)),
        memory_bytes=int(machine.get("memory_bytes", 0)),
        kernel=str(machine.get("kernel", "")),
        python=str(machine.get("python", "")),
        generator_processes=processes[0],
        server_processes=processes[1],
        generator_cpu_ratio=_mean(spent),
        generator_cpu_max_ratio=max(spent, default=None),
        server_cpu_ratio=_mean([sample["server_cpu_cores"] for sample in samples if "server_cpu_cores" in sample]),
        machine_cpu_ratio=_mean(machine_shares),
        machine_cpu_max_ratio=max(machine_shares, default=None),
        lateness=Quantiles(samples=0),
        loop_late_max_seconds=max(late, default=None),
        listen_overflows=_rise(listen, "listen_overflows"),
        listen_drops=_rise(listen, "listen_drops"),
        generator_busy_seconds=max((_busy_seconds(own) for own in generators), default=None),
        machine_busy_ratio=_mean([float(share > MACHINE_BUSY_RATIO) for share in machine_shares]),
        gc_pause_max_seconds=max((us / MICROSECONDS for us in _values(generators, "gc_pause_max_us")), default=None),
        crowded_ratio=_mean([float(tasks > CROWDED_TASKS_PER_CORE) for tasks in _values(generators, "run_queue_per_core")]),
        sockets_ratio=max(
            (_most(own, "sockets") / own[-1]["sockets_limit"] for own in generators if own and "sockets" in own[-1]), default=None
        ),
        ports_ratio=_ports_ratio(generators),
        retransmitted_ratio=_risen_ratio(generators, "segments_retransmitted"),
        kernel_drops_ratio=_risen_ratio(generators, "kernel_drops"),
        client=client,
        network=network,
        generator_exceptions=sum(len(_TRACEBACK.findall(path.read_bytes())) for path in sorted(folder.glob(GENERATOR_LOGS))),
    )


def dropped_by_kernel(host: Host) -> int:
    """Connections that the kernel dropped before a server saw them: an overflow is counted as a drop as well."""
    return max(host.listen_overflows or 0, host.listen_drops or 0)


def read_samples(path: Path) -> list[Sample]:
    if not path.exists():
        return []
    samples: list[Sample] = []
    lines = path.read_text().split("\n")
    for number, line in enumerate(lines, start=1):
        # Only the last line may be cut off: its writer was ended while writing.
        if not line or (number == len(lines) and not line.endswith("}")):
            continue
        try:
            found = json.loads(line)
        except ValueError:
            raise RecordError(f"{path}:{number} is not JSON; want one sample a line") from None
        samples.append({key: float(value) for key, value in found.items() if isinstance(value, int | float)})
    return [sample for sample in samples if sample.get("t_us", 0.0) >= 0]


def _busy_seconds(samples: Sequence[Sample]) -> float:
    """The longest stretch of neighbouring samples above the limit; a sample stands for the second before it."""
    longest = stretch = 0.0
    earlier_us = None
    for sample in samples:
        lasted = (sample["t_us"] - earlier_us) / MICROSECONDS if earlier_us is not None else 1.0
        earlier_us = sample["t_us"]
        stretch = stretch + lasted if sample.get("cpu_share", 0.0) > GENERATOR_BUSY_RATIO else 0.0
        longest = max(longest, stretch)
    return longest


def _values(generators: Sequence[Sequence[Sample]], name: str) -> list[float]:
    return [sample[name] for own in generators for sample in own if name in sample]


def _most(samples: Sequence[Sample], name: str) -> float:
    return max((sample[name] for sample in samples if name in sample), default=0.0)


def _ports_ratio(generators: Sequence[Sequence[Sample]]) -> float | None:
    """Of one machine: all processes' sockets, and what waits to be free again, which the kernel counts once for all."""
    ports = min(_values(generators, "ports"), default=0.0)
    if not ports:
        return None
    used = sum(_most(own, "sockets") for own in generators) + max(_values(generators, "time_wait"), default=0.0)
    return used / ports


def _risen_ratio(generators: Sequence[Sequence[Sample]], name: str) -> float | None:
    """By how much a counter of the kernel rose over the run, over segments sent; the worst that a process saw."""
    found = []
    for own in generators:
        seen = [sample for sample in own if name in sample and "segments_sent" in sample]
        if len(seen) > 1:
            found.append((seen[-1][name] - seen[0][name]) / max(seen[-1]["segments_sent"] - seen[0]["segments_sent"], 1.0))
    return max(found, default=None)


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None


def _rise(listen: tuple[Mapping[str, int], Mapping[str, int]], name: str) -> int | None:
    before, after = listen
    return after[name] - before[name] if name in before and name in after else None
