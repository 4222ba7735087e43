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
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from gelombang.clock import MICROSECONDS, cpu_seconds_of, monotonic_us, sleep_seconds
from gelombang.errors import HostError, InputError

HOST = "127.0.0.1"
ANSWER_WITHIN_SECONDS = 30.0
_STOP_WITHIN_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.02
_LOG_LINES_SHOWN = 12
_PROCESSES_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Costs:
    """What a service has used since it began."""

    cpu_seconds: float
    calls: int
    """System calls that read or write, as /proc/PID/io counts them."""


class Service:
    """A running service. Use as a context manager."""

    def __init__(self, name: str, command: str, tree: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.port = _free_port()
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
        self._pids: list[int] = []
        self._asked = False

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_until_ready(self, path: str, within_seconds: float) -> None:
        """Until something answers, whatever it says. Raises InputError when the process ends or the time is over before that."""
        until_us = monotonic_us() + int(within_seconds * MICROSECONDS)
        while not _answers(self.port, path):
            if self._process.poll() is not None:
                raise self._failure(f"ended with exit code {self._process.returncode} before it answered")
            if monotonic_us() > until_us:
                raise self._failure(f"did not answer on port {self.port} within {within_seconds:g} s")
            sleep_seconds(_LOOK_AGAIN_SECONDS)

    def settle(self) -> None:
        """Look once which processes belong to it: from here on costs are theirs."""
        own = psutil.Process(self._process.pid)
        self._pids = [own.pid, *(child.pid for child in own.children(recursive=True))]
        if len(self._pids) > _PROCESSES_LIMIT:
            raise self._failure(f"has {len(self._pids)} processes; want at most {_PROCESSES_LIMIT}")

    def costs(self) -> Costs:
        """Since it began. Raises InputError when one of its processes has ended."""
        try:
            cpu = sum(cpu_seconds_of(pid) for pid in self._pids)
            return Costs(cpu, sum(_calls(pid) for pid in self._pids))
        except (OSError, psutil.Error):
            raise self._failure("lost one of its processes while it was measured") from None

    def memory_bytes(self) -> int:
        """Resident memory of all its processes. Raises InputError when one of them has ended."""
        try:
            return sum(psutil.Process(pid).memory_info().rss for pid in self._pids)
        except psutil.Error:
            raise self._failure("lost one of its processes while it was measured") from None

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
        tail = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:]
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


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"the command is {command!r} ({error}); want words as a shell reads them") from None
    if "{port}" not in command:
        raise InputError(f"the command is {command!r}; want {{port}} in it, where the server must listen on {HOST}")
    return words


def _calls(pid: int) -> int:
    found = psutil.Process(pid).io_counters()
    return int(found.read_count + found.write_count)


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection(HOST, port, timeout=ANSWER_WITHIN_SECONDS)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, 0))
        except OSError as error:
            raise HostError(f"no free port on {HOST} ({error.strerror}); want one for the service") from None
        return int(probe.getsockname()[1])
