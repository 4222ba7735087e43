"""What a profile says of photos: the store that they go to, who may send when, and what becomes of them on the way."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gelombang.distribution import Distribution
from gelombang.scale import (
    Count,
    Dimension,
    FixedFloat,
    FixedInt,
    Ratio,
    Seconds,
    SizeBytes,
    StoreBandwidth,
    StoreBytes,
    Uplink,
)


class ProfilePart(BaseModel):
    """A table of a profile."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class UploadProtocol(StrEnum):
    """How the site's page sends a photo."""

    MULTIPART = "multipart"
    """One POST with the whole photo; a failure starts again from zero."""
    TICKET = "ticket"
    """A small request first, which may be refused before a byte is sent; then one PUT."""


class Store(ProfilePart):
    """The modelled photo store, shared by the two photo steps only: processor sharing at `bandwidth_bytes_per_second`."""

    bandwidth_bytes_per_second: Annotated[StoreBandwidth, Field(gt=0)]
    commit_bytes: Annotated[SizeBytes, Field(ge=0)]
    """The cost of a commit, declared in bytes moved."""
    latency_seconds: Annotated[Seconds, Field(ge=0)]
    capacity_bytes: Annotated[StoreBytes, Field(gt=0)]
    turns_limit: Annotated[Count, Field(gt=0)]
    """How many uploads may have a turn at once: the upload slots."""
    queue_limit: Annotated[Count, Field(ge=0)]
    """How many uploads may wait for a turn."""
    stalls: list["Stall"] = Field(default_factory=list)


class Stall(ProfilePart):
    """A time in which the store moves only a share of its bandwidth."""

    at_seconds: Annotated[Seconds, Field(ge=0)]
    for_seconds: Annotated[Seconds, Field(gt=0)]
    bandwidth_ratio: Annotated[Ratio, Field(gt=0, le=1)]


class Room(ProfilePart):
    """A waiting room before the tickets: who finds no room for a first photo draws a place by lot and is told its time."""

    capacity_ratio: Annotated[Ratio, Field(gt=0, le=1)]
    """Share of the store's bandwidth that places are given for, two photos each."""
    walk_in_budget_ratio: Annotated[Ratio, Field(gt=0, le=1)]
    """Share of each budget open to people who come without a place that is due."""
    block_seconds: Annotated[Seconds, Field(gt=0)]
    """Places of so long a time are drawn from at once; the next when they are given away."""
    horizon_seconds: Annotated[Seconds, Field(gt=0)]
    """No place is further away; who finds none is told to come back then."""
    grace_seconds: Annotated[Seconds, Field(gt=0)]
    """How long after its time a place is still good."""


class Tickets(ProfilePart):
    """Admission before bytes (`protocol = "ticket"`): two byte budgets and a time to come back."""

    received_budget_bytes: Annotated[StoreBytes, Field(gt=0)]
    """Bytes received whole and not yet durable."""
    admitted_budget_bytes: Annotated[StoreBytes, Field(gt=0)]
    """Bytes admitted by ticket and not yet durable."""
    first_photo_budget_ratio: Annotated[Ratio, Field(gt=0, le=1)]
    """Share of each budget open to people without a stored photo; second photos may use all of it."""
    life_seconds: Annotated[Seconds, Field(gt=0)]
    return_ratio: Annotated[Ratio, Field(gt=0)]
    """Time to come back = this × (people waiting × mean photo bytes / bandwidth), jittered."""
    mean_photo_bytes: Annotated[SizeBytes, Field(gt=0)]
    return_jitter: Annotated[Distribution, Dimension.FIXED]
    return_min_seconds: Annotated[Seconds, Field(gt=0)]
    return_max_seconds: Annotated[Seconds, Field(gt=0)]
    room: Room | None = None
    """Left out, who is refused is told a share of the time that the store needs for all who wait, and asks several times."""
    obeys_deadlines: bool = False
    """Whether work is dropped when the time is over that a request gave itself in its header `Request-Timeout`."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.return_min_seconds > self.return_max_seconds:
            raise ValueError(
                f"return_min_seconds {self.return_min_seconds:g} with return_max_seconds {self.return_max_seconds:g};"
                " want min not above max"
            )
        return self


class Checks(ProfilePart):
    """Acknowledged photos are decoded whole, after the acknowledgement and beside everything else."""

    processes: Annotated[FixedInt, Field(gt=0, le=16)]
    """Decoders, each with a photo at a time; they give way to the rest of the machine."""
    cpu_seconds_limit: Annotated[FixedFloat, Field(gt=0)]
    """CPU time for one photo: decoding is real work, whatever the scale."""


class Resumable(ProfilePart):
    """Uploads by tus beside the ticket's PUT: what came before a line was lost is kept for whoever goes on."""

    life_seconds: Annotated[Seconds, Field(gt=0)]
    """From its creation: afterwards the address is unknown and what came is removed."""
    uploads_limit: Annotated[Count, Field(gt=0)]
    """Uploads that are begun and not stored, of all processes."""
    uploads_limit_bytes: Annotated[StoreBytes, Field(gt=0)]
    """What these would hold when whole: what they may take from the disk."""
    sweep_seconds: Annotated[FixedFloat, Field(gt=0)]
    """Between two looks for those whose life is over."""
    sweep_limit: Annotated[FixedInt, Field(gt=0)]
    """How many are removed at once."""


