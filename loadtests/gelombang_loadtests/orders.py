"""What the command tells this process while it runs: JSON lines on standard input.

The first says the run's zero; later ones say that another process died. The end of input after the zero means that whoever started the run
is gone: a generator that nobody can stop any more stops itself.
"""

import json
import os
from collections.abc import Callable

from gevent.socket import wait_read

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import InputError
from gelombang.striping import Death

ZERO_TOLD_SECONDS_LIMIT = 120.0
"""How long a child waits to be told the run's zero."""
LINE_BYTES_LIMIT = 65_536
LOOK_SECONDS = 0.2


class Orders:
    """Reads file descriptor `file`, standard input."""

    def __init__(self, is_stopping: Callable[[], bool], file: int = 0) -> None:
        self._is_stopping = is_stopping
        self._file = file
        self._pending = b""
        self._ended = False

    def zero_us(self) -> int | None:
        """The zero that the command says; None at the end of input or when the run is to stop. Raises InputError after a while."""
        until_us = monotonic_us() + int(ZERO_TOLD_SECONDS_LIMIT * MICROSECONDS)
        line = self._line(until_us)
        if line is None and not self._ended and not self._is_stopping():
            raise InputError(f"nobody told the run's zero within {ZERO_TOLD_SECONDS_LIMIT:g} s; want a line with zero_us on standard input")
        if line is None or self._is_stopping():
            return None
        try:
            return int(json.loads(line)["zero_us"])
        except (ValueError, KeyError, TypeError):
            raise InputError(f'standard input says {line[:80]!r}; want {{"zero_us": MICROSECONDS}}') from None

    def follow(self, on_death: Callable[[Death], None], on_end: Callable[[], None]) -> None:
        """Hear of deaths until the end of input, which is the command's own; the body of a task that is killed with the run."""
        while (line := self._line(None)) is not None:
            on_death(Death.model_validate(json.loads(line)["death"]))
        on_end()

    def _line(self, until_us: int | None) -> bytes | None:
        """The next whole line; None at the end of input, when time is over, or when there is a time limit and the run is to stop."""
        while b"\n" not in self._pending:
            if until_us is not None and (self._is_stopping() or monotonic_us() > until_us):
                return None
            if len(self._pending) > LINE_BYTES_LIMIT:
                raise InputError(f"standard input says a line of more than {LINE_BYTES_LIMIT} bytes; want one JSON object a line")
            try:
                wait_read(self._file, timeout=LOOK_SECONDS)
            except TimeoutError:
                continue
            chunk = os.read(self._file, LINE_BYTES_LIMIT)
            if not chunk:
                self._ended = True
                return None
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line
