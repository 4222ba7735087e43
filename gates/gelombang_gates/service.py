"""One fresh process of a service on a port of its own: started, awaited, its costs read, ended.

Promise: the costs are those of the process and everything it has started, CPU to the nanosecond; it is ended, with its group, whatever
happens; and when it does not start, the error has the end of what it printed. Left out: what it does for requests, which `asking` knows.
"""

import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from gelombang.clock import MICROSECONDS, monotonic_us, sleep_seconds
from gelombang.errors import HostError, InputError
from gelombang_gates.running import PROCESSES_LIMIT, Costs, GoneError, ProcessTree, TooManyProcessesError

HOST = "127.0.0.1"
ANSWER_WITHIN_SECONDS = 30.0
_STOP_WITHIN_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.02
LOG_LINES_SHOWN = 12


class Service:
    """A running service. Use as a context manager."""

    def __init__(self, name: str, command: str, tree: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self._log = folder / "log.txt"
        values = {"port": str(self.port), "folder": str(folder / "data"), "tree": str(tree)}
        (folder / "data").mkdir(parents=True)
        words = [filled(word, values) for word in _split(command)]
        with self._log.open("wb") as log:
            try:
                self._process = subprocess.Popen(
                    words, cwd=tree, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as error:
                raise InputError(
                    f"the command {words[0]!r} of {name} can't be run ({error.strerror}); want one that starts a server"
                ) from None
        self._tree: ProcessTree | None = None
        self._asked = False

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_until_ready(self, path: str, within_seconds: float) -> None:
        """Until something answers, whatever it says. Raises InputError when the process ends or the time is over before that."""
        until_us = monotonic_us() + int(within_seconds * MICROSECONDS)
        while not answers(self.port, path):
            if self._process.poll() is not None:
                raise self._failure(f"ended with exit code {self._process.returncode} before it answered")
            if monotonic_us() > until_us:
                raise self._failure(f"did not answer on port {self.port} within {within_seconds:g} s")
            sleep_seconds(LOOK_AGAIN_SECONDS)

    def settle(self) -> None:
        """Look once which processes belong to it: from here on costs are theirs."""
        try:
            self._tree = ProcessTree(self._process.pid)
        except TooManyProcessesError as error:
            raise self._failure(f"has {error} processes; want at most {PROCESSES_LIMIT}") from None
        except GoneError:
            raise self._failure("ended before it was measured") from None

    def costs(self) -> Costs:
        """Since it began. Raises InputError when one of its processes has ended."""
        try:
            return Costs(self._own.cpu_seconds(), self._own.calls())
        except GoneError:
            raise self._failure("lost one of its processes while it was measured") from None

    def memory_bytes(self) -> int:
        """Resident memory of all its processes. Raises InputError when one of them has ended."""
        try:
            return self._own.memory_bytes()
        except GoneError:
            raise self._failure("lost one of its processes while it was measured") from None

    @property
    def _own(self) -> ProcessTree:
        assert self._tree is not None, "costs of a service that did not settle"
        return self._tree

    def ask_to_end(self) -> None:
        """Once, politely, without waiting: several end at the same time that way."""
        if not self._asked and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._asked = True

    def stop(self) -> None:
        """End it and what it started, politely first."""
        self.ask_to_end()
        if self._process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_WITHIN_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _failure(self, what: str) -> InputError:
        tail = self._log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        said = ["; what it printed ends:", *(f"  {line}" for line in tail)] if tail else ["; it printed nothing"]
        return InputError("\n".join([f"the server of {self.name} {what}{said[0]}", *said[1:]]))


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A SIGINT or SIGTERM takes effect at the end of the block: a service that was started in it is known by then to whoever ends it."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with `{name}` replaced, for the names that are known; other braces stay."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def words_of(command: str) -> list[str]:
    """The words of a command, quotes and all. Raises InputError."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"the command is {command!r} ({error}); want words as a shell reads them") from None
    if not words:
        raise InputError(f"the command is {command!r}; want words as a shell reads them")
    return words


def _split(command: str) -> list[str]:
    words = words_of(command)
    if "{port}" not in command:
        raise InputError(f"the command is {command!r}; want {{port}} in it, where the server must listen on {HOST}")
    return words


def answers(port: int, path: str) -> bool:
    """Whether something answers there now, whatever it says."""
    connection = HTTPConnection(HOST, port, timeout=ANSWER_WITHIN_SECONDS)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True


def free_port() -> int:
    """One where nobody listens now. Raises HostError."""
    with socket.socket() as probe:
        try:
            probe.bind((HOST, 0))
        except OSError as error:
            raise HostError(f"no free port on {HOST} ({error.strerror}); want one for the service") from None
        return int(probe.getsockname()[1])
