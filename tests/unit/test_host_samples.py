"""What a run cost its machine, read from samples; and the kernel's own words for it."""

import json
from pathlib import Path

import numpy as np
import pytest

from gelombang.host_samples import read_host
from gelombang.kernel import ephemeral_ports, listen_counters, read_network
from gelombang.record import Host, Quantiles
from gelombang.summary import RunFacts, summarise
from gelombang.validity import find_doubts
from support.run_folder import RunFolder, scenario_of

NETSTAT = "TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPBacklogDrop\nTcpExt: 1 5 7 3\nIpExt: InOctets\nIpExt: 9\n"
SNMP = "Ip: Forwarding\nIp: 1\nTcp: RtoAlgorithm MaxConn OutSegs RetransSegs\nTcp: 1 -1 1000 20\n"
HEALTHY = {
    "loop_late_max_us": 4_000, "gc_pause_max_us": 900, "cpu_share": 0.3, "machine_cpu_share": 0.5, "sockets": 90, "sockets_limit": 1_000,
    "ports": 28_232, "run_queue_per_core": 1.0, "segments_sent": 0, "segments_retransmitted": 0, "kernel_drops": 0, "time_wait": 500,
}  # fmt: skip


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    net = tmp_path / "proc" / "net"
    net.mkdir(parents=True)
    (net / "netstat").write_text(NETSTAT)
    (net / "snmp").write_text(SNMP)
    (net / "softnet_stat").write_text("00ff 00000002 0\n00aa 0000000a 0\n")
    (net / "sockstat").write_text("sockets: used 29\nTCP: inuse 12 orphan 0 tw 1755 alloc 302 mem 0\n")
    (tmp_path / "proc" / "loadavg").write_text("4.39 3.77 3.57 12/212 11637\n")
    ports = tmp_path / "proc" / "sys" / "net" / "ipv4"
    ports.mkdir(parents=True)
    (ports / "ip_local_port_range").write_text("32768\t60999\n")
    return tmp_path / "proc"


def test_the_kernels_files_are_read_as_they_are(proc: Path) -> None:
    found = read_network(proc)
    assert (found.segments_sent, found.segments_retransmitted, found.kernel_drops) == (1000, 20, 2 + 10 + 3)
    assert (found.run_queue, found.time_wait) == (12, 1755)
    assert listen_counters(proc) == {"listen_overflows": 5, "listen_drops": 7}
    assert ephemeral_ports(proc) == 28_232


def test_where_the_kernel_has_no_such_files_nothing_is_known(tmp_path: Path) -> None:
    found = read_network(tmp_path)
    assert {getattr(found, name) for name in found.__slots__} == {None}
    assert listen_counters(tmp_path) == {}
    assert ephemeral_ports(tmp_path) is None


def host_of(folder: Path, *processes: list[dict[str, float]]) -> Host:
    for k, changes in enumerate(processes):
        lines = [json.dumps(HEALTHY | {"t_us": (i + 1) * 1_000_000} | change) for i, change in enumerate(changes)]
        (folder / f"generator-{k}.jsonl").write_text("\n".join(lines) + "\n")
    return read_host(folder, {"cores": 2}, ({}, {}), (len(processes), 1))


def doubts(tmp_path: Path, *processes: list[dict[str, float]]) -> set[str]:
    """Of a calm run that had these samples."""
    run = RunFolder(tmp_path / "run", sample="1/20").everybody().write()
    record = summarise(run.path, run.plan, run.profile, RunFacts("now"), due_us=run.due_us())
    host = host_of(tmp_path, *processes).model_copy(update={"lateness": Quantiles(samples=0)})
    found = find_doubts(record.model_copy(update={"host": host}), scenario_of(), None, {}, np.array([1]))
    return {doubt.name for doubt in found} - {"few-samples"}


def test_a_healthy_generator_is_not_doubted(tmp_path: Path) -> None:
    assert doubts(tmp_path, [{"segments_sent": 1_000 * i, "segments_retransmitted": 5 * i} for i in range(60)]) == set()


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"loop_late_max_us": 1_000_000}, "stalled-generator"),
        ({"gc_pause_max_us": 60_000}, "collector-pause"),
        ({"cpu_share": 0.95}, "busy-generator"),
        ({"run_queue_per_core": 9.0}, "crowded-machine"),
        ({"sockets": 950}, "few-sockets"),
        ({"time_wait": 25_000}, "few-ports"),
        ({"kernel_drops": 100, "segments_sent": 10_000}, "kernel-drops"),
        ({"segments_retransmitted": 1_000, "segments_sent": 10_000}, "retransmits"),
    ],
)
def test_what_starves_a_generator_for_ten_of_sixty_seconds_is_its_doubt(tmp_path: Path, change: dict[str, float], doubt: str) -> None:
    assert doubts(tmp_path, [{}] * 50 + [change] * 10) == {doubt}


def test_ports_are_those_of_all_processes_and_what_waits_is_counted_once(tmp_path: Path) -> None:
    host = host_of(tmp_path, *([{"sockets": 300, "ports": 1_000, "time_wait": 100}] * 3 for _ in range(2)))
    assert host.ports_ratio == pytest.approx(0.7)
    assert host.sockets_ratio == pytest.approx(0.3)
    assert host.retransmitted_ratio == 0.0
