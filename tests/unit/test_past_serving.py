"""What `gelombang dashboards serve` prints of a past run."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gelombang_cli.past_run import Span
from gelombang_cli.past_serving import banner


@pytest.mark.parametrize(
    ("first", "last", "minutes", "end"),
    [
        ("08:30:39", "08:31:43", "2", "08%3A32"),
        ("08:30:00", "08:31:00", "1", "08%3A31"),
        ("08:30:59.5", "08:31:00.5", "2", "08%3A32"),
    ],
)
def test_the_link_shows_the_whole_run_although_prometheus_knows_whole_minutes_only(first: str, last: str, minutes: str, end: str) -> None:
    seconds = [datetime.fromisoformat(f"2026-11-26T{moment}").replace(tzinfo=UTC).timestamp() for moment in (first, last)]
    [look] = [line for line in banner(Path("runs/x"), "http://127.0.0.1:1", Span(*seconds)).splitlines() if line.startswith("  look")]
    assert f"range_input={minutes}m&" in look
    assert look.endswith(f"end_input=2026-11-26%20{end}")
