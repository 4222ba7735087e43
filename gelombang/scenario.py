"""A scenario: who comes when, what they do, how patient they are, and what is expected of the site.

Scenarios are TOML files at full size and in the people's time; every figure cites its source in a comment beside it. Reading one reports
all its faults at once (`load_scenario`). The arrival curve is a CSV beside it; the journey is a list of steps (`gelombang.steps`).
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gelombang.complaint_form import Complaints
from gelombang.distribution import Distribution
from gelombang.errands import STEPS_LIMIT, SharedStep
from gelombang.errors import InputError
from gelombang.feeds import Feed
from gelombang.inbox import Inboxes
from gelombang.ledger import MILESTONE_LIMIT
from gelombang.moment import ClockTime, Moment
from gelombang.network import Network
from gelombang.objective_form import Objective
from gelombang.persona_kinds import PersonaKind, with_whole_personas
from gelombang.scale import ArrivalRate, Count, Dimension, FixedFloat, FixedInt, Ratio, Seconds, parse_sample
from gelombang.service_metrics import ServerMetrics
from gelombang.steps import PhotoKind, PlaceholderName, RequestStep, Step, StepName
from gelombang.stops import StopRule
from gelombang.target import TargetBlock

PERSONAS_LIMIT = 20


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Phase(_Part):
    """A piece of an arrival profile written by hand: ramp (start to end), hold, spike or stairs."""

    form: Literal["ramp", "hold", "spike", "stairs"]
    for_seconds: Annotated[Seconds, Field(gt=0)]
    start_per_second: Annotated[ArrivalRate, Field(ge=0)]
    end_per_second: Annotated[ArrivalRate, Field(ge=0)] | None = None
    """Where ramp and stairs lead; a spike rises to it in the middle and falls back."""
    stairs: Annotated[FixedInt, Field(ge=2, le=1000)] | None = None
    """How many holds of equal length, the first at the start's rate, the last at the end's."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.form == "hold") == (self.end_per_second is not None):
            raise ValueError(f"{self.form} with end_per_second {self.end_per_second}; want one with ramp, spike and stairs, none with hold")
        if (self.form == "stairs") != (self.stairs is not None):
            raise ValueError(f"{self.form} with stairs {self.stairs}; want a number of stairs with stairs, none elsewhere")
        return self


class CurveRows(_Part):
    """The rows of a curve file, taken in when a scenario is loaded, so that a run's plan stands by itself."""

    seconds: Annotated[tuple[float, ...], Dimension.WAITING]
    per_second: Annotated[tuple[float, ...], Dimension.ARRIVAL_RATE]


class Arrivals(_Part):
    """Either a curve file with a window, or phases."""

    curve: str | None = None
    """CSV: `seconds_since_opening,registrations_per_second`, linear between rows."""
    from_seconds: Annotated[Seconds, Field(ge=0)] = 0.0
    for_seconds: Annotated[Seconds, Field(gt=0)] | None = None
    phases: list[Phase] = Field(default_factory=list, max_length=1000)
    rows: CurveRows | None = None
    """Never written by hand: what the curve file held when the scenario was loaded."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.curve is None) == (not self.phases):
            raise ValueError("given curve and phases both, or neither; want exactly one of them")
        if self.curve is not None and self.for_seconds is None:
            raise ValueError("a curve without for_seconds; want how much of the curve to replay")
        return self


def _fraction(text: str) -> str:
    try:
        parse_sample(text)
    except InputError:
        raise ValueError(f'{text!r}; want a fraction of the people such as "1/50" or "0.02"') from None
    return text


def _fraction_or_auto(text: str) -> str:
    return text if text == "auto" else _fraction(text)


SampleText = Annotated[str, AfterValidator(_fraction)]


class DefaultScale(_Part):
    """What is used when the command line does not say; `sample = "auto"` looks at the machine first."""

    sample: Annotated[str, AfterValidator(_fraction_or_auto)] = "auto"
    sample_smallest: SampleText = "1/50"
    sample_largest: SampleText = "1/20"
    speed: Annotated[FixedFloat, Field(gt=0)] = 60.0
    bytes_ratio: Annotated[FixedFloat, Field(gt=0, le=1)] = 0.1


class Line(_Part):
    """A person's connection: a mix of mobile and fixed lines."""

    uplink_bytes_per_second: Annotated[Distribution, Dimension.UPLINK]
    uplink_ratio: Annotated[Ratio, Field(gt=0)] = 1.0
    """Slowdown of mobile lines at this hour of the day."""
    round_trip_seconds: Annotated[Distribution, Dimension.WAITING]
    fixed_line_ratio: Annotated[Ratio, Field(ge=0, le=1)]
    fixed_uplink_bytes_per_second: Annotated[Distribution, Dimension.UPLINK]
    fixed_round_trip_seconds: Annotated[Distribution, Dimension.WAITING]


