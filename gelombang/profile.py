"""A profile: what a site does (behaviour) and how much of everything it has (size), at full scale and in the people's time.

The reference server runs a profile, the simulator models it, the report names it. Profiles are TOML files in `server/profiles/`; every
number declares its dimension, so `gelombang.scale.scaled` can make a small, fast copy of the same site.
"""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from gelombang.clock import MICROSECONDS
from gelombang.distribution import Distribution
from gelombang.profile_objects import Objects
from gelombang.profile_pages import Pages
from gelombang.profile_programme import Programme
from gelombang.profile_uploads import ProfilePart, Store, Uploads, require_target_below
from gelombang.scale import (
    Count,
    Dimension,
    FixedFloat,
    FixedInt,
    HashBytes,
    Seconds,
    SharedRate,
    StoreBandwidth,
)


class Registry(ProfilePart):
    """The civil registry as a capped partner."""

    lookups_per_second: Annotated[SharedRate, Field(gt=0)]
    latency_seconds: Annotated[Seconds, Field(ge=0)]
    queue_limit: Annotated[Count, Field(gt=0)]


class Messages(ProfilePart):
    """Mail and SMS: how fast the partners take them and how long they travel."""

    mail_per_second: Annotated[SharedRate, Field(gt=0)]
    sms_per_second: Annotated[SharedRate, Field(gt=0)]
    mail_delay_seconds: Annotated[Distribution, Dimension.WAITING]
    sms_delay_seconds: Annotated[Distribution, Dimension.WAITING]
    queue_limit: Annotated[Count, Field(gt=0)]


