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


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None


def _rise(listen: tuple[Mapping[str, int], Mapping[str, int]], name: str) -> int | None:
    before, after = listen
    return after[name] - before[name] if name in before and name in after else None
