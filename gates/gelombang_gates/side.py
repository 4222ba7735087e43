"""One of the two that are compared, as something that can be started afresh as often as pairs are wanted.

Promise: whatever starts a service, a command of a revision or an image under compose, looks the same to a pair: it is waited for, asked on
a port of 127.0.0.1, its costs are read, it is ended. What can't be seen of its costs is None and never 0.
"""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from gelombang_gates.revision import Revision
from gelombang_gates.running import Costs
from gelombang_gates.service import Service


class Running(Protocol):
    """A service that was started; as a context manager it is ended, whatever happens."""

    name: str

    @property
    def port(self) -> int:
        """On 127.0.0.1; known once it is ready."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def wait_until_ready(self, path: str, within_seconds: float) -> None:
        """Until it answers. Raises InputError when it ends or the time is over before that."""

    def settle(self) -> None:
        """Look once which processes belong to it."""

    def costs(self) -> Costs:
        """Since it began."""

    def memory_bytes(self) -> int | None:
        """Resident memory of all its processes."""

    def ask_to_end(self) -> None:
        """Without waiting: several end at the same time that way."""


class Side(Protocol):
    """Base or head."""

    @property
    def name(self) -> str:
        """As it was asked for."""

    def start(self, folder: Path) -> Running:
        """A fresh one, with this empty folder."""


@dataclass(frozen=True, slots=True)
class CommandSide:
    """A revision, started by a command."""

    revision: Revision
    command: str

    @property
    def name(self) -> str:
        return self.revision.name

    def start(self, folder: Path) -> Running:
        return Service(self.name, self.command, self.revision.tree, folder, self.revision.variables)