class DelayRule(ProfilePart):
    """When something is behind: while even the least delay of an interval is longer than the target."""

    target_seconds: Annotated[Seconds, Field(gt=0)]
    interval_seconds: Annotated[Seconds, Field(gt=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        require_target_below(self.target_seconds, self.interval_seconds)
        return self

    @property
    def target_us(self) -> int:
        return round(self.target_seconds * MICROSECONDS)

    @property
    def interval_us(self) -> int:
        return round(self.interval_seconds * MICROSECONDS)


class Newcomers(DelayRule):
    """Sign-ups and first photos are asked to come back while a process comes late to everything."""

    return_seconds: Annotated[Distribution, Dimension.WAITING]
    """When who is refused is told to come back."""


class Password(ProfilePart):
    """argon2id (RFC 9106). The memory is what the scale divides: real CPU, smaller by convention."""

    memory_bytes: Annotated[HashBytes, Field(ge=8_192)]
    time_cost: Annotated[FixedInt, Field(ge=1)]
    threads_limit: Annotated[FixedInt, Field(ge=1)]
    queue_limit: Annotated[Count, Field(gt=0)]
    line: DelayRule | None = None
    """A line that is behind refuses who waited twice the target, and serves the newest first. Left out: first come, first served."""


class Credentials(ProfilePart):
    """How long what the site hands out is good for, and how often it may be tried."""

    session_life_seconds: Annotated[Seconds, Field(gt=0)]
    link_life_seconds: Annotated[Seconds, Field(gt=0)]
    otp_life_seconds: Annotated[Seconds, Field(gt=0)]
    otp_digits: Annotated[FixedInt, Field(ge=4, le=8)]
    otp_tries_limit: Annotated[FixedInt, Field(gt=0)]
    otp_sends_limit: Annotated[FixedInt, Field(gt=0)]
    password_tries_limit: Annotated[FixedInt, Field(gt=0)]
    password_lock_seconds: Annotated[Seconds, Field(gt=0)]
    seals_identity: bool = False
    """NIK and KK are encrypted in the database, under a key from the environment."""


class Test(ProfilePart):
    """Motivation and basic ability."""

    questions: Annotated[FixedInt, Field(gt=0)]
    time_limit_seconds: Annotated[Seconds, Field(gt=0)]
    saves_each_answer: bool = False
    """Answers may be saved one by one, and what was saved counts when the time is over."""


class Api(ProfilePart):
    """Everything that is not an upload."""

    requests_limit: Annotated[FixedInt, Field(gt=0)]
    """Requests in progress at once in one process."""
    body_limit_bytes: Annotated[FixedInt, Field(gt=0)]
    keep_alive_seconds: Annotated[FixedInt, Field(gt=0)]
    backlog: Annotated[FixedInt, Field(gt=0)]
    database_queue_limit: Annotated[FixedInt, Field(gt=0)]
    database_batch_limit: Annotated[FixedInt, Field(gt=0)]
    commit_threads: Annotated[FixedInt, Field(gt=0)]
    wake_every_seconds: Annotated[FixedFloat, Field(ge=0, le=0.05)] = 0.0
    """Wall time, whatever the speed: requests that come within it share a turn of a process's loop, and a commit. 0: each is looked at when
    it comes."""
    idempotency_keys_limit: Annotated[Count, Field(gt=0)] = 10_000_000
    """Keys that are remembered; the oldest makes room."""
    idempotency_life_seconds: Annotated[Seconds, Field(gt=0)] = 86_400.0
    """How long the answer to a key is kept."""


class Database(ProfilePart):
    """Where people, queues and the rows of photos are: a file in the site's folder, or by URL a PostgreSQL that several servers share."""

    url: Annotated[str, Field(pattern=r"^(postgresql|postgres)://|^\$\{(env|file):")] | None = None
    """`postgresql://USER@HOST:PORT/NAME`; secrets as `${env:NAME}` or `${file:PATH}`. Left out: SQLite."""
    schema_name: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] | None = None
    """The schema of the site's tables, which servers that share the site name alike. Left out, each run has one of its own."""
    connections_limit: Annotated[FixedInt, Field(gt=0, le=100)] = 4
    """Connections of a process that read; one more writes."""

    @model_validator(mode="after")
    def _without_password(self) -> Self:
        if self.url is not None and "${" not in self.url and urlsplit(self.url).password is not None:
            raise ValueError("url has its password written out; want ${env:NAME} or ${file:PATH} in the password's place")
        return self


class Machine(ProfilePart):
    """Real limits, set by the kernel: a control group for the server's processes, and in place of a modelled store a disk for photos behind
    a loop device. What is left out is as the machine has it. Wants Linux and root."""

    cores_limit: Annotated[FixedFloat, Field(gt=0)]
    """Processor time a second, of all processes."""
    memory_limit_bytes: Annotated[FixedInt, Field(ge=268_435_456)] | None = None
    """Real memory, whatever the scale; beyond it the kernel kills."""
    disk_bandwidth_bytes_per_second: Annotated[StoreBandwidth, Field(gt=0)] | None = None
    """What the photos' disk writes. Left out, photos have no disk of their own."""
    disk_bytes: Annotated[FixedInt, Field(ge=67_108_864)] = 4_000_000_000
    """Its size, real, whatever the scale."""


class Log(ProfilePart):
    """A JSON line for each request, in the run's folder."""

    lines_queue_limit: Annotated[FixedInt, Field(gt=0)] = 10_000
    """Lines that wait to be written; beyond it they are dropped and counted."""
    file_bytes_limit: Annotated[FixedInt, Field(gt=0)] = 1_000_000_000
    """Of one process; beyond it lines are dropped and counted."""


class Profile(ProfilePart):
    """One site."""

    schema_version: Annotated[int, Dimension.FIXED, Field(ge=1, le=1)] = 1
    name: str
    title: str
    store: Store | None = None
    """None: nothing is modelled, and the machine's limits are what is scarce."""
    machine: Machine | None = None
    """None: this machine as it is."""
    uploads: Uploads
    registry: Registry
    messages: Messages
    password: Password
    credentials: Credentials
    test: Test
    api: Api
    database: Database = Field(default_factory=Database)
    objects: Objects | None = None
    """None: photos are files in the site's folder."""
    newcomers: Newcomers | None = None
    """None: everybody is let in, however late the processes come to them."""
    log: Log | None = None
    """None: no log."""
    pages: Pages | None = None
    """None: no pages, JSON alone."""
    waves: list[str] = Field(min_length=1)
    programme: Programme | None = None
    """None: the site ends with joining a wave."""

    @model_validator(mode="after")
    def _waves_of_the_programme(self) -> Self:
        if self.programme is not None and self.waves != (names := [wave.name for wave in self.programme.waves]):
            raise ValueError(f"waves {', '.join(self.waves)} and programme.waves {', '.join(names)}; want the same")
        return self

    @property
    def modelled_store(self) -> Store:
        """For whoever has made sure that there is one."""
        assert self.store is not None, f"profile {self.name} has no modelled store"
        return self.store

    @model_validator(mode="after")
    def _store_or_machine(self) -> Self:
        has_disk = self.machine is not None and self.machine.disk_bandwidth_bytes_per_second is not None
        if (self.store is None) != has_disk:
            raise ValueError(
                "both or neither of store and machine.disk_bandwidth_bytes_per_second; want photos to go to a modelled store or a disk"
            )
        if self.store is None and self.uploads.tickets is not None:
            raise ValueError("uploads.tickets without a store; want one, because a ticket promises a place at it")
        return self

    @model_validator(mode="after")
    def _floor_below_threads(self) -> Self:
        commits = self.uploads.commits
        if commits is not None and commits.places_floor > self.commits_limit:
            name = "api.commit_threads" if self.objects is None else "objects.puts_limit"
            raise ValueError(
                f"uploads.commits.places_floor {commits.places_floor} with {name} {self.commits_limit}; want a floor not above it"
            )
        return self

    @property
    def commits_limit(self) -> int:
        """Photos that one process makes durable at once, at most."""
        return self.api.commit_threads if self.objects is None else self.objects.puts_limit