class Photo(_Part):
    """How large a first photo is, and the smaller copy that people send instead."""

    first_bytes: Annotated[Distribution, Dimension.SIZE]
    smaller_copy_bytes: Annotated[Distribution, Dimension.SIZE]


class People(_Part):
    """What differs from person to person."""

    nik_known_ratio: Annotated[Ratio, Field(ge=0, le=1)]
    """Share whose NIK the civil registry knows."""
    line: Line
    photos: dict[PhotoKind, Photo] = Field(default_factory=dict)


class Backoff(_Part):
    """A back-off with full jitter: before the n-th retry in a row anything from 0 to first_seconds × times^(n-1), or to longest_seconds."""

    first_seconds: Annotated[Seconds, Field(gt=0)]
    times: Annotated[FixedFloat, Field(ge=1)] = 2.0
    longest_seconds: Annotated[Seconds, Field(gt=0)]


class SecondTab(_Part):
    """Who opens the page a second time while the first time still waits."""

    ratio: Annotated[Ratio, Field(gt=0, le=1)]
    """Probability, of each try that is not answered by then."""
    after_seconds: Annotated[Distribution, Dimension.WAITING]
    """From when the try was sent."""


class Patience(_Part):
    """How long people wait, and what they do when it fails."""

    page_seconds: Annotated[Distribution, Dimension.WAITING]
    upload_seconds: Annotated[Distribution, Dimension.WAITING]
    upload_progress_ratio: Annotated[Ratio, Field(ge=1)]
    """Uploads that show progress are waited for this many times as long."""
    persist_ratio: Annotated[Ratio, Field(ge=0, le=1)]
    """Probability of trying again after each of the first `persist_tries` failures in a row."""
    persist_tries: Annotated[FixedInt, Field(ge=0)]
    persist_later_ratio: Annotated[Ratio, Field(ge=0, le=1)]
    retry_seconds: Annotated[Distribution, Dimension.WAITING]
    away_seconds: Annotated[Distribution, Dimension.WAITING]
    """How long those stay away who leave and come back."""
    return_ratio: Annotated[Ratio, Field(ge=0, le=1)]
    """Share of leavers who come back; the others gave up."""
    leave_when_refused_ratio: Annotated[Ratio, Field(ge=0, le=1)]
    smaller_copy_ratio: Annotated[Ratio, Field(ge=0, le=1)]
    """Probability of switching to a smaller copy after a failed upload."""
    attempts_limit: Annotated[FixedInt, Field(gt=0, le=60_000)]
    """Tries of one person at one step; then the person has given up."""
    # These have no default of their own, so that the plan of a scenario that doesn't name them stays what it was.
    retry_delays_seconds: Annotated[list[Annotated[float, Field(ge=0)]] | None, Dimension.WAITING, Field(max_length=100)] = None
    """In place of `retry_seconds`: what a library waits before its first, second … retry, always the same; then people decide."""
    backoff: Backoff | None = None
    """In place of `retry_seconds`: a back-off with jitter."""
    obeys_told_time: bool | None = None
    """False: a told time to come back is not listened to; a refusal is a failure like any other."""
    second_tab: SecondTab | None = None
    """Some do not wait for the first tab: they try in a second one too."""

    @model_validator(mode="after")
    def _one_way_to_retry(self) -> Self:
        if self.retry_delays_seconds is not None and self.backoff is not None:
            raise ValueError("given retry_delays_seconds and backoff both; want one of them")
        return self


class Persona(_Part):
    """One kind of people. In a file `patience` holds what differs from the kind and from the scenario; loaded, it is whole."""

    name: StepName
    kind: PersonaKind | None = None
    """What to begin from."""
    weight: Annotated[FixedFloat, Field(gt=0)] = 1.0
    """Its share among the weights of all personas."""
    patience: Patience


