"""A small JSON step with its commit: joining the wave reads a session, a JSON body and the applicant, and writes one row, durably."""

import asyncio
import secrets
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import NamedTuple

from server_bench.connection import Connection, head, json_head, open_connection
from server_bench.site import WAVE, RunningSite, profile, seed_people, seed_people_in_postgres, serving

from gelombang.clock import MICROSECONDS, monotonic_us

AT_ONCE = 64
STEPS = 6_000
"""In one round."""
_BODY = b'{"accept_terms":true}'


class StepRound(NamedTuple):
    per_second: float
    cpu_us: float
    """Of the server, per request."""


def rows(folder: Path, rounds: int, database_url: str | None = None) -> dict[str, list[StepRound]]:
    """Steps a second on one core; /healthz, which is what the framework alone can do; and, interleaved, the same step with PostgreSQL."""
    found: dict[str, list[StepRound]] = {"join the wave, committed": [], "/healthz": []}
    with ExitStack() as stack:
        site = stack.enter_context(serving(folder / "steps", profile("hardened")))
        seed_people(site, rounds * STEPS)
        shared = None
        if database_url is not None:
            found["join the wave, committed in PostgreSQL"] = []
            schema = f"bench_{secrets.token_hex(4)}"
            database = {"url": database_url, "schema_name": schema}
            shared = stack.enter_context(serving(folder / "steps-postgres", profile("hardened", database=database)))
            asyncio.run(seed_people_in_postgres(database_url, schema, rounds * STEPS))
        for number in range(rounds):
            health = [head("GET", "/healthz", 0)] * STEPS
            asked = [(site, "join the wave, committed", _joins(site, number), 201), (site, "/healthz", health, 200)]
            if shared is not None:
                asked.append((shared, "join the wave, committed in PostgreSQL", _joins(shared, number), 201))
            for asked_site, name, requests, wanted in asked:
                cpu = asked_site.cpu_seconds()
                took_seconds = asyncio.run(ask_all(asked_site.public_url, requests, wanted))
                cpu_us = (asked_site.cpu_seconds() - cpu) / len(requests) * MICROSECONDS
                found[name].append(StepRound(len(requests) / took_seconds, cpu_us))
    return found


def _joins(site: RunningSite, number: int) -> list[bytes]:
    sessions = site.sessions(1 + number * STEPS, STEPS)
    return [json_head("POST", f"/api/v1/me/waves/{WAVE}", len(_BODY), session) + _BODY for session in sessions]


async def ask_all(url: str, requests: list[bytes], wanted: int) -> float:
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
