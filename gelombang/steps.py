"""The closed vocabulary of step forms in which a scenario writes its journey.

A step is data: how it is asked for, what its answer means, and where each outcome leads. Text fields may hold `{placeholders}`: fields
of the person (`{name} {email} {phone} {nik} {kk} {birth_date} {address} {password}`) and whatever earlier steps captured.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gelombang.attempt import Outcome
from gelombang.distribution import Distribution
from gelombang.scale import Dimension, FixedInt, Ratio, Seconds
from gelombang.step_parts import (
    PARALLEL_LIMIT,
    Body,
    Capture,
    FilePart,
    Method,
    OutcomeName,
    ParallelRequest,
    PhotoKind,
    PlaceholderName,
    RepeatUntil,
    Strict,
    Success,
    Target,
    TusUpload,
    require_post,
)

__all__ = [
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
    "Step",
    "StepName",
    "Success",
    "Target",
    "TusUpload",
    "is_upload",
    "outcome_of",
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

    @model_validator(mode="after")
    def _creates_once(self) -> Self:
        require_post(self.method, self.body)
        if self.body is not None and self.body.tus is not None and self.repeat_until is not None:
            raise ValueError("a tus body with repeat_until; want the question whether it is done in a step of its own")
        return self


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
