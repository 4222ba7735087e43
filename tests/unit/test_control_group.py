"""Which control groups set a machine's limits, read off what the kernel says is mounted; and what is said where none can."""

import os
from pathlib import Path

import pytest

from gelombang.errors import ExitCode, HostError
from gelombang.loading import load_profile
from gelombang_server.control_group import Limits, groups_for
from gelombang_server.real_limits import require_limits

LIMITS = Limits(cores=1.5, memory_bytes=1_000_000_000, disk=("7:3", 4_000_000))
V1 = """\
/dev/vda / ext4 rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/blkio cgroup rw,blkio 0 0
"""
OWN = "9:cpu,cpuacct:/jobs/7\n4:memory:/\n7:blkio:/\n0::/scope\n"


def test_with_v1_each_controller_has_a_group_inside_the_one_that_this_process_is_in():
    cpu, memory, disk = groups_for(LIMITS, V1, OWN, "site")
    assert (cpu.path, cpu.home) == (Path("/sys/fs/cgroup/cpu,cpuacct/jobs/7/site"), Path("/sys/fs/cgroup/cpu,cpuacct/jobs/7"))
    assert cpu.settings == (("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "150000"))
    assert (memory.path, memory.settings) == (Path("/sys/fs/cgroup/memory/site"), (("memory.limit_in_bytes", "1000000000"),))
    assert (disk.path, disk.settings) == (Path("/sys/fs/cgroup/blkio/site"), (("blkio.throttle.write_bps_device", "7:3 4000000"),))


def test_with_v2_one_group_at_the_root_has_all_three(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (group,) = groups_for(LIMITS, f"cgroup2 {tmp_path} cgroup2 rw 0 0\n", OWN, "site")
    assert (group.path, group.home) == (tmp_path / "site", tmp_path / "scope")
    assert group.settings == (("cpu.max", "150000 100000"), ("memory.max", "1000000000"), ("io.max", "7:3 wbps=4000000"))
    assert group.enabled_by == (tmp_path / "cgroup.subtree_control", "+cpu +memory +io")


def test_what_is_not_limited_has_no_group():
    (cpu,) = groups_for(Limits(cores=0.5), V1, OWN, "site")
    assert cpu.settings[1] == ("cpu.cfs_quota_us", "50000")


def test_a_v2_hierarchy_that_has_left_its_controllers_to_v1_is_passed_over(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("hugetlb\n")
    groups = groups_for(LIMITS, f"cgroup2 {tmp_path} cgroup2 rw 0 0\n" + V1, OWN, "site")
    assert len(groups) == 3


def test_what_is_not_mounted_is_named():
    without = "\n".join(line for line in V1.splitlines() if "cpu" not in line and "blkio" not in line)
    with pytest.raises(HostError, match="no control group for cpu and blkio is mounted; want root on Linux with cgroup v2") as said:
        groups_for(LIMITS, without, OWN, "site")
    assert said.value.exit_code is ExitCode.WRONG_INPUT


def test_a_profile_with_real_limits_is_refused_by_name_where_nobody_is_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HostError, match="profile physical: real limits are set by root, and this is user 1000; want root on Linux"):
        require_limits(load_profile("physical"))
    require_limits(load_profile("april-2020"))
