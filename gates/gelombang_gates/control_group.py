"""The control group of a process, where it is not also our own: CPU time of everything in it, of what has ended, too.

Promise: version 2 in microseconds (`cpu.stat`), version 1 in nanoseconds (`cpuacct.usage`), as the kernel's documentation has them
(cgroup-v2.rst, "CPU Interface Files"; cgroup-v1/cpuacct.rst). Idea: a group that the reader is in as well says nothing of the one process.
"""

from dataclasses import dataclass
from pathlib import Path

from gelombang_gates.running import GoneError

MOUNT = Path("/sys/fs/cgroup")
_OLD = ("cpuacct", "cpu,cpuacct", "cpuacct,cpu")


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """Its file with the CPU time."""

    file: Path

    def cpu_seconds(self) -> float:
        """Raises GoneError."""
        try:
            text = self.file.read_text()
        except OSError:
            raise GoneError from None
        return _seconds(self.file.name, text)


def own_group(pid: int, proc: Path = Path("/proc"), mount: Path = MOUNT) -> ControlGroup | None:
    """The group of a process; None where it can't be read or is also ours."""
    try:
        theirs, ours = (_paths((proc / name / "cgroup").read_text()) for name in (str(pid), "self"))
    except OSError:
        return None
    for controller in ("", *_OLD):
        path = theirs.get(controller)
        if path is None or path == "/" or path == ours.get(controller):
            continue
        file = mount / controller / path.lstrip("/") / ("cpuacct.usage" if controller else "cpu.stat")
        if file.is_file():
            return ControlGroup(file)
    return None


def _paths(text: str) -> dict[str, str]:
    """Controllers to paths, from lines such as `4:memory:/a` and `0::/b`."""
    parts = [line.split(":", 2) for line in text.splitlines()]
    return {words[1]: words[2] for words in parts if len(words) == 3}


def _seconds(name: str, text: str) -> float:
    if name == "cpuacct.usage":
        return int(text) / 1e9
    fields = dict(line.split() for line in text.splitlines())
    return int(fields["usage_usec"]) / 1e6
