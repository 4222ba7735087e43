"""A service as a compose project with one image or another: brought up fresh, awaited, its costs read, taken down.

Promise: every start is a project with a name of its own, which is taken down by that name, with its networks and anonymous volumes,
whatever happens; what could not be taken down is an error that says how to. CPU time is read from the container's control group where it
has one of its own, or from its process and what that started; where neither can be seen from here (an engine on another machine), it is
None. Idea: the engine says which process the container is and when it began; that the process of that number here began then, too, shows
that it is the same one. Left out: what else the project runs (a database costs nothing here); waiting for its health beyond the first
answer.
"""

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from gelombang.clock import MICROSECONDS, monotonic_us, sleep_seconds
from gelombang.errors import HostError, InputError
from gelombang_gates.compose_file import ComposeFile
from gelombang_gates.container_engine import Engine
from gelombang_gates.control_group import ControlGroup, own_group
from gelombang_gates.running import Costs, GoneError, ProcessTree, TooManyProcessesError
from gelombang_gates.service import LOG_LINES_SHOWN, LOOK_AGAIN_SECONDS, answers, free_port, uninterrupted
from gelombang_gates.side import Running, Side

PULL_WITHIN_SECONDS = 600.0
_DOWN_WITHIN_SECONDS = 60.0
_GRACE_SECONDS = 5
"""What a container is given to end by itself."""
_STATE_EVERY_SECONDS = 0.5
_SAME_START_SECONDS = 2.0
"""An engine says when a container began a little before or after its process did."""


@dataclass(frozen=True, slots=True)
class Images:
    """Two images of one service of a compose file."""

    engine: Engine
    file: ComposeFile
    base: str
    head: str

    def identities(self, say: Callable[[str], None]) -> tuple[str, str]:
        """Of both, pulled where they are not here. Raises InputError."""
        base, head = (self._identity(image, say) for image in (self.base, self.head))
        return base, head

    def sides(self) -> tuple[Side, Side]:
        return ImageSide(self.engine, self.file, self.base), ImageSide(self.engine, self.file, self.head)

    def _identity(self, image: str, say: Callable[[str], None]) -> str:
        if image.startswith("-"):
            raise InputError(f"the image {image!r} begins with a dash; want a name as `{self.engine.command} pull` takes it")
        found = self.engine.image_identity(image)
        if found is None:
            say(f"pulling {image}")
            self.engine.pull(image, PULL_WITHIN_SECONDS)
            found = self.engine.image_identity(image)
        if found is None:
            raise InputError(f"the image {image!r} was pulled and is not here; want the name by which the engine keeps it")
        return found


@dataclass(frozen=True, slots=True)
class ImageSide:
    """The service of the compose file with this image."""

    engine: Engine
    file: ComposeFile
    image: str

    @property
    def name(self) -> str:
        return self.image

    def start(self, folder: Path) -> Running:
        return Project(self.engine, self.file, self.image, folder)


