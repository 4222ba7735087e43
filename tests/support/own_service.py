"""A scenario file for somebody's own service: a page and nothing else, at a steady rate, in real time."""

import json
from pathlib import Path

_TEXT = """
name = "own"
title = "Somebody's own service"
opens_at = "2027-01-04T09:00:00+07:00"
profiles = ["hardened"]
drain_seconds = {drain_seconds}

[scale]
sample = "1"
speed = 1.0
bytes_ratio = 1.0

[[arrivals.phases]]
form = "hold"
for_seconds = {for_seconds}
start_per_second = {per_second}

[people]
nik_known_ratio = 1.0
[people.line]
uplink_bytes_per_second = {{ value = 1_000_000.0 }}
round_trip_seconds = {{ value = 0.0 }}
fixed_line_ratio = 0.0
fixed_uplink_bytes_per_second = {{ value = 1_000_000.0 }}
fixed_round_trip_seconds = {{ value = 0.0 }}
[people.photos.ktp]
first_bytes = {{ value = 30_000.0 }}
smaller_copy_bytes = {{ value = 10_000.0 }}
[people.photos.selfie]
first_bytes = {{ value = 30_000.0 }}
smaller_copy_bytes = {{ value = 10_000.0 }}

[patience]
page_seconds = {{ value = 30.0 }}
upload_seconds = {{ value = 30.0 }}
upload_progress_ratio = 2.0
persist_ratio = 1.0
persist_tries = 3
persist_later_ratio = 0.0
retry_seconds = {{ value = 0.5 }}
away_seconds = {{ value = 60.0 }}
return_ratio = 0.0
leave_when_refused_ratio = 0.0
smaller_copy_ratio = 0.0
attempts_limit = 50
"""
_HOME = """
[[journey]]
step = "home"
title = "Home"
milestone = true
form = "request"
method = "GET"
path = "/home"
"""


def own_scenario(
    path: Path, more: str = "", journey: str = _HOME, per_second: float = 20.0, for_seconds: float = 30.0, drain_seconds: float = 5.0
) -> Path:
    """Write the scenario; `more` is TOML after it, such as stop rules and a target block."""
    path.write_text(_TEXT.format(per_second=per_second, for_seconds=for_seconds, drain_seconds=drain_seconds) + journey + more)
    return path


def target_block(**changes: object) -> str:
    """A `[target]` block that allows loopback, with room for everything."""
    values: dict[str, object] = {
        "allowed_hosts": ["127.0.0.1"],
        "owner": "Registration team",
        "authorisation": "change 4711",
        "contact": "oncall@team.example",
        "max_arrivals_per_second": 1_000.0,
        "max_people": 1_000_000,
        "max_bytes": 1_000_000_000,
    } | changes
    window = '\nwindow = { from = "2020-01-01T00:00:00+00:00", until = "2999-01-01T00:00:00+00:00" }\n'
    return "\n[target]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in values.items()) + window
