"""A child process: started with a log, asked to end by its id, and never left behind.

The reference server and the generator are children of the command. Each speaks JSON lines on its standard output; what it has to say
otherwise goes to a log in the run's folder, and the end of that log is in the error when the child fails. Without a log it goes to the
command's own standard error, for whoever keeps what a command prints.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gelombang.clock import monotonic_us
from gelombang.errors import HostError, TargetUnreachableError

STOP_WITHIN_SECONDS = 20.0
LINE_BYTES_LIMIT = 1_000_000
LOG_LINES_SHOWN = 12

Event = dict[str, Any]


class Child:
    """One child and the JSON lines it prints. Use as a context manager: it has ended when the block ends."""

    def __init__(self, name: str, module: Sequence[str], log: Path | None, environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        self._log_file = None if log is None else log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", *module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log_file,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self._pending = b""
        self._waiting: list[Event] = []

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def tell(self, event: Event) -> None:
        """Send one JSON line to the child's standard input."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(event).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.failure("ended before it was told to go") from None

    def offer(self, event: Event) -> None:
        """Send one JSON line to a child that may have ended, or be about to: then nobody needs it."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(event).encode() + b"\n")
            self.process.stdin.flush()

    def events(self) -> list[Event]:
        """The JSON lines that have arrived since the last call; other lines go to the log."""
        assert self.process.stdout is not None
        while chunk := self.process.stdout.read(65_536):
            self._pending += chunk
        *lines, self._pending = self._pending.split(b"\n")
        if len(self._pending) > LINE_BYTES_LIMIT:
            raise self.failure(f"printed a line of more than {LINE_BYTES_LIMIT} bytes")
        return [event for line in lines if (event := self._parse(line)) is not None]

    def wait_for(self, name: str, within_seconds: float) -> Event:
        """The first event of this name. Raises HostError when the child ends or the time is over before it."""
        until = monotonic_us() + int(within_seconds * 1e6)
        while True:
            for event in self.events():
                if event.get("event") == name:
                    return event
            if not self.running:
                raise self.failure(f"ended with exit code {self.process.returncode} before it was ready")
            left = (until - monotonic_us()) / 1e6
            if left <= 0:
                raise self.failure(f"was not ready within {within_seconds:g} s")
            wait_readable([self], min(left, 0.5))

    def next_event(self, within_seconds: float) -> Event:
        """The next event of any name; call it until the last one has come. Raises HostError as `wait_for` does."""
        until = monotonic_us() + int(within_seconds * 1e6)
        while not self._waiting:
            running = self.running
            self._waiting.extend(self.events())
            if self._waiting:
                break
            left = (until - monotonic_us()) / 1e6
            if not running or left <= 0:
                code = self.process.returncode
                raise self.failure(f"ended with exit code {code}" if not running else f"said nothing for {within_seconds:g} s")
            wait_readable([self], min(left, 0.5))
        return self._waiting.pop(0)

    def failure(self, what: str) -> HostError:
        """An error with the end of the child's log. A child that ended with the code of a known error keeps its sentence and its class."""
        code = self.process.poll()
        if self._log_file is None or self.log is None:
            sentence = f"{self.name} {what}; its last words are above"
            if code == 4:
                raise TargetUnreachableError(sentence)
            return HostError(sentence)
        self._log_file.flush()
        tail = self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        if code in (2, 4) and tail:
            sentence = tail[-1].removeprefix("gelombang: ")
            raise (HostError if code == 2 else TargetUnreachableError)(sentence)
        return HostError("\n".join([f"{self.name} {what}; its log {self.log} ends:", *(f"  {line}" for line in tail)]))

    def interrupt(self) -> None:
        """Ask the child to finish early and keep what it has."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """End the child, politely first; its exit code."""
        self.interrupt()
        try:
            code = self.process.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            code = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._log_file):
            if stream is not None and not stream.closed:
                with suppress(BrokenPipeError):  # what was still to be told to a child that is dead
                    stream.close()
        return code

    def _parse(self, line: bytes) -> Event | None:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict):
            return event
        if line.strip():
            (self._log_file or sys.stderr.buffer).write(line + b"\n")
        return None


def wait_readable(children: Sequence[Child], seconds: float) -> None:
    """Sleep until one of the children has printed something, or the time is over."""
    with selectors.DefaultSelector() as selector:
        for child in children:
            if child.running and child.process.stdout is not None:
                selector.register(child.process.stdout, selectors.EVENT_READ)
        if selector.get_map():
            selector.select(seconds)
