"""One TCP connection that speaks HTTP/1.1: a raw non-blocking socket, a C parser, and one place to wait.

Promises: never blocks the process, works at any descriptor number (epoll and poll, never select), and ends every wait at the exchange's
deadline. The idea: the greenlet that owns the connection parks in one place (`_park`), and whatever happens next (bytes, room to send, the
deadline, the pace of the line) switches it back with a `Wake`. One timer serves a whole exchange, and the read watcher stays armed over
the life of the connection, so that a small exchange costs one send, one wake-up and one read.

Leaves out: TLS (`tls_connection`), name resolution (a `Route` has the address), and what a request looks like (`exchange`).
"""

import errno
import os
import select
import socket
from _socket import socket as _Socket  # noqa: N812  # the interpreter calls a class so
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

from gevent import get_hub, getcurrent
from gevent.monkey import get_original

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.errors import HostError
from gelombang_loadtests.broken import BrokenError, connect_failure, late, reset
from gelombang_loadtests.incoming import IncomingAnswer
from gelombang_loadtests.route import Route
from gelombang_loadtests.tunnel import open_tunnel

READ_BYTES = 65_536

# The interpreter's own socket (`socket.SocketType`), not the class that the library makes of it, nor gevent's where Locust has put that in
# its place: gevent's makes two watchers for each socket and a Timeout for each wait, which together cost more than all the rest of a small
# exchange.
_KIND = int(socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
_poll: Callable[[], "select.poll"] = get_original("select", "poll")

# One buffer for the process: nothing switches greenlets between a read and its parsing.
READ_BUFFER = bytearray(READ_BYTES)
_READ_VIEW = memoryview(READ_BUFFER)

# Without it, a bind takes a port for good before the kernel knows the other end: 28,000 connections in all, not to each address.
_BIND_ADDRESS_NO_PORT = 24


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


class Connection:
    """Owned by one greenlet from `begin` to `end`; idle otherwise. `on_lost` is called when the peer closes it (or talks) while idle."""

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
        "answer",
        "deadline_us",
        "idle_since_us",
        "on_lost",
        "reused",
        "route",
    )

    def __init__(self, route: Route, source: str = "") -> None:
        """Makes the socket; `connect` comes later. Raises HostError when this machine has no descriptor left, or not that address."""
        self.route = route
        try:
            self._socket: _Socket | None = _Socket(route.family, _KIND)
        except OSError as error:
            raise HostError(f"this machine gives no socket ({error.strerror}); want a higher `ulimit -n` or a smaller --sample") from error
        if source:
            self._bind(source)
        self._hub = get_hub()
        self._reading: Any = None
        self._writing: Any = None
        self._alarm: Any = None
        self._alarm_us = 0
        self.idle_since_us = 0
        self._greenlet: Any = None
        self._poller: select.poll | None = None
        self.answer = IncomingAnswer()
        self._armed = False
        self.on_lost: Callable[[Connection], None] | None = None
        self.reused = False
        self.begin(0)

    # The life of an exchange.

    def begin(self, deadline_us: int, without_body: bool = False, later: Callable[[], int] | None = None) -> None:
        """The current greenlet takes the connection for one exchange; `without_body` for the answer to HEAD.

        With `later`, the deadline is only the earliest that it can be: `later` says which it is, when the time comes.
        """
        self._greenlet = getcurrent()
        self.deadline_us = deadline_us
        self._later = later
        self.answer.begin(without_body)

    def end(self) -> None:
        """The exchange is over; the connection is idle."""
        self._greenlet = self._later = None
        self.reused = True

    def close(self) -> None:
        """Give everything back; again is allowed."""
        if self._socket is None:
            return
        self.end()
        for watcher in (self._reading, self._writing, self._alarm):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._reading = self._writing = self._alarm = None
        self._socket.close()
        self._socket = None
        self.answer.close()
        self._poller = None
        self.on_lost = None

    def is_quiet(self) -> bool:
        """Whether an idle connection can carry a request: a peer that closed, or talked unasked, makes it readable."""
        if self._socket is None:
            return False
        if self._poller is None:
            self._poller = _poll()
            self._poller.register(self._socket.fileno(), select.POLLIN)
        return not self._poller.poll(0)

    def connect(self) -> None:
        """Connect before the deadline, or raise BrokenError; HostError when this machine has no port left."""
        assert self._socket is not None
        route = self.route
        address = (route.address, route.connect_port)
        result = self._socket.connect_ex(address)
        if result == errno.EINPROGRESS:
            # Over loopback the handshake is done when connect returns: asking again saves a turn of the event loop.
            result = self._socket.connect_ex(address)
        while result in (errno.EINPROGRESS, errno.EALREADY):
            self.wait_writable(reads=False)
            result = self._socket.connect_ex(address)
        if result not in (0, errno.EISCONN):
            raise connect_failure(result, route)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if route.tunnel:
            open_tunnel(self)

    # Bytes out.

    def send(self, data: bytes | memoryview) -> int:
        """How many bytes the kernel took: 0 when it is full. Raises BrokenError when the connection is gone."""
        assert self._socket is not None
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise reset(error) from None

    send_plain = send
    """`send` beneath TLS, which has a `send` of its own."""

    def send_parts(self, parts: Sequence[bytes | memoryview]) -> int:
        """`send` for several buffers, without joining them."""
        assert self._socket is not None
        try:
            return self._socket.sendmsg(parts)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise reset(error) from None

    # Bytes in.

    def read_some(self) -> int:
        """Read and parse once; 0 when nothing is there. Raises BrokenError when the answer is broken off, too big, or no HTTP."""
        try:
            count = self._socket.recv_into(READ_BUFFER)  # type: ignore[union-attr]  # not `receive_into`: each exchange comes here
        except BlockingIOError:
            return 0
        except OSError as error:
            raise reset(error) from None
        if count:
            self.answer.feed(_READ_VIEW[:count])
            return count
        self._ask_for_reset()
        self.answer.meet_end_of_stream()
        return 0

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

    def receive_into(self, buffer: bytearray) -> int:
        """0 at the end of the stream. Raises BrokenError when the connection is gone, BlockingIOError when nothing is there."""
        assert self._socket is not None
        try:
            count = self._socket.recv_into(buffer)
        except BlockingIOError:
            raise
        except OSError as error:
            raise reset(error) from None
        if not count:
            self._ask_for_reset()
        return count

    def _ask_for_reset(self) -> None:
        """After a FIN the kernel reports the end first and keeps a reset that followed it for itself: it tells a stale connection."""
        assert self._socket is not None
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise reset(OSError(number, os.strerror(number)))

    def _bind(self, source: str) -> None:
        assert self._socket is not None
        try:
            self._socket.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            self._socket.bind((source, 0))
        except OSError as error:
            self._socket.close()
            raise HostError(f"network.source_addresses names {source}, which can't be used here ({error.strerror})") from error

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
        elif self.on_lost is not None:
            self.on_lost(self)
        else:
            self.close()
