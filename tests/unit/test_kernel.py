"""What is read from /proc, on files as kernels write them, and on the real one."""

from pathlib import Path

import pytest

from gelombang.kernel import listen_counters, read_machine, read_process

STAT = "cpu  100 20 30 400 5 6 7 8 90 0\ncpu0 50 10 15 200 2 3 3 4 45 0\ncpu1 50 10 15 200 3 3 4 4 45 0\nintr 1\n"
MEMINFO = "MemTotal:       2000 kB\nMemFree:         100 kB\nMemAvailable:   1500 kB\nDirty:            40 kB\nWriteback:         2 kB\n"
NETSTAT = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 22 33\nIpExt: InNoRoutes\nIpExt: 0\n"
SNMP = "Ip: Forwarding\nIp: 1\nTcp: ActiveOpens RetransSegs\nTcp: 5 77\n"


def proc(folder: Path, **changes: str | None) -> Path:
    files = {"stat": STAT, "meminfo": MEMINFO, "net/netstat": NETSTAT, "net/snmp": SNMP}
    files |= {f"pressure/{name}": f"some avg10=0.00 avg60=0.00 avg300=0.00 total={total}\n" for name, total in _PRESSURE.items()}
    for name, text in (files | {name.replace("_", "/"): text for name, text in changes.items()}).items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    return folder


_PRESSURE = {"cpu": 1_500_000, "io": 0, "memory": 250_000}


def test_a_look_at_the_machine_gives_seconds_bytes_and_counts(tmp_path: Path) -> None:
    found = read_machine(proc(tmp_path))
    assert found.cores == 2
    assert found.cpu_seconds == pytest.approx({"user": 1.2, "system": 0.43, "iowait": 0.05, "steal": 0.08, "idle": 4.0})
    assert found.memory == {"memtotal": 2_048_000, "memavailable": 1_536_000, "dirty": 40_960, "writeback": 2_048}
    assert found.stalled_seconds == {"cpu": 1.5, "io": 0.0, "memory": 0.25}
    assert found.listen == {"listen_overflows": 22, "listen_drops": 33}
    assert found.retransmits == 77


def test_what_a_kernel_does_not_count_is_absent_and_not_nought(tmp_path: Path) -> None:
    bare = {"net_netstat": None, "net_snmp": "Udp: A\nUdp: 1\n", "pressure_cpu": None, "pressure_io": None, "pressure_memory": None}
    found = read_machine(proc(tmp_path, **bare))
    assert (found.stalled_seconds, found.listen, found.retransmits) == ({}, {}, None)


def test_this_process_has_memory_and_descriptors_below_its_limit() -> None:
    before = read_process()
    with Path("/proc/self/stat").open():
        after = read_process()
    assert after.descriptors == before.descriptors + 1
    assert 0 < after.descriptors < after.descriptors_limit
    assert after.resident_bytes > 1_000_000


def test_this_machine_is_read_as_it_is() -> None:
    found = read_machine()
    assert found.cores >= 1
    assert found.cpu_seconds["idle"] > 0
    assert found.memory["memavailable"] <= found.memory["memtotal"]
    assert set(listen_counters()) in (set(), {"listen_overflows", "listen_drops"})
