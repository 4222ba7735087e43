"""One TCP connection that speaks HTTP/1.1: a socket that is waited for, and a C parser.

Promises: whatever a peer or the network does to it is a `BrokenError` that says whose doing it was, and what is read is parsed at once, out
of one buffer, so that a small exchange costs one send, one wake-up and one read.

Leaves out: the waiting and its deadline (`waiting_socket`), TLS (`tls_connection`), name resolution (a `Route` has the address), and what a
request looks like (`exchange`).
"""

import errno
import os
import socket
from collections.abc import Callable, Sequence

from gevent import getcurrent

from gelombang.errors import HostError
from gelombang_loadtests.broken import connect_failure, reset
from gelombang_loadtests.incoming import IncomingAnswer
from gelombang_loadtests.route import Route
from gelombang_loadtests.tunnel import open_tunnel
from gelombang_loadtests.waiting_socket import WaitingSocket

READ_BYTES = 65_536

# One buffer for the process: nothing switches greenlets between a read and its parsing.
READ_BUFFER = bytearray(READ_BYTES)
_READ_VIEW = memoryview(READ_BUFFER)

# Without it, a bind takes a port for good before the kernel knows the other end: 28,000 connections in all, not to each address.
_BIND_ADDRESS_NO_PORT = 24


class Connection(WaitingSocket):
    """Owned by one greenlet from `begin` to `end`; idle otherwise. `on_lost` is called when the peer closes it (or talks) while idle."""

    __slots__ = ("answer", "idle_since_us", "on_lost", "reused", "route")

    def __init__(self, route: Route, source: str = "") -> None:
        """Makes the socket; `connect` comes later. Raises HostError when this machine has no descriptor left, or not that address."""
        super().__init__(route.family)
        self.route = route
        if source:
            self._bind(source)
        self.idle_since_us = 0
        self.answer = IncomingAnswer()
        self.on_lost: Callable[[Connection], None] | None = None
        self.reused = False

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
        self._give_up()
        self.answer.close()
        self.on_lost = None

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
            raise HostError(
                f"people can't connect from {source} here ({error.strerror}); want addresses of this machine in network.source_addresses"
            ) from error

    def _be_readable_idle(self) -> None:
        if self.on_lost is not None:
            self.on_lost(self)
        else:
            self.close()
