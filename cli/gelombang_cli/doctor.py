"""`gelombang doctor`: can this machine carry a run? Ten lines, each with what was found and what is wanted; `run` asks the same."""

import argparse
import os
import resource
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from gelombang.errors import ExitCode, HostError
from gelombang.kernel import listen_counters
from gelombang_cli.arguments import Commands, positive

PYTHON_WANTED = (3, 11)
DESCRIPTORS_WANTED = 4_096
DESCRIPTORS_SPARE = 200
BYTES_PER_PERSON = 4_000
PHOTO_BYTES_PER_PERSON = 350_000
"""Disk for one person of a run: ledgers and database, and photos at full size. An opening hour against april-2020 took 2 KB and 280 KB, the
latter for every photo that was stored, waited for or not (`du` of a run's folder)."""
DISK_FLOOR_BYTES = 200_000_000
MEMORY_WANTED_BYTES = 1_000_000_000
SOMAXCONN_WANTED = 1_024


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `ok` False forbids a run, None is a warning."""

    name: str
    ok: bool | None
    found: str
    wanted: str

    def __str__(self) -> str:
        mark = {True: "ok  ", None: "warn", False: "BAD "}[self.ok]
        wish = "" if self.ok else f"  (want {self.wanted})"
        return f"{mark}  {self.name:<17} {self.found}{wish}"


def add_command(commands: Commands) -> None:
    parser = commands.add_parser("doctor", help="can this machine carry a run?", description=__doc__)
    parser.add_argument("--people", type=int, default=8_000, help="people of the sample that is planned (default 8000)")
    parser.add_argument("--bytes", type=float, default=0.1, metavar="B", help="size of a photo, times this (default 0.1)")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    findings = list(examine(parsed.people, positive("--bytes", parsed.bytes), Path.cwd()))
    for finding in findings:
        print(finding)
    return ExitCode.WRONG_INPUT if any(finding.ok is False for finding in findings) else ExitCode.AS_EXPECTED


def require_able(people_in_flight: int, people: int, bytes_ratio: float, folder: Path, keep_bytes: int | None = None) -> None:
    """Raise HostError with the first thing that forbids the run. `people_in_flight` is the most that may hold a socket at once."""
    descriptors = _descriptors(max(DESCRIPTORS_WANTED, people_in_flight + DESCRIPTORS_SPARE))
    for finding in (descriptors, *examine(people, bytes_ratio, folder, keep_bytes)):
        if finding.ok is False:
            raise HostError(f"{finding.name}: {finding.found}; want {finding.wanted}")


def examine(people: int, bytes_ratio: float, folder: Path, keep_bytes: int | None = None) -> Iterator[Finding]:
    """All findings, in the order of the page. `keep_bytes`: what photos may take of the disk, where the run is told so."""
    yield _python()
    yield _cores()
    yield _memory()
    yield _disk(people, bytes_ratio, folder, keep_bytes)
    yield _writable(folder)
    yield _descriptors(DESCRIPTORS_WANTED)
    yield _ports()
    yield _backlog()
    yield _kernel_queues()
    yield _busy()


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= PYTHON_WANTED, found, "3.11 or newer")


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0))
    return Finding("cores", True if cores >= 2 else None, str(cores), "2, one for the site and one for the generator")


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    return Finding("memory free", free >= MEMORY_WANTED_BYTES, f"{free / 1e9:.1f} GB", f"{MEMORY_WANTED_BYTES / 1e9:g} GB")


def _disk(people: int, bytes_ratio: float, folder: Path, keep_bytes: int | None) -> Finding:
    free = shutil.disk_usage(folder).free
    photos = people * round(PHOTO_BYTES_PER_PERSON * bytes_ratio)
    wanted = DISK_FLOOR_BYTES + people * BYTES_PER_PERSON + (photos if keep_bytes is None else min(photos, keep_bytes))
    return Finding("disk free", free >= wanted, f"{free / 1e9:.1f} GB", f"{wanted / 1e9:.1f} GB for {people:,} people")


def _writable(folder: Path) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
            os.fdatasync(file.fileno())
    except OSError as error:
        return Finding("folder", False, f"{folder}: {error.strerror}", "a folder that can be written and synced")
    return Finding("folder", True, f"{folder} can be written", "a folder that can be written")


def _descriptors(wanted: int) -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Finding("open files", hard >= wanted, f"{soft:,} (limit {hard:,})", f"{wanted:,}: ulimit -n {wanted}")


def _ports() -> Finding:
    try:
        low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    except OSError:
        return Finding("client ports", None, "not readable", "a range of 10,000 or more")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
    return Finding("client ports", True if high - low >= 10_000 else None, f"{low} to {high}", "a range of 10,000 or more")


def _backlog() -> Finding:
    try:
        value = int(Path("/proc/sys/net/core/somaxconn").read_text())
    except OSError:
        return Finding("accept queue", None, "not readable", f"{SOMAXCONN_WANTED}")
    return Finding(
        "accept queue", True if value >= SOMAXCONN_WANTED else None, f"{value:,}", f"sysctl net.core.somaxconn={SOMAXCONN_WANTED}"
    )


def _kernel_queues() -> Finding:
    counters = listen_counters()
    if not counters:
        return Finding("kernel counters", None, "/proc/net/netstat is not readable", "it: dropped connections could not be explained")
    text = f"listen overflows {counters['listen_overflows']:,}, drops {counters['listen_drops']:,} since boot"
    return Finding("kernel counters", True, text, "")


def _busy() -> Finding:
    share = psutil.cpu_percent(0.3) / 100
    return Finding(
        "machine busy",
        True if share < 0.3 else None,
        f"{share:.0%}",
        "under 30 %: others use this machine, and it will be read as the site",
    )
