"""The orders of one run, as the command writes them for the processes that it starts.

`plan.json` goes to the generator, `server.json` to the reference server. Scenario and profile stand in them at full size with the scale
beside them, so that whoever reads a run's folder later sees what was meant, and each process scales by the one rule.
"""

import secrets
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gelombang.errors import HostError, InputError, RecordError
from gelombang.moment import Moment
from gelombang.profile import Profile
from gelombang.rehearsed_fault import RehearsedFault
from gelombang.scale import FixedFloat, FixedInt, Scale
from gelombang.scenario import Scenario

PLAN_FILE = "plan.json"
SERVER_FILE = "server.json"
PLAN_VARIABLE = "GELOMBANG_PLAN"
"""Environment variable with the path of plan.json, read by the locustfile."""
PROCESS_VARIABLE = "GELOMBANG_PROCESS"
"""Environment variable with this generator process's index k, 0 to generator_processes - 1."""
SETUP_VARIABLE = "GELOMBANG_SETUP"
"""Environment variable with what the setup steps captured, as JSON, for the processes after the first; so it is in no file."""

LAST_PAGE = "generator-{process}.prom"
"""The metrics of a generator process as they stood when it had closed its ledgers."""

RUN_NUMBER_BITS = 40
_ORIGIN = r"^https?://[A-Za-z0-9.-]+(:\d{1,5})?$"


class ScaleNumbers(BaseModel):
    """`Scale` as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sample: str = "1"
    speed: FixedFloat = 1.0
    bytes_ratio: FixedFloat = 1.0
    load: FixedFloat = 1.0

    @classmethod
    def of(cls, scale: Scale) -> "ScaleNumbers":
        return cls(sample=str(scale.sample), speed=scale.speed, bytes_ratio=scale.bytes_ratio, load=scale.load)

    def scale(self) -> Scale:
        return Scale(Fraction(self.sample), self.speed, self.bytes_ratio, self.load)


class RunPlan(BaseModel):
    """What the generator processes of a run are told."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    run_id: str
    run: FixedInt = Field(ge=1, lt=1 << RUN_NUMBER_BITS)
    """The number that stands in every trace id."""
    seed: FixedInt = Field(ge=0)
    plan_digest: str
    scale: ScaleNumbers
    scenario: Scenario
    profile: str
    target_url: str
    harness_url: str | None
    """The applicants' phone; None against a foreign target."""
    harness_token: str
    """Or a reference to it (`gelombang.secrets`)."""
    zero_us: FixedInt
    """The run's zero on the system-wide monotonic clock; 0 means: as soon as this process is ready (a locustfile run by hand)."""
    for_seconds: FixedFloat = Field(gt=0)
    """People's time from zero in which arrivals are due."""
    generator_processes: FixedInt = Field(ge=1)
    """Process k walks the people with index ≡ k (mod this)."""
    labels: dict[str, str] = Field(default_factory=dict)
    """What the operator calls this run, for its metrics."""
    canary_people: FixedInt = Field(default=0, ge=0)
    """How many of the first people are looked at apart, before the others are believed to be safe."""


class PreparedPeople(BaseModel):
    """People whom the site knows before the run: those of the run itself, and others who never come."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    coming: FixedInt = Field(ge=0)
    """How many people the plan has."""
    ratio: FixedFloat = Field(ge=0, le=1)
    """Share of them that is known; the others are new."""
    others: FixedInt = Field(ge=0)
    wave: str | None
    """The wave that they had joined, their test handed in; None: they are registered, and no more."""
    photos: bool = False
    """Whether their photos were sent, to another run's store."""


class ServerPlan(BaseModel):
    """What the reference server is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    run: FixedInt = Field(ge=0, lt=1 << RUN_NUMBER_BITS)
    seed: FixedInt = Field(ge=0)
    scale: ScaleNumbers
    profile: Profile
    folder: str
    """The run's folder: ledgers go into it, data into its `site/`."""
    zero_us: FixedInt
    processes: FixedInt = Field(ge=1, le=64)
    """API processes; uploads add one of their own when the profile says so."""
    public_port: FixedInt = Field(ge=0, le=65_535)
    harness_port: FixedInt = Field(ge=0, le=65_535)
    harness_token: str = Field(min_length=8)
    """Or a reference to it (`gelombang.secrets`)."""
    run_id: str = ""
    """Empty when the server runs by itself."""
    scenario: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    """What the operator calls this run, for its metrics."""
    ledger_rows_limit: FixedInt = Field(default=20_000_000, gt=0)
    host: str = Field(default="127.0.0.1", pattern=r"^\d{1,3}(\.\d{1,3}){3}$")
    """The IPv4 address that every socket is bound to."""
    uploads_port: FixedInt = Field(default=0, ge=0, le=65_535)
    """Of the first process that takes uploads; those after it have the ports after it. 0: any free ones."""
    metrics_port: FixedInt = Field(default=0, ge=0, le=65_535)
    """Of the process after the first, whose metrics are on the harness's port; those after it have the ports after it. 0: any free ones."""
    site_url: str | None = Field(default=None, pattern=_ORIGIN)
    """How people reach the site through what stands before it, for all that any server of the site understands. None: this server's own
    addresses."""
    uploads_url: str | None = Field(default=None, pattern=_ORIGIN)
    """How people reach this server's uploads, and no other's: a ticket's photo goes to where the ticket was given. None: its own
    address."""
    faults: list[RehearsedFault] = Field(default_factory=list)
    """Of a drill."""
    opens_at: Moment | None = None
    """The moment by the calendar at which the run begins; the harness is told when that is. None: the site's zero is its programme's
    opening."""
    prepared: PreparedPeople | None = None
    """None: the site begins empty."""
    keep_bytes: FixedInt | None = Field(default=None, gt=0)
    """What the photos may take of the disk: beyond it the oldest are read back, noted and removed. None: all stay."""


M = TypeVar("M", bound=BaseModel)


def run_number(asked: int | None) -> int:
    """The number of a run: the one that was asked for, or a fresh one. Raises InputError."""
    if asked is None:
        return secrets.randbits(RUN_NUMBER_BITS) | 1
    if not 1 <= asked < 1 << RUN_NUMBER_BITS:
        raise InputError(f"--run-number is {asked}; want 1 to {(1 << RUN_NUMBER_BITS) - 1}")
    return asked


def write_model(path: Path, model: BaseModel) -> None:
    """Write a model as indented JSON. Raises HostError when the disk is full."""
    try:
        path.write_text(model.model_dump_json(indent=1, by_alias=True) + "\n")
    except OSError as error:
        raise HostError(f"{path} can't be written ({error.strerror}); want free disk") from error


def read_model(path: Path, kind: type[M]) -> M:
    """Read a model that `write_model` wrote. Raises RecordError with the file and what is wrong."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise RecordError(f"{path} is missing; want the file that `gelombang run` writes there") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise RecordError(f"{path} is not a {kind.__name__}: {where}: {first['msg']}; want it as `gelombang run` wrote it") from None
