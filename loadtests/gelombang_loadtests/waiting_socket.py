"""A non-blocking socket that one greenlet waits for.

Promises: never blocks the process, works at any descriptor number (epoll and poll, never select), and ends every wait at the deadline.
The idea: the greenlet that owns the socket parks in one place (`_park`), and whatever happens next (bytes, room to send, the deadline, the
pace of the line) switches it back with a `Wake`. One timer serves a whole exchange, and the read watcher stays armed over the life of the
socket, so that a small exchange waits with one switch and, mostly, sets no timer.

Leaves out: where it is connected to and what goes over it (`connection`).
"""

import select
import socket
from _socket import socket as _Socket  # noqa: N812  # the interpreter calls a class so
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from gevent import get_hub, getcurrent
from gevent.monkey import get_original

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import HostError
from gelombang_loadtests.broken import BrokenError, late

# The interpreter's own socket (`socket.SocketType`), not the class that the library makes of it, nor gevent's where Locust has put that in
# its place: gevent's makes two watchers for each socket and a Timeout for each wait, which together cost more than all the rest of a small
# exchange.
_KIND = int(socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
_poll: Callable[[], "select.poll"] = get_original("select", "poll")


class Wake(IntEnum):
    """Why a parked greenlet goes on."""

    READABLE = 1
    WRITABLE = 2
    PACED = 3
    """The time that was asked for has passed."""
    LATE = 4
    """The deadline."""


# Looked up once: an attribute of an enum costs 0.1 µs, and a small exchange asks for three.
_READABLE, _LATE = Wake.READABLE, Wake.LATE


class WaitingSocket(ABC):
    """Whoever inherits it says who waits (`_greenlet`, None: nobody) and until when (`deadline_us`, which `_later` may put off once)."""

    __slots__ = (
        "_alarm",
        "_alarm_us",
        "_armed",
        "_greenlet",
        "_hub",
        "_later",
        "_poller",
        "_reading",
        "_socket",
        "_writing",
        "deadline_us",
    )

    def __init__(self, family: int) -> None:
        """The current greenlet's. Raises HostError when this machine has no descriptor left."""
        try:
            self._socket: _Socket | None = _Socket(family, _KIND)
        except OSError as error:
            raise HostError(f"this machine gives no socket ({error.strerror}); want a higher `ulimit -n` or a smaller --sample") from error
        self._hub = get_hub()
        self._reading: Any = None
        self._writing: Any = None
        self._alarm: Any = None
        self._alarm_us = 0
        self._armed = False
        self._poller: select.poll | None = None
        self._greenlet: Any = getcurrent()
        self.deadline_us = 0
        self._later: Callable[[], int] | None = None

    def is_quiet(self) -> bool:
        """Whether an idle socket can carry a request: a peer that closed, or talked unasked, makes it readable."""
        if self._socket is None:
            return False
        if self._poller is None:
            self._poller = _poll()
            self._poller.register(self._socket.fileno(), select.POLLIN)
        return not self._poller.poll(0)

    def wait_readable(self) -> None:
        """Until there is something to read. Raises BrokenError at the deadline."""
        if not self._armed:
            self._arm()
        if self._alarm is None or self._alarm_us > self.deadline_us:
            self._set_alarm()
        while (wake := self._hub.switch()) is not _READABLE:
            if wake is _LATE:
                raise late()

    def wait_writable(self, reads: bool = True) -> Wake:
        """Until there is room to send, or (`reads`) something to read. Raises BrokenError at the deadline."""
        assert self._socket is not None
        if self._writing is None:
            self._writing = self._hub.loop.io(self._socket.fileno(), 2)
        self._writing.start(self._greenlet.switch, Wake.WRITABLE)
        try:
            return self._park(reads)
        finally:
            self._writing.stop()

    def pace(self, until_us: int) -> Wake:
        """Sleep to a moment, or until there is something to read. Raises BrokenError at the deadline."""
        timer = self._hub.loop.timer(max(until_us - monotonic_us(), 1) / MICROSECONDS)
        timer.start(self._greenlet.switch, Wake.PACED, update=True)
        try:
            return self._park()
        finally:
            timer.stop()
            timer.close()

    def pause(self, seconds: float) -> None:
        """Sleep although there is something to read. Raises BrokenError at the deadline."""
        self._reading.stop()
        self._armed = False
        timer = self._hub.loop.timer(seconds)
        timer.start(self._greenlet.switch, Wake.PACED, update=True)
        try:
            self._park(reads=False)
        finally:
            timer.stop()
            timer.close()

    # Inside.

    @abstractmethod
    def _be_readable_idle(self) -> None:
        """There is something to read, or the end, and nobody waits."""

    def _give_up(self) -> None:
        """Give the watchers and the socket back, once."""
        assert self._socket is not None
        for watcher in (self._reading, self._writing, self._alarm):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._reading = self._writing = self._alarm = None
        self._socket.close()
        self._socket = self._poller = None

    def _park(self, reads: bool = True) -> Wake:
        if reads and not self._armed:
            self._arm()
        if self._alarm is None or self._alarm_us > self.deadline_us:
            self._set_alarm()
        wake: Wake = self._hub.switch()
        if wake is _LATE:
            raise late()
        return wake

    def _set_alarm(self) -> None:
        """The alarm outlives the exchange: a later one with a later deadline finds it set, early, and it's set anew when it goes off.

        So most exchanges on a kept connection set no timer at all.
        """
        if self._alarm is not None:
            self._alarm.stop()
            self._alarm.close()
        left_us = self.deadline_us - monotonic_us()
        if left_us <= 0 and self._puts_off():
            left_us = self.deadline_us - monotonic_us()
        if left_us <= 0:
            self._alarm = None
            raise late()
        self._alarm = self._hub.loop.timer(left_us / MICROSECONDS)
        # Told to, gevent's loop asks the time again: without it the timer counts from when the loop last woke, and goes off early.
        self._alarm.start(self._be_late, update=True)
        self._alarm_us = self.deadline_us

    def _be_late(self) -> None:
        if self._greenlet is None:
            self._alarm.close()
            self._alarm = None
            return
        try:
            if self._alarm_us < self.deadline_us or self._puts_off():
                self._set_alarm()
                return
        except BrokenError:
            pass
        self._greenlet.switch(Wake.LATE)

    def _puts_off(self) -> bool:
        """Whether the deadline was only the earliest one; it is the real one from now on."""
        if self._later is None:
            return False
        later, self._later = self._later, None
        self.deadline_us = later()
        return True

    def _arm(self) -> None:
        assert self._socket is not None
        if self._reading is None:
            self._reading = self._hub.loop.io(self._socket.fileno(), 1)
        self._reading.start(self._be_readable)
        self._armed = True

    def _be_readable(self) -> None:
        if self._greenlet is not None:
            self._greenlet.switch(_READABLE)
        else:
            self._be_readable_idle()
