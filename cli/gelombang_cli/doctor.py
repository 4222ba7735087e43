"""`gelombang doctor`: can this machine carry a run? A line for each thing, with what was found and what is wanted; `run` asks the same."""

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
from rich.console import Console

from gelombang.errors import ExitCode, HostError, InputError
from gelombang.kernel import listen_counters
from gelombang_cli.arguments import Commands, positive, size_bytes

PYTHON_WANTED = (3, 11)
DESCRIPTORS_WANTED = 4_096
DESCRIPTORS_SPARE = 200
BYTES_PER_PERSON = 4_000
PHOTO_BYTES_PER_PERSON = 350_000
"""Disk for one person of a run: ledgers and database, and photos at full size. An opening hour against april-2020 took 2 KB and 280 KB, the
latter for every photo that was stored, waited for or not (`du` of a run's folder)."""
DISK_FLOOR_BYTES = 200_000_000
MEMORY_WANTED_BYTES = 1_000_000_000
MEMORY_BYTES_PER_PERSON = 2_100
"""A run at full size is to stay within 4 GB with all its processes."""
SOMAXCONN_WANTED = 1_024
PORTS_WANTED = 10_000
MANY_PEOPLE = 100_000
"""Above it, the two for many are wanted."""
BACKLOG_OF_MANY = 4_096
"""The backlog of the sites that come along."""
PORTS_OF_MANY = 50_000
"""1.4 million people in an hour open some 400 connections a second and more; the kernel's default, 28,000 ports, would be gone in a minute
if none could be used again."""
AT_ONCE_SHARE = 0.12
"""Of the people of an opening hour, who may hold a connection at once: 1 % do, and 11 % did on a machine that was too busy to answer."""
KEEP_BYTES_FLOOR = 1_000_000


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
    parser.add_argument(
        "--at-once",
        type=int,
        metavar="N",
        help="people who may hold a connection at once (default: of N people, the share that an opening hour may have, 12 %%)",
    )
    parser.add_argument("--keep-bytes", metavar="SIZE", help="what photos may take of the disk, such as 20G, where the run is told so")
    parser.set_defaults(command=_command)


def _command(parsed: argparse.Namespace) -> ExitCode:
    if parsed.people <= 0:
        raise InputError(f"--people is {parsed.people}; want 1 or more")
    at_once = round(parsed.people * AT_ONCE_SHARE) if parsed.at_once is None else parsed.at_once
    keep_bytes = None if parsed.keep_bytes is None else size_bytes("--keep-bytes", parsed.keep_bytes, KEEP_BYTES_FLOOR)
    findings = list(examine(parsed.people, positive("--bytes", parsed.bytes), Path.cwd(), keep_bytes, at_once))
    for finding in findings:
        print(finding)
    return ExitCode.WRONG_INPUT if any(finding.ok is False for finding in findings) else ExitCode.AS_EXPECTED


def require_able(
    console: Console,
    people_in_flight: int,
    people: int,
    bytes_ratio: float,
    folder: Path,
    keep_bytes: int | None = None,
    site_is_here: bool = True,
) -> None:
    """Raise HostError with the first thing that forbids the run, and say what may make it doubtful: at its end that would be too late.
    `people_in_flight` is the most that may hold a socket at once."""
    for finding in examine(people, bytes_ratio, folder, keep_bytes, people_in_flight, site_is_here):
        if finding.ok is False:
            raise HostError(f"{finding.name}: {finding.found}; want {finding.wanted}")
        if finding.ok is None:
            console.print(str(finding), highlight=False, soft_wrap=True, markup=False)


def examine(
    people: int, bytes_ratio: float, folder: Path, keep_bytes: int | None = None, at_once: int = 0, site_is_here: bool = False
) -> Iterator[Finding]:
    """All findings, in the order of the page. `keep_bytes`: what photos may take of the disk, where the run is told so; `at_once`: how many
    people may hold a connection at once; `site_is_here`: they come over loopback, where a crowd has several addresses."""
    yield _python()
    yield _cores()
    yield _memory(people)
    yield _disk(people, bytes_ratio, folder, keep_bytes)
    yield _writable(folder)
    yield _descriptors(max(DESCRIPTORS_WANTED, at_once + DESCRIPTORS_SPARE))
    yield _ports(people > MANY_PEOPLE and not site_is_here)
    yield _reuse()
    yield _backlog(people)
    yield _kernel_queues()
    yield _busy()


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= PYTHON_WANTED, found, "3.11 or newer")


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0))
    return Finding("cores", True if cores >= 2 else None, str(cores), "2, one for the site and one for the generator")


def _memory(people: int) -> Finding:
    free = psutil.virtual_memory().available
    wanted = MEMORY_WANTED_BYTES + people * MEMORY_BYTES_PER_PERSON
    able = False if free < MEMORY_WANTED_BYTES else True if free >= wanted else None
    return Finding("memory free", able, f"{free / 1e9:.1f} GB", f"{wanted / 1e9:.1f} GB for {people:,} people: end what else uses it")


def _disk(people: int, bytes_ratio: float, folder: Path, keep_bytes: int | None) -> Finding:
    free = shutil.disk_usage(folder).free
    photos = people * round(PHOTO_BYTES_PER_PERSON * bytes_ratio)
    wanted = DISK_FLOOR_BYTES + people * BYTES_PER_PERSON + (photos if keep_bytes is None else min(photos, keep_bytes))
    return Finding(
        "disk free",
        free >= wanted,
        f"{free / 1e9:.1f} GB",
        f"{wanted / 1e9:.1f} GB for {people:,} people, or a bound: run --keep-bytes SIZE",
    )


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


def _ports(many: bool) -> Finding:
    """A connection that its client closed keeps its port for a minute, on the way to one server address."""
    path, wanted = "/proc/sys/net/ipv4/ip_local_port_range", PORTS_OF_MANY if many else PORTS_WANTED
    where = " for a site on another machine" if many else ""
    wish = f'{wanted:,} of them{where}: sysctl net.ipv4.ip_local_port_range="10000 {10_000 + max(wanted, PORTS_OF_MANY)}"'
    try:
        low, high = map(int, Path(path).read_text().split())
    except OSError:
        return Finding("client ports", None, "not readable", wish)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
    return Finding("client ports", True if high - low >= wanted else None, f"{low} to {high}", wish)


def _reuse() -> Finding:
    wish = "1 or 2, so that a port in TIME-WAIT is used again: sysctl net.ipv4.tcp_tw_reuse=2"
    try:
        value = int(Path("/proc/sys/net/ipv4/tcp_tw_reuse").read_text())
    except OSError:
        return Finding("ports used again", None, "not readable", wish)
    return Finding("ports used again", True if value else None, f"tcp_tw_reuse {value}", wish)


def _backlog(people: int) -> Finding:
    wanted = BACKLOG_OF_MANY if people > MANY_PEOPLE else SOMAXCONN_WANTED
    wish = f"{wanted:,}: sysctl net.core.somaxconn={wanted}"
    try:
        value = int(Path("/proc/sys/net/core/somaxconn").read_text())
    except OSError:
        return Finding("accept queue", None, "not readable", wish)
    return Finding("accept queue", True if value >= wanted else None, f"{value:,}", wish)


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
