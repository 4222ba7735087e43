"""The closed vocabulary of step forms in which a scenario writes its journey.

A step is data: how it is asked for, what its answer means, and where each outcome leads. Text fields may hold `{placeholders}`: fields
of the person (`{name} {email} {phone} {nik} {kk} {birth_date} {address} {password}`) and whatever earlier steps captured. What is
marked `Reserved` is part of the schema and refused by the check until it is built, so that a scenario written today keeps its meaning.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from gelombang.attempt import Outcome
from gelombang.distribution import Distribution
from gelombang.errors import Fault
from gelombang.scale import Dimension, FixedInt, Ratio, Seconds
from gelombang.step_parts import (
    PARALLEL_LIMIT,
    RESERVED,
    Body,
    Capture,
    FilePart,
    Method,
    OutcomeName,
    ParallelRequest,
    PhotoKind,
    PlaceholderName,
    RepeatUntil,
    Reserved,
    Strict,
    Success,
    Target,
)

__all__ = [
    "RESERVED",
    "Body",
    "Capture",
    "FilePart",
    "MessageStep",
    "OutcomeName",
    "PhotoKind",
    "PhotoStep",
    "PlaceholderName",
    "RepeatUntil",
    "RequestStep",
    "Reserved",
    "Step",
    "StepName",
    "Success",
    "Target",
    "is_upload",
    "outcome_of",
    "reserved_faults",
]

StepName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]


class _Step(Strict):
    step: StepName
    title: str = ""
    milestone: bool = False
    """Whether the funnel shows it."""
    think_seconds: Annotated[Distribution, Dimension.WAITING] | None = None
    """What the person does before it."""
    on: dict[OutcomeName, Target] = Field(default_factory=dict)
    """Where an outcome leads; `gelombang.journey` has the defaults."""
    capture: dict[PlaceholderName, Capture] = Field(default_factory=dict)


class RequestStep(_Step):
    """One HTTP request and its answer."""

    form: Literal["request"]
    method: Method
    path: str
    """A path on the target, or an absolute or captured URL."""
    query: dict[str, str] = Field(default_factory=dict)
    """Added to the path, encoded."""
    headers: dict[str, str] = Field(default_factory=dict)
    body: Body | None = None
    success: Success = Field(default_factory=Success)
    redirects: Literal["follow", "answer"] = "answer"
    """`follow`: up to 10 in one attempt are followed; `answer`: a redirect is judged like any answer, by `success.status`."""
    repeat_until: RepeatUntil | None = None
    parallel: list[ParallelRequest] = Field(default_factory=list, max_length=100)
    """Requests beside this one, as a page makes them: one attempt, which ends when all have ended."""
    parallel_limit: Annotated[FixedInt, Field(ge=1, le=PARALLEL_LIMIT)] = 6
    """How many of the step's requests are under way at the same time, this one included."""
    hook: Annotated[str, Field(pattern=r"^([A-Za-z_][\w.]*|/.+\.py):[A-Za-z_]\w*$")] | None = None
    """`module:function`, called with each request just before it is sent (`gelombang.hooks`)."""
    hook_values: list[PlaceholderName] = Field(default_factory=list)
    """Values for later steps that the hook puts into `captured`."""
    cookies: bool | None = None
    """Whether the person keeps and sends cookies here; without it, as the scenario's `cookies` says."""


class MessageStep(_Step):
    """Wait for a mail or SMS; no exchange with the target."""

    form: Literal["message"]
    inbox: StepName = "harness"
    """Which inbox: the reference server's own, or one of the scenario's sections `[inbox.NAME]` (`gelombang.inbox`)."""
    kind: str
    address: str
    within_seconds: Seconds
    """Longer than this and the outcome is `no_message`."""
    read_ratio: Annotated[Ratio, Field(gt=0, le=1)] = 1.0
    """Share of people who will ever read it; the others' outcome is `not_read`."""
    accept: dict[str, str] = Field(default_factory=dict)
    """Fields the message must hold; otherwise the outcome is `invalid`."""


class PhotoStep(_Step):
    """Send one photo by the protocol that the site's page asks for."""

    form: Literal["photo"]
    photo: PhotoKind
    protocol: str
    """`multipart` or `ticket`, or a captured value."""
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    cookies: bool | None = None


Step = Annotated[RequestStep | MessageStep | PhotoStep, Field(discriminator="form")]


def is_upload(step: Step) -> bool:
    """Whether people wait for it as for an upload: a photo step, or a request with a file in its body."""
    return isinstance(step, PhotoStep) or (isinstance(step, RequestStep) and step.body is not None and step.body.is_upload)


def outcome_of(name: str) -> Outcome:
    """The outcome that a scenario names in lower case."""
    return Outcome[name.upper()]


def reserved_faults(model: BaseModel, where: str) -> Iterator[Fault]:
    """A fault for each reserved field that is used anywhere below `model`."""
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        path = f"{where}.{info.alias or name}" if where else name
        reserved = next((m for m in info.metadata if isinstance(m, Reserved)), None)
        if reserved is None:
            yield from _reserved_below(value, path)
        elif reserved.built and value not in reserved.built:
            yield Fault(path, repr(value), f"{' or '.join(map(repr, reserved.built))}: the others are reserved for a later release")
        elif not reserved.built and value is not None:
            yield Fault(path, repr(value), "nothing here yet: this form is reserved for a later release")


def _reserved_below(value: object, path: str) -> Iterator[Fault]:
    if isinstance(value, BaseModel):
        yield from reserved_faults(value, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _reserved_below(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _reserved_below(item, f"{path}[{i}]")
