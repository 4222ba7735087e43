"""What was measured, as it is kept in a file: one server for each point of each round, and what one password and one decoded photo cost."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gelombang.errors import InputError
from gelombang.runplan import read_model

SQLITE, POSTGRESQL = "sqlite", "postgresql"
"""What people are kept in."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Round(_Part):
    """One server with so many processes, and everybody of one round through it, from account to wave."""

    number: int
    api: int
    uploads: int
    database: str
    photo_bytes: int
    people: int
    seconds: float
    api_cpu_seconds: list[float]
    """Of each API process."""
    uploads_cpu_seconds: list[float]
    checks_cpu_seconds: float
    """Of the process that decodes stored photos, which gives way to the others: it is behind when the round ends."""
    client_cpu_seconds: float
    commits: float
    writes: float
    """Operations in those commits."""
    writer_seconds: float
    """Wall time in which some process was the database's only writer."""
    waited_for_writer_seconds: float
    """Wall time in which processes waited to become it, added up."""

    @property
    def per_second(self) -> float:
        return self.people / self.seconds

    @property
    def server_cpu_ms(self) -> float:
        """Of API and upload processes, a person."""
        return 1e3 * (sum(self.api_cpu_seconds) + sum(self.uploads_cpu_seconds)) / self.people

    @property
    def client_cpu_ms(self) -> float:
        return 1e3 * self.client_cpu_seconds / self.people

    @property
    def cores_used(self) -> float:
        """By everything: server, decoder, client."""
        server = sum(self.api_cpu_seconds) + sum(self.uploads_cpu_seconds) + self.checks_cpu_seconds
        return (server + self.client_cpu_seconds) / self.seconds

    @property
    def writer_busy_ratio(self) -> float:
        return self.writer_seconds / self.seconds

    @property
    def writes_per_commit(self) -> float:
        return self.writes / self.commits

    @property
    def busiest(self) -> tuple[str, float]:
        """The process nearest to a whole core, and how much of one it used."""
        found = [("an API process", max(self.api_cpu_seconds)), ("an upload process", max(self.uploads_cpu_seconds))]
        name, seconds = max([*found, ("the client", self.client_cpu_seconds)], key=lambda each: each[1])
        return name, seconds / self.seconds


class Measured(_Part):
    """A whole measurement."""

    made_at: str
    commit: str | None
    cores: int
    rounds: list[Round]
    password_seconds: list[float]
    """CPU of one argon2id hash at full price, in a process that does nothing else; one figure a round."""
    decode_seconds: list[float]
    """CPU of decoding and looking through one photo of two million pixels."""

    def at(self, api: int, uploads: int, photo_bytes: int, database: str = SQLITE) -> list[Round]:
        """The rounds of one point."""
        wanted = (api, uploads, photo_bytes, database)
        return [each for each in self.rounds if (each.api, each.uploads, each.photo_bytes, each.database) == wanted]


def read_measured(path: Path) -> Measured:
    """What an earlier measurement left. Raises InputError when there is none."""
    if not path.is_file():
        raise InputError(f"{path} is not there; want the figures that --only processes leaves")
    return read_model(path, Measured)


def middle(rounds: Sequence[Round], take: Callable[[Round], float]) -> float:
    """The median over the rounds of one point."""
    return statistics.median(take(each) for each in rounds)


def spread(rounds: Sequence[Round], take: Callable[[Round], float], digits: int) -> str:
    """Median, least and most."""
    values = [take(each) for each in rounds]
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