class Before(_Part):
    """Who was there before the run began: the reference server makes them before it opens; a service of your own has to have them."""

    ratio: Annotated[Ratio, Field(ge=0, le=1)] = 1.0
    """Share of the people who come; the others are new."""
    others: Annotated[Count, Field(ge=0)] = 0
    """People who never come, and count where everybody counts."""
    wave: str | None = None
    """The wave that they had joined, with their test handed in; without one they are registered, and no more."""
    photos: bool = False
    """Their photos were sent and looked at, so that the test is theirs to take; those photos are not in the run's store."""

    @model_validator(mode="after")
    def _photos_come_before_a_wave(self) -> Self:
        if self.photos and self.wave is not None:
            raise ValueError(f"photos with wave {self.wave!r}; want one of them, because who joined a wave has done all before it")
        return self


class Expectation(_Part):
    """What is expected of a profile, in words that the report repeats."""

    story: str


class Scenario(_Part):
    """One surge."""

    schema_version: Annotated[int, Dimension.FIXED, Field(ge=1, le=1)] = 1
    name: StepName
    title: str
    opens_at: Moment
    """Local wall time of the first second of the window, for axes: `2020-04-11T19:00:00+07:00`."""
    profiles: list[str] = Field(min_length=1)
    """Which profiles a run without `--profile` goes through, in this order."""
    drain_seconds: Annotated[Seconds, Field(ge=0)]
    """People's time after the last arrival in which attempts may end."""
    scale: DefaultScale = DefaultScale()
    arrivals: Arrivals
    people: People
    patience: Patience
    before: Before | None = None
    """Without it nobody was there."""
    persona: list[Persona] | None = Field(default=None, min_length=1, max_length=PERSONAS_LIMIT)
    """Kinds of people, mixed by weight; without it everybody has the patience above."""
    complaints: Complaints | None = None
    """Who complains in public; without it nobody is looked at. No person's way depends on it."""
    journey: list[Step] = Field(min_length=1, max_length=MILESTONE_LIMIT)
    cookies: bool = False
    """Whether people keep cookies, at all steps that do not say."""
    inbox: Inboxes = Field(default_factory=dict, max_length=20)
    """Where people get their mail and SMS, against a service of your own."""
    network: Network | None = None
    target: TargetBlock | None = None
    """Whose service this is for, and what its owner allows; needed off this machine."""
    stop: list[StopRule] = Field(default_factory=list, max_length=50)
    """Stop on harm."""
    server_metrics: ServerMetrics | None = None
    """Metrics of a service of your own, by stage; `gelombang join --metrics` lays them beside a run."""
    objective: list[Objective] = Field(default_factory=list)
    expect: dict[str, Expectation] = Field(default_factory=dict)
    browser_probes: Annotated[FixedInt, Field(ge=0, le=1)] = 0
    """How many real browsers walk the site's pages beside the run; for the reference server with `[pages]` alone."""
    browser_probe_at: ClockTime | None = None
    """When it sets off, by the people's clock: `19:40`."""
    feed: dict[PlaceholderName, Feed] = Field(default_factory=dict, max_length=20)
    """Values of the operator's own, a row for each person."""
    setup: list[RequestStep] = Field(default_factory=list, max_length=STEPS_LIMIT)
    """Walked once before anybody arrives; everybody has what it captures."""
    shared: list[SharedStep] = Field(default_factory=list, max_length=STEPS_LIMIT)
    """Values that everybody shares, renewed before they expire."""
    teardown: list[RequestStep] = Field(default_factory=list, max_length=MILESTONE_LIMIT)
    """What `gelombang cleanup` does for each identity that a run made."""

    @model_validator(mode="before")
    @classmethod
    def _whole_personas(cls, data: object) -> object:
        return with_whole_personas(data)

    @model_validator(mode="after")
    def _probe_has_a_moment(self) -> Self:
        if (self.browser_probes == 1) != (self.browser_probe_at is not None):
            at = self.browser_probe_at or "none"
            raise ValueError(
                f'browser_probes {self.browser_probes} with browser_probe_at {at}; want 1 and a time such as "19:40", or neither'
            )
        return self

    @model_validator(mode="after")
    def _personas_differ(self) -> Self:
        names = [persona.name for persona in self.persona or ()]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"personas of the same name: {', '.join(twice)}; want names that differ")
        return self
