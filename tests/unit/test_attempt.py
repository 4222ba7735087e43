"""The identity of an attempt as it travels, and the closed sets."""

import pytest

from gelombang.attempt import Code, Outcome
from gelombang.attempt_id import AttemptId, parse_trace_id, parse_traceparent


def test_the_header_is_a_w3c_traceparent() -> None:
    attempt = AttemptId(run=0xABCDEF0123, person=1_432_132, tab=1, step=9, number=3)
    assert attempt.traceparent(2) == "00-abcdef0123000015da4401000900000" + "3-0000000000000002-01"


def test_parsing_gives_back_what_was_written() -> None:
    attempt = AttemptId(run=(1 << 40) - 1, person=(1 << 40) - 1, tab=255, step=65_535, number=(1 << 24) - 1)
    assert parse_trace_id(attempt.trace_id()) == attempt
    assert parse_traceparent(attempt.traceparent(1)) == attempt


@pytest.mark.parametrize("header", [None, "", "00-abc", "00-" + "g" * 32 + "-0000000000000001-01", "x" * 55])
def test_a_header_of_another_kind_belongs_to_no_attempt(header: str | None) -> None:
    assert parse_traceparent(header) is None


def test_a_trace_id_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="has 3 characters; want 32 hex digits"):
        parse_trace_id("abc")


def test_codes_and_outcomes_fit_their_places_in_the_ledger() -> None:
    assert max(Code) < 1 << 16
    assert max(Outcome) < 1 << 8
    assert not {"OTHER", "UNKNOWN"} & set(Code.__members__)
