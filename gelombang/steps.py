"""The closed vocabulary of step forms in which a scenario writes its journey.

A step is data: how it is asked for, what its answer means, and where each outcome leads. Text fields may hold `{placeholders}`: fields
of the person (`{name} {email} {phone} {nik} {kk} {birth_date} {address} {password}`) and whatever earlier steps captured. What is
marked `Reserved` is part of the schema and refused by the check until it is built, so that a scenario written today keeps its meaning.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gelombang.attempt import Outcome
from gelombang.distribution import Distribution
from gelombang.errors import Fault
from gelombang.scale import Dimension, FixedInt, Ratio, Seconds


@dataclass(frozen=True, slots=True)
class Reserved:
    """Marks a field that the schema keeps for a later release, all but the values that are built already."""

    built: tuple[str, ...] = ()


RESERVED = Reserved()

StepName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
PlaceholderName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
OutcomeName = Literal[
    "ok",
    "refused",
    "failed",
    "too_large",
    "invalid",
    "conflict",
    "expired",
    "timed_out",
    "connect_refused",
    "reset",
    "protocol",
    "no_message",
    "not_read",
]
Target = Annotated[str, Field(pattern=r"^(next|retry|step:[a-z][a-z0-9-]*|fate:(finished|gave_up|rejected|unreachable))$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Capture(_Strict):
    """Where in an answer (or message) a value stands; exactly one way."""

    json_pointer: str | None = Field(default=None, pattern=r"^(/[^/]*)*$")
    """RFC 6901."""
    header: str | None = None
    message: str | None = None
    """A field of the awaited message."""
    cookie: Annotated[str | None, RESERVED] = None
    regex: Annotated[str | None, RESERVED] = None
    css: Annotated[str | None, RESERVED] = None
    """A CSS selector and attribute, such as `input[name=csrf]@value`."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"given {len(given)} ways ({', '.join(given) or 'none'}); want exactly one")
        return self


class PhotoKind(StrEnum):
    """Which of the two photos."""

    KTP = "ktp"
    SELFIE = "selfie"


class Body(_Strict):
    """What a request carries; at most one form."""

    json_fields: Annotated[dict[str, Any] | None, Dimension.FIXED] = Field(default=None, alias="json")
    form: Annotated[dict[str, str] | None, RESERVED] = None
    multipart: Annotated[dict[str, str] | None, RESERVED] = None
    raw: Annotated[str | None, RESERVED] = None
    file: Annotated[str | None, RESERVED] = None
    tus: Annotated[str | None, RESERVED] = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [info.alias or name for name, info in type(self).model_fields.items() if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"given {len(given)} forms ({', '.join(given)}); want at most one")
        return self


class Success(_Strict):
    """Which statuses mean which outcome, where the default of `gelombang.journey` does not fit."""

    status: dict[Annotated[str, Field(pattern=r"^[1-5][0-9x]{2}$")], OutcomeName] = Field(default_factory=dict)
    header: Annotated[dict[str, str] | None, RESERVED] = None
    body: Annotated[str | None, RESERVED] = None


class RepeatUntil(_Strict):
    """Ask again until the answer holds a value."""

    json_pointer: str
    equals: str
    every_seconds: Seconds
    times_limit: Annotated[FixedInt, Field(gt=0)]


class _Step(_Strict):
    step: StepName
    title: str = ""
    milestone: bool = False
    """Whether the funnel shows it."""
    think_seconds: Annotated[Distribution, Dimension.WAITING] | None = None
    """What the person does before it."""
    on: dict[OutcomeName, Target] = Field(default_factory=dict)
    """Where an outcome leads; `gelombang.journey` has the defaults."""
    capture: dict[PlaceholderName, Capture] = Field(default_factory=dict)
    repeat_until: Annotated[RepeatUntil | None, RESERVED] = None
    parallel: Annotated[list[StepName] | None, RESERVED] = None
    parallel_limit: Annotated[FixedInt | None, RESERVED] = None
    hook: Annotated[str | None, RESERVED] = None
    """`module:function`."""


class RequestStep(_Step):
    """One HTTP request and its answer."""

    form: Literal["request"]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
    path: str
    """A path on the target, or an absolute or captured URL."""
    query: Annotated[dict[str, str] | None, RESERVED] = None
    headers: dict[str, str] = Field(default_factory=dict)
    body: Body | None = None
    success: Success = Field(default_factory=Success)
    redirects: Annotated[Literal["follow", "answer"] | None, RESERVED] = None
    cookies: Annotated[bool | None, RESERVED] = None


class MessageStep(_Step):
    """Wait for a mail or SMS; no exchange with the target."""

    form: Literal["message"]
    inbox: Annotated[Literal["harness", "fixed", "http", "imap", "hook"], Reserved(built=("harness",))] = "harness"
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


Step = Annotated[RequestStep | MessageStep | PhotoStep, Field(discriminator="form")]


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
