"""A small JSON step with its commit: joining the wave reads a session, a JSON body and the applicant, and writes one row, durably."""

import asyncio
from itertools import count
from pathlib import Path
from typing import NamedTuple

from server_bench.connection import Connection, head, json_head, open_connection
from server_bench.site import WAVE, profile, seed_people, serving

from gelombang.clock import MICROSECONDS, monotonic_us

AT_ONCE = 64
STEPS = 6_000
"""In one round."""
_BODY = b'{"accept_terms":true}'


class StepRound(NamedTuple):
    per_second: float
    cpu_us: float
    """Of the server, per request."""


def rows(folder: Path, rounds: int) -> dict[str, list[StepRound]]:
    """Steps a second on one core; and /healthz, which is what the framework alone can do."""
    found: dict[str, list[StepRound]] = {"join the wave, committed": [], "/healthz": []}
    with serving(folder / "steps", profile("hardened")) as site:
        seed_people(site, rounds * STEPS)
        for number in range(rounds):
            sessions = site.sessions(1 + number * STEPS, STEPS)
            joins = [json_head("POST", f"/api/v1/me/waves/{WAVE}", len(_BODY), session) + _BODY for session in sessions]
            health = [head("GET", "/healthz", 0)] * STEPS
            for name, requests, wanted in (("join the wave, committed", joins, 201), ("/healthz", health, 200)):
                cpu = site.cpu_seconds()
                took_seconds = asyncio.run(_all(site.public_url, requests, wanted))
                cpu_us = (site.cpu_seconds() - cpu) / len(requests) * MICROSECONDS
                found[name].append(StepRound(len(requests) / took_seconds, cpu_us))
    return found


async def _all(url: str, requests: list[bytes], wanted: int) -> float:
    connections = [await open_connection(url) for _ in range(AT_ONCE)]
    numbers = count()

    async def work(connection: Connection) -> None:
        while (n := next(numbers)) < len(requests):
            status, answer = await connection.ask(requests[n])
            assert status == wanted, (status, answer)

    began_us = monotonic_us()
    await asyncio.gather(*(work(connection) for connection in connections))
    took_seconds = (monotonic_us() - began_us) / MICROSECONDS
    for connection in connections:
        connection.leave()
    return took_seconds
