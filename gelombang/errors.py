"""Operator errors, and the exit codes that every command keeps.

One idea: an error says where, what was found and what is wanted, in one sentence, and carries the exit code that the command ends
with. Programmer errors are asserts and never come through here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends; the same meaning for every command."""

    AS_EXPECTED = 0
    FAILED = 1
    """An objective, a gate or a verification failed."""
    WRONG_INPUT = 2
    UNTRUSTED = 3
    """The run's own doubts forbid a verdict."""
    UNREACHABLE = 4
    STOPPED = 5
    """A stop rule ended the run."""


class GelombangError(Exception):
    """The base of all operator errors; the message is shown as it is, without a traceback."""

    exit_code: ExitCode = ExitCode.WRONG_INPUT


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a file: `where` is a path inside it such as `phases[2].end_per_second`, `line` the one where that stands."""

    where: str
    found: str
    wanted: str
    source: str = ""
    """The file, where it is another one than the error names (one that is extended, or a value of the command line)."""
    line: int = 0
    """From 1; 0 where there is none."""

    def __str__(self) -> str:
        return f"{self.where} is {self.found}; want {self.wanted}"


class FileError(GelombangError):
    """A scenario, profile or curve with faults: all of them, in the order of the file, each as `FILE:LINE: fault`."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        assert faults, "a FileError names at least one fault"
        self.file = file
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{fault.source or file}{f':{fault.line}' if fault.line else ''}: {fault}" for fault in faults))


class InputError(GelombangError):
    """A command-line value, a missing file or a setting that can't be used."""


class RecordError(GelombangError):
    """A run's folder that can't be read, or that breaks conservation."""


class HostError(GelombangError):
    """This machine can't carry the run: ports, descriptors, disk, operating system."""


class PreflightError(GelombangError):
    """The one person who was sent before a run did not fare well, or nobody agreed to send the others."""

    exit_code = ExitCode.FAILED


class TargetUnreachableError(GelombangError):
    """The target refused or never answered before the run began."""

    exit_code = ExitCode.UNREACHABLE


class MasterGoneError(GelombangError):
    """The master of a run over several machines is not heard of any more."""

    exit_code = ExitCode.UNREACHABLE