class Project:
    """A compose project that is being brought up, from the moment that this is made."""

    def __init__(self, engine: Engine, file: ComposeFile, image: str, folder: Path) -> None:
        self.name = image
        self._engine, self._file = engine, file
        self._project = f"gate-{uuid.uuid4().hex[:12]}"
        self._port = free_port() if file.port is None else 0
        self._log = folder / "compose.txt"
        override = folder / "override.json"
        override.write_text(json.dumps({"services": {file.service: {"image": image}}}))
        self._words = [*engine.compose, "-p", self._project, "-f", str(file.path.absolute()), "-f", str(override)]
        self._container = ""
        self._tree: ProcessTree | None = None
        self._group: ControlGroup | None = None
        self._down: subprocess.Popen[bytes] | None = None
        self._up = self._begun("up", "-d", "--no-build")

    @property
    def port(self) -> int:
        return self._port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with uninterrupted():
            self._taken_down()

    def wait_until_ready(self, path: str, within_seconds: float) -> None:
        """Until something answers, whatever it says. Raises InputError when the container ends or the time is over before that."""
        until_us = monotonic_us() + int(within_seconds * MICROSECONDS)
        with suppress(subprocess.TimeoutExpired):
            self._up.wait(within_seconds)
        if self._up.returncode is None:
            raise self._failure(f"is not up after {within_seconds:g} s")
        if self._up.returncode:
            raise self._failure(f"did not come up (`up` ended with exit code {self._up.returncode})")
        self._container = self._found()
        if self._file.port is not None:
            self._port = self._engine.published(self._container, self._file.port) or 0
        if not self._port:
            self._still_running()
            raise self._failure(f"publishes no port {self._file.port}, which is wanted in `ports` of the compose file")
        look_us = monotonic_us() + int(_STATE_EVERY_SECONDS * MICROSECONDS)
        while not answers(self._port, path):
            now_us = monotonic_us()
            if now_us > look_us:
                self._still_running()
                look_us = now_us + int(_STATE_EVERY_SECONDS * MICROSECONDS)
            if now_us > until_us:
                raise self._failure(f"did not answer on port {self._port} within {within_seconds:g} s")
            sleep_seconds(LOOK_AGAIN_SECONDS)

    def settle(self) -> None:
        """Find what can be seen of it: its process here and what that started, or its control group."""
        pid = self._pid_here()
        if pid is None:
            return
        try:
            self._tree, self._group = ProcessTree(pid), own_group(pid)
        except TooManyProcessesError as error:
            raise self._failure(f"has {error} processes; want fewer") from None
        except GoneError:
            raise self._failure("ended before it was measured") from None

    def costs(self) -> Costs:
        """Since it began. Raises InputError when one of its processes has ended."""
        if self._tree is None:
            return Costs(None, None)
        try:
            cpu_seconds = self._tree.cpu_seconds() if self._group is None else self._group.cpu_seconds()
            return Costs(cpu_seconds, self._tree.calls())
        except GoneError:
            raise self._failure("lost one of its processes while it was measured") from None

    def memory_bytes(self) -> int | None:
        """Resident memory of all its processes. Raises InputError when one of them has ended."""
        try:
            return None if self._tree is None else self._tree.memory_bytes()
        except GoneError:
            raise self._failure("lost one of its processes while it was measured") from None

    def ask_to_end(self) -> None:
        """Once, without waiting: several end at the same time that way."""
        if self._down is None and self._up.poll() is not None:
            self._down = self._begun("down", "-v", "-t", str(_GRACE_SECONDS))

    def _taken_down(self) -> None:
        if self._up.poll() is None:
            os.killpg(self._up.pid, signal.SIGKILL)
            self._up.wait()
        self.ask_to_end()
        assert self._down is not None
        try:
            code: int | None = self._down.wait(_DOWN_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._down.pid, signal.SIGKILL)
            self._down.wait()
            code = None
        left = self._engine.containers(self._project, ended=True)
        if code or left or code is None:
            how = " ".join([*self._engine.compose, "-p", self._project, "down", "-v"])
            raise HostError(f"{self.name} could not be taken down ({len(left)} containers are left); want `{how}`{self._tail()}")

    def _begun(self, *words: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "GATE_PORT": str(self._port)}
        with self._log.open("ab") as log:
            try:
                return subprocess.Popen(
                    [*self._words, *words], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as error:
                raise HostError(f"`{self._words[0]}` can't be run ({error.strerror}); want a container engine") from None

    def _found(self) -> str:
        found = self._engine.containers(self._project, self._file.service, ended=True)
        if len(found) != 1:
            raise self._failure(f"has {len(found)} containers of {self._file.service}; want one")
        return found[0]

    def _still_running(self) -> None:
        state = self._engine.inspected(self._container)
        if not state.get("Running"):
            raise self._failure(f"ended with exit code {state.get('ExitCode')} before it answered")

    def _pid_here(self) -> int | None:
        state = self._engine.inspected(self._container)
        pid, began = state.get("Pid"), str(state.get("StartedAt"))
        if not isinstance(pid, int) or pid <= 0:
            return None
        try:
            here_seconds = psutil.Process(pid).create_time()
            there_seconds = datetime.fromisoformat(began).timestamp()
        except (psutil.Error, ValueError):
            return None
        return pid if abs(here_seconds - there_seconds) <= _SAME_START_SECONDS else None

    def _failure(self, what: str) -> InputError:
        return InputError(f"the service {self._file.service} of {self.name} {what}{self._tail()}")

    def _tail(self) -> str:
        said: Sequence[str] = self._engine.logs(self._container) if self._container else []
        said = said or self._log.read_text(errors="replace").splitlines()
        return "".join(
            ["; what was printed ends:" if said else "; nothing was printed", *(f"\n  {line}" for line in said[-LOG_LINES_SHOWN:])]
        )
