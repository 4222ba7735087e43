"""How a run against the reference server reads its people's mail and SMS: by long polls of the harness, on a connection of its own."""

from gelombang.clock import MICROSECONDS, monotonic_us
from gelombang.runplan import RunPlan
from gelombang.secrets import look_up_text
from gelombang_loadtests.exchange import exchange
from gelombang_loadtests.exchanged import Request
from gelombang_loadtests.phone import Fetch
from gelombang_loadtests.pool import ConnectionPool
from gelombang_loadtests.target import base_of
from gelombang_loadtests.uplink import UNPACED

OVERTIME_SECONDS = 5.0
"""A long poll that is not answered this long after its end has failed."""


def fetch_of(plan: RunPlan) -> Fetch | None:
    """What asks the harness for messages; None without one."""
    if plan.harness_url is None:
        return None
    base = base_of(plan.harness_url, "the harness")
    headers = ((b"authorization", b"Bearer " + look_up_text(plan.harness_token, "--harness-token").encode()),)
    # Not the people's own: the harness is on this machine, and no proxy stands before it.
    connections = ConnectionPool(1).person()

    def fetch(after: int, limit: int, wait_seconds: float) -> bytes | None:
        path = f"{base.path}/messages?after={after}&limit={limit}&wait_seconds={wait_seconds:g}"
        deadline_us = monotonic_us() + int((wait_seconds + OVERTIME_SECONDS) * MICROSECONDS)
        answer = exchange(connections, Request(b"GET", path.encode(), base.host, base.port, headers), UNPACED, deadline_us)
        return answer.body if answer.outcome_error is None and answer.status == 200 else None

    return fetch
