"""A control group of the kernel's around this process and all that it starts: so much processor time, memory and writing to one disk.

The kernel sets these limits, so what happens at them is nobody's model: throttled threads, a full disk queue, the out-of-memory killer
(Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/). One group with cgroup v2, one for each controller with v1. With v2 it
stands at the root of the hierarchy, where the kernel allows groups beside processes; with v1 inside the group that this process is in.
What the kernel writes for others (a journal) is not held against the group. Left out: reading, and other limits than the three.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gelombang.clock import monotonic_us, sleep_seconds
from gelombang.errors import HostError

WANTED = "want root on Linux with cgroup v2 (cpu, memory and io), or v1 with cpu, memory and blkio"
PERIOD_US = 100_000
"""The kernel's own: in which the processor time is shared out."""
LEAVE_SECONDS = 5.0
"""Wall time in which a group must be empty that everybody has left."""
_MOUNTS, _OWN = Path("/proc/mounts"), Path("/proc/self/cgroup")
_PROCESSES = "cgroup.procs"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the group may have."""

    cores: float
    memory_bytes: int | None = None
    """None: as much as there is."""
    disk: tuple[str, int] | None = None
    """`MAJOR:MINOR` and bytes written to it a second."""


@dataclass(frozen=True, slots=True)
class Group:
    """A folder of the kernel's, what is written into its files, and where this process comes from."""

    path: Path
    settings: tuple[tuple[str, str], ...]
    home: Path
    enabled_by: tuple[Path, str] | None = None
    """With v2, what lets the group have its controllers."""


def groups_for(limits: Limits, mounts: str, own: str, name: str) -> list[Group]:
    """The groups that set these limits. `mounts` and `own` as /proc/mounts and /proc/self/cgroup have them. Raises HostError."""
    homes = dict(line.split(":", 2)[1:] for line in own.splitlines() if line.count(":") >= 2)
    v1: dict[str, Path] = {}
    for line in mounts.splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup":
            v1 |= {option: Path(where) for option in options.split(",")}
        elif kind == "cgroup2" and _has_controllers(Path(where)):
            return [_unified(limits, Path(where), homes.get("", "/"), name)]
    quota = f"{round(limits.cores * PERIOD_US)}"
    settings: dict[str, tuple[tuple[str, str], ...]] = {"cpu": (("cpu.cfs_period_us", f"{PERIOD_US}"), ("cpu.cfs_quota_us", quota))}
    if limits.memory_bytes is not None:
        settings["memory"] = (("memory.limit_in_bytes", f"{limits.memory_bytes}"),)
    if limits.disk is not None:
        device, bandwidth = limits.disk
        settings["blkio"] = (("blkio.throttle.write_bps_device", f"{device} {bandwidth}"),)
    missing = [controller for controller in settings if controller not in v1]
    if missing:
        raise HostError(f"no control group for {' and '.join(missing)} is mounted; {WANTED}")
    found = []
    for controller, written in settings.items():
        own_path = next((path for names, path in homes.items() if controller in names.split(",")), "/")
        home = v1[controller] / own_path.lstrip("/")
        found.append(Group(home / name, written, home))
    return found


def require_groups() -> None:
    """Raises HostError where this process can't set limits."""
    if os.geteuid() != 0:
        raise HostError(f"real limits are set by root, and this is user {os.geteuid()}; {WANTED}")
    if not _MOUNTS.exists() or not _OWN.exists():
        raise HostError(f"real limits are set by Linux, and here is no {_OWN}; {WANTED}")
    groups_for(Limits(1.0, 1, ("0:0", 1)), _MOUNTS.read_text(), _OWN.read_text(), "any")


@contextmanager
def limited(limits: Limits) -> Iterator[list[Group]]:
    """This process, and what it starts, within the limits until the block ends. Raises HostError."""
    require_groups()
    groups = groups_for(limits, _MOUNTS.read_text(), _OWN.read_text(), f"gelombang-{os.getpid()}")
    entered: list[Group] = []
    try:
        for group in groups:
            entered.append(group)
            _enter(group)
        yield groups
    finally:
        _leave(entered)


def _has_controllers(mount: Path) -> bool:
    try:
        controllers = (mount / "cgroup.controllers").read_text().split()
    except OSError:
        return False
    return {"cpu", "memory", "io"} <= set(controllers)


def _unified(limits: Limits, mount: Path, own_path: str, name: str) -> Group:
    settings = [("cpu.max", f"{round(limits.cores * PERIOD_US)} {PERIOD_US}")]
    if limits.memory_bytes is not None:
        settings.append(("memory.max", f"{limits.memory_bytes}"))
    if limits.disk is not None:
        device, bandwidth = limits.disk
        settings.append(("io.max", f"{device} wbps={bandwidth}"))
    enabled_by = (mount / "cgroup.subtree_control", "+cpu +memory +io")
    return Group(mount / name, tuple(settings), mount / own_path.lstrip("/"), enabled_by)


def _enter(group: Group) -> None:
    try:
        if group.enabled_by is not None:
            file, text = group.enabled_by
            file.write_text(text)
        group.path.mkdir()
        for file_name, text in group.settings:
            (group.path / file_name).write_text(text)
        (group.path / _PROCESSES).write_text(str(os.getpid()))
    except OSError as error:
        raise HostError(f"control group {group.path} can't be used ({error.strerror}); {WANTED}") from error


def _leave(groups: Sequence[Group]) -> None:
    """Go home, and take the groups away."""
    until_us = monotonic_us() + round(LEAVE_SECONDS * 1e6)
    for group in groups:
        if group.path.exists():
            (group.home / _PROCESSES).write_text(str(os.getpid()))
    for group in groups:
        while group.path.exists():
            try:
                group.path.rmdir()
            except OSError as error:
                if monotonic_us() > until_us:
                    raise HostError(
                        f"control group {group.path} is still in use ({error.strerror}); want it left, then: rmdir it"
                    ) from error
                sleep_seconds(0.05)
