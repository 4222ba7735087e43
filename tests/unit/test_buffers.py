"""Who has wide buffers for a body."""

import socket
from contextlib import ExitStack
from typing import Any, cast

from aiohttp import web

from gelombang.loading import load_profile
from gelombang_server.buffers import WIDE_BYTES, Buffers

UPLOADS = load_profile("hardened").uploads
TWO_PLACES = {"gather_limit_bytes": 2 * 4 * WIDE_BYTES}


class Asked:
    """A request, its connection and its body, as far as buffers look at them."""

    def __init__(self) -> None:
        self.transport = self.content = self
        self.kernel_bytes = self.parser_bytes = 0

    def get_extra_info(self, name: str) -> "Asked":
        assert name == "socket"
        return self

    def setsockopt(self, level: int, option: int, value: int) -> None:
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_RCVBUF)
        self.kernel_bytes = value

    def set_read_chunk_size(self, size: int) -> None:
        self.parser_bytes = size


def buffers(**changes: Any) -> Buffers:
    return Buffers(UPLOADS.model_copy(update=changes))


def given(stack: ExitStack, some: Buffers) -> int:
    asked = Asked()
    stack.enter_context(some.for_body(cast("web.Request", asked)))
    assert asked.kernel_bytes == asked.parser_bytes
    return asked.kernel_bytes


def test_as_many_bodies_as_the_budget_has_room_for_are_wide_and_the_place_of_one_that_ended_is_free() -> None:
    some = buffers(**TWO_PLACES)
    with ExitStack() as first, ExitStack() as others:
        assert [given(first, some), given(others, some), given(others, some)] == [WIDE_BYTES, WIDE_BYTES, 0]
        first.close()
        assert [given(others, some), given(others, some)] == [WIDE_BYTES, 0]
    assert some.wide == 0


def test_a_profile_that_leaves_it_to_the_kernel_or_wants_more_is_left_alone() -> None:
    with ExitStack() as stack:
        assert given(stack, buffers(receive_buffer_bytes=None)) == 0
        assert given(stack, buffers(receive_buffer_bytes=WIDE_BYTES)) == 0
