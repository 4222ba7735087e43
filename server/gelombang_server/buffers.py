"""How much of a body kernel and parser hold before it is read: little for many, much for few.

`receive_buffer_bytes` keeps thousands of slow bodies small, and lets a fast one come in a dozen small pieces, each of which costs a turn of
the loop and, where the parser was faster than its reader, a stop of the line. So as many bodies as fit into the process's gather budget may
have wide buffers while they come in; whoever is one too many keeps the narrow ones. A connection that had wide ones keeps the kernel's
until it closes. Left out: a profile without a bound leaves all of it to the kernel.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from gelombang.profile_uploads import Uploads

WIDE_BYTES = 131_072
_HELD_BYTES = 4 * WIDE_BYTES
"""The kernel doubles what it is asked for, and the parser stops at twice its limit."""


class Buffers:
    """Of one process."""

    def __init__(self, uploads: Uploads) -> None:
        self._narrow_bytes = uploads.receive_buffer_bytes
        self._places = uploads.gather_limit_bytes // _HELD_BYTES
        self.wide = 0
        """Bodies that have wide buffers now."""

    @contextmanager
    def for_body(self, request: web.Request) -> Iterator[None]:
        """Wide buffers for what is read in the block, while there is a place."""
        narrow_bytes, transport = self._narrow_bytes, request.transport
        if narrow_bytes is None or narrow_bytes >= WIDE_BYTES or self.wide >= self._places or transport is None:
            yield
            return
        self.wide += 1
        # Never made narrow again: the client was told the wide window, and what it sends beyond a smaller one is dropped and sent again.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WIDE_BYTES)
        request.content.set_read_chunk_size(WIDE_BYTES)
        try:
            yield
        finally:
            self.wide -= 1


BUFFERS = web.AppKey("buffers", Buffers)
