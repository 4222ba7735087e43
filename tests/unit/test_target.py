"""What the owner of a service allows."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from gelombang.target import PlanNumbers, TargetBlock, allowed_hosts, host_breaches, limit_breaches, user_agent, window_breaches

BLOCK: dict[str, Any] = {
    "allowed_hosts": ["staging.example", "Files.Example"],
    "owner": "Registration team",
    "authorisation": "change 4711",
    "contact": "oncall@team.example",
    "max_arrivals_per_second": 5.0,
    "max_people": 100,
    "max_bytes": 1_000_000,
    "window": {"from": "2027-01-04T22:00:00+07:00", "until": "2027-01-04T23:00:00+07:00"},
}


def block(**fields: Any) -> TargetBlock:
    return TargetBlock.model_validate(BLOCK | fields)


def test_hosts_are_those_of_the_block_in_any_case_and_no_others() -> None:
    assert allowed_hosts("https://staging.example", block()) == {"staging.example", "files.example"}
    assert host_breaches(block(), "https://STAGING.example:8443/app") == []
    assert "evil.example" in host_breaches(block(), "https://evil.example/staging.example")[0]


def test_without_a_block_loopback_may_speak_to_itself_only() -> None:
    assert allowed_hosts("http://127.0.0.1:8080", None) == {"127.0.0.1", "localhost", "::1"}
    assert allowed_hosts("http://staging.example", None) == {"staging.example"}


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        (PlanNumbers(101, 1.0, 10.0), "101 people; want at most 100, [target] max_people"),
        (PlanNumbers(100, 5.5, 10.0), "5.5 arrivals per second; want at most 5, [target] max_arrivals_per_second"),
        (PlanNumbers(100, 5.0, 10.0, 1_000_001), "1,000,001 bytes; want at most 1,000,000, [target] max_bytes"),
    ],
)
def test_a_plan_over_a_maximum_is_named_with_both_numbers(numbers: PlanNumbers, says: str) -> None:
    (found,) = limit_breaches(block(), numbers)
    assert says in found


def test_a_plan_at_every_maximum_is_allowed() -> None:
    assert limit_breaches(block(), PlanNumbers(100, 5.0, 10.0, 1_000_000)) == []


@pytest.mark.parametrize(
    ("begins", "seconds", "fine"),
    [
        (datetime(2027, 1, 4, 14, 59, 59, tzinfo=UTC), 1.0, False),
        (datetime(2027, 1, 4, 15, 0, tzinfo=UTC), 3_600.0, True),
        (datetime(2027, 1, 4, 15, 0, 1, tzinfo=UTC), 3_600.0, False),
        (datetime(2027, 1, 4, 16, 0, tzinfo=UTC), 1.0, False),
    ],
)
def test_a_run_must_lie_inside_the_window(begins: datetime, seconds: float, fine: bool) -> None:
    assert (window_breaches(block(), begins, seconds) == []) is fine


@pytest.mark.parametrize(
    "fields",
    [
        {"window": {"from": "2027-01-04T22:00:00", "until": "2027-01-04T23:00:00+07:00"}},
        {"window": {"from": "2027-01-04T23:00:00+07:00", "until": "2027-01-04T23:00:00+07:00"}},
        {"contact": "a\r\nX-Evil: 1"},
        {"contact": "a) (b"},
        {"allowed_hosts": []},
        {"allowed_hosts": ["https://staging.example/"]},
        {"max_people": 0},
    ],
)
def test_a_block_that_is_not_whole_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        block(**fields)


def test_the_generator_names_itself_and_whom_to_call() -> None:
    assert user_agent("1.2", block()) == "gelombang/1.2 (oncall@team.example)"
