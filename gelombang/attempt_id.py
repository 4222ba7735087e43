"""Which attempt: who tried what, for the how-manieth time.

The identity travels as a W3C trace id (Trace Context, W3C Recommendation 2021, section 3.2), so that a server that knows nothing of
this project can log it and be joined later.
"""

from typing import NamedTuple

PAGE_PEOPLE = 1 << 39
"""Persons from here on are applicants whose pages in a browser made the trace ids: the upper half of what a trace id can say."""


class AttemptId(NamedTuple):
    """Who tried what, for the how-manieth time. `number` counts a person's tries at the step from 1."""

    run: int
    person: int
    tab: int
    step: int
    number: int

    def trace_id(self) -> str:
        """32 hex digits: run 40 bits, person 40, tab 8, step 16, number 24. Never all zero, because number starts at 1."""
        assert self.number >= 1
        value = self.run & 0xFF_FFFF_FFFF
        value = value << 40 | self.person
        value = value << 8 | self.tab
        value = value << 16 | self.step
        value = value << 24 | self.number
        return f"{value:032x}"

    def traceparent(self, exchange: int) -> str:
        """The header of this attempt's `exchange`-th HTTP request (from 1), which is the span id."""
        return self.traceparent_bytes(exchange).decode()

    def traceparent_bytes(self, exchange: int) -> bytes:
        """The same as it is sent."""
        run, person, tab, step, number = self
        assert number >= 1
        # Field by field and as bytes: half the cost of `trace_id` and an f-string, and every exchange makes one.
        return b"00-%010x%010x%02x%04x%06x-%016x-01" % (run & 0xFF_FFFF_FFFF, person, tab, step, number, exchange)


def parse_trace_id(text: str) -> AttemptId:
    """The inverse of `AttemptId.trace_id`. Raises ValueError on anything but 32 hex digits."""
    if len(text) != 32:
        raise ValueError(f"trace id has {len(text)} characters; want 32 hex digits")
    value = int(text, 16)
    return AttemptId(
        run=value >> 88,
        person=value >> 48 & 0xFF_FFFF_FFFF,
        tab=value >> 40 & 0xFF,
        step=value >> 24 & 0xFFFF,
        number=value & 0xFF_FFFF,
    )


def parse_traceparent(header: str | None) -> AttemptId | None:
    """The attempt a request belongs to; None when the header is missing or is not a traceparent."""
    if header is None or len(header) != 55 or header[2] != "-" or header[35] != "-":
        return None
    try:
        return parse_trace_id(header[3:35])
    except ValueError:
        return None