def require_target_below(target_seconds: float, interval_seconds: float) -> None:
    """Raise ValueError when a delay can't be above its target for a whole interval."""
    if target_seconds > interval_seconds:
        raise ValueError(f"target_seconds {target_seconds:g} with interval_seconds {interval_seconds:g}; want a target not above it")


class Commits(ProfilePart):
    """The line before the threads that make photos durable. Times are wall time: it is this machine's disk that is waited for."""

    places_floor: Annotated[FixedInt, Field(gt=0)]
    """The least that the limit on photos made durable at once adapts to; the most is `api.commit_threads`."""
    tolerance_ratio: Annotated[FixedFloat, Field(ge=1)]
    """How many times as long as alone a photo may take before fewer are made durable at once."""
    window_photos: Annotated[FixedInt, Field(gt=0)]
    """Photos between two adaptions."""
    probe_photos: Annotated[FixedInt, Field(gt=0)]
    """Photos that are made durable with the limit at its floor, to know how long one takes alone."""
    probe_every_seconds: Annotated[FixedFloat, Field(gt=0)]
    line_limit: Annotated[FixedInt, Field(gt=0)]
    """Photos that may wait for a place."""
    target_seconds: Annotated[FixedFloat, Field(gt=0)]
    """A line whose first has waited longer than this during a whole interval stands: who waited twice as long is refused, and the newest
    is served first."""
    interval_seconds: Annotated[FixedFloat, Field(gt=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        require_target_below(self.target_seconds, self.interval_seconds)
        return self


class Uploads(ProfilePart):
    """What the site does with a photo."""

    protocol: UploadProtocol
    own_process: bool
    """Uploads in a process of their own, apart from account, data and OTP."""
    processes: Annotated[FixedInt, Field(gt=0, le=16)] = 1
    """How many of those: each has its share of store, line and budgets. More than one wants `own_process`."""
    photo_limit_bytes: Annotated[SizeBytes, Field(gt=0)]
    pixels_limit: Annotated[FixedInt, Field(gt=0)] = 25_000_000
    bodies_limit: Annotated[Count, Field(gt=0)]
    """Bodies being received at once."""
    answer_within_seconds: Annotated[Seconds, Field(gt=0)]
    """The proxy's patience, from the last byte of the body to the answer."""
    shows_progress: bool
    """Whether the page shows progress: people wait longer when it does."""
    cancels_when_client_left: bool
    answers_stored_at_once: bool
    """Whether a photo that is stored already is acknowledged again without storing it once more."""
    body_stall_seconds: Annotated[Seconds, Field(gt=0)]
    """The longest pause between two reads of a body."""
    body_min_bytes_per_second: Annotated[Uplink, Field(gt=0)] | None = None
    """A body that is slower than this, after `body_stall_seconds`, is given up: who sends a byte now and then holds no place."""
    gather_limit_bytes: Annotated[FixedInt, Field(gt=0)] = 33_554_432
    """Memory of a process for bodies in progress (`protocol = "ticket"`); beyond it they are written to disk in small pieces as they
    come."""
    receive_buffer_bytes: Annotated[FixedInt, Field(ge=4_096)] | None = None
    """What kernel and server may hold of a body that nobody has read yet, each; None leaves it to the kernel, which lets a busy process
    pile up megabytes for each connection."""
    commits: Commits | None = None
    """Left out, as many photos wait for a thread as come, for as long as it takes."""
    checks: Checks | None = None
    """Left out, what was acknowledged is never looked at again."""
    tickets: Tickets | None = None
    tus: Resumable | None = None
    """Left out, photos come by PUT alone."""

    @model_validator(mode="after")
    def _processes_of_their_own(self) -> Self:
        if self.processes > 1 and not self.own_process:
            raise ValueError(f"processes {self.processes} with own_process = false; want 1, or uploads in processes of their own")
        if self.tus is not None and self.tickets is None:
            raise ValueError("a table tus without one of tickets; want both, because tus is admitted by tickets")
        return self

    @model_validator(mode="after")
    def _tickets_with_protocol(self) -> Self:
        if (self.protocol is UploadProtocol.TICKET) != (self.tickets is not None):
            given = "without" if self.tickets is None else "with"
            raise ValueError(f'protocol "{self.protocol}" {given} a table of tickets; want one with "ticket", none elsewhere')
        return self
