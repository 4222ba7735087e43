"""The site under measurement: the server's own command on one core, its orders, and people who are at some step already."""

import json
import os
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gelombang.clock import cpu_seconds_of, monotonic_us
from gelombang.profile import Profile
from gelombang.resources import profiles_folder
from gelombang.runplan import ScaleNumbers, ServerPlan, write_model
from gelombang_server.config import SITE_FOLDER
from gelombang_server.postgres.address import Address
from gelombang_server.schema import DATABASE_FILE
from gelombang_server.sessions import issue_session, read_session_key

SERVER_CORE, CLIENT_CORE = 0, 1
TOKEN = "a token of this benchmark"
NO_STORE = {"bandwidth_bytes_per_second": 1e12, "latency_seconds": 0.0, "turns_limit": 4_000}
"""A modelled store that never makes anybody wait: what is left is the server's own work."""
ROOMY = {"received_budget_bytes": 20_000_000_000, "admitted_budget_bytes": 20_000_000_000}
WAVE = "wave-1"


class RunningSite(NamedTuple):
    public_url: str
    uploads_url: str
    harness_url: str
    pids: list[int]
    folder: Path
    zero_us: int
    uploads_urls: list[str]
    """One for each process that takes uploads."""
    metrics_urls: list[str]
    """One for each process: those of the API first, in the order of `pids`."""

    @property
    def database(self) -> Path:
        return self.folder / SITE_FOLDER / DATABASE_FILE

    def sessions(self, first: int, count: int) -> list[str]:
        """Sessions of the applicants `first`, `first` + 1, …, good for an hour."""
        key = read_session_key(self.folder / SITE_FOLDER)
        expires_us = monotonic_us() - self.zero_us + 3_600_000_000
        return [issue_session(key, person, expires_us) for person in range(first, first + count)]

    def cpu_seconds(self) -> float:
        """CPU of all its processes so far."""
        return sum(cpu_seconds_of(pid) for pid in self.pids)

    def memory_bytes(self) -> int:
        """What all its processes hold, shared pages counted once (PSS)."""
        total = 0
        for pid in self.pids:
            line = next(line for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
            total += int(line.split()[1]) * 1_024
        return total


def profile(name: str, **parts: dict[str, Any]) -> Profile:
    """A committed profile with some numbers replaced; `tickets` reaches inside `uploads`."""
    document = tomllib.loads((profiles_folder() / f"{name}.toml").read_text())
    tickets = parts.pop("tickets", None)
    for part, numbers in parts.items():
        document[part] = document.get(part, {}) | numbers
    if tickets and "tickets" in document["uploads"]:
        document["uploads"]["tickets"] |= tickets
    return Profile.model_validate(document)


@contextmanager
def serving(
    folder: Path, site: Profile, scale: ScaleNumbers | None = None, core: int | None = SERVER_CORE, processes: int = 1
) -> Iterator[RunningSite]:
    """The server with so many API processes, from its ready line to its end. `core` None: all cores."""
    folder.mkdir(parents=True, exist_ok=True)
    zero_us = monotonic_us()
    orders: dict[str, Any] = {"run": 7, "seed": 1, "scale": scale or ScaleNumbers(), "folder": str(folder), "zero_us": zero_us}
    orders |= {"profile": site, "processes": processes, "public_port": 0, "harness_port": 0, "harness_token": TOKEN}
    write_model(folder / "server.json", ServerPlan.model_validate(orders))
    command = [sys.executable, "-m", "gelombang_server", "--config", str(folder / "server.json"), "--until-input-ends"]
    if core is not None:
        command = ["taskset", "-c", str(core), *command]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ}) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        line = server.stdout.readline()
        if not line:
            raise SystemExit("the server did not start; its last words are above")
        ready = json.loads(line)
        try:
            urls = ready["public_url"], ready["uploads_url"], ready["harness_url"]
            yield RunningSite(*urls, ready["pids"], folder, zero_us, ready["uploads_urls"], ready["metrics_urls"])
        finally:
            server.stdin.close()
            server.wait(30)


def seed_people(site: RunningSite, count: int) -> None:
    """Applicants 1 to `count`, with a verified address and the test handed in."""
    connection = sqlite3.connect(site.database, timeout=30)
    people = [(n, f"orang-{n}@mail.example", "Orang", "x", 0, 0) for n in range(1, count + 1)]
    insert = "INSERT INTO applicants (id, email, name, password_hash, created_us, email_verified_us) VALUES (?, ?, ?, ?, ?, ?)"
    with connection:
        connection.executemany(insert, people)
        connection.executemany("INSERT INTO tests (applicant, began_us, handed_in_us) VALUES (?, 0, 1)", [(n,) for n, *_ in people])
    connection.close()


async def seed_people_in_postgres(url: str, schema: str, count: int) -> None:
    """The same people in the schema of a site on PostgreSQL."""
    connection = await Address(url, schema).connect()
    people = [(n, f"orang-{n}@mail.example", "Orang", "x", 0, 0) for n in range(1, count + 1)]
    columns = ["id", "email", "name", "password_hash", "created_us", "email_verified_us"]
    await connection.copy_records_to_table("applicants", records=people, columns=columns)
    tests = [(n, 0, 1) for n, *_ in people]
    await connection.copy_records_to_table("tests", records=tests, columns=["applicant", "began_us", "handed_in_us"])
    await connection.execute("ANALYZE")
    await connection.close()
