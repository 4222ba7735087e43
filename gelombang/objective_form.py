"""An objective as a scenario writes it: what is measured, where, and its limits. How it is judged: `gelombang.objective`."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gelombang.scale import Dimension, FixedFloat, Ratio
from gelombang.steps import StepName


class Measure(StrEnum):
    """What an objective judges."""

    PASSED_PER_SECOND = "passed_per_second"
    """People past `step` per second of people's time, at full size."""
    OK_RATIO = "ok_ratio"
    """Share of attempts at `step` that ended ok (conflict counts as ok)."""
    FAILED_RATIO = "failed_ratio"
    """Share of attempts at `step` that did not end ok, too_large left out."""
    RESPONSE_SECONDS = "response_seconds"
    """`quantile` of done - due at `step`, in people's time."""
    PEOPLE_RATIO = "people_ratio"
    """Share of planned people with `fate`."""
    STORE_USED_RATIO = "store_used_ratio"
    """Bytes acknowledged (with commit cost) over what the store could carry."""
    TOLD_TIMES_KEPT_RATIO = "told_times_kept_ratio"
    """Share of people let in from the waiting room within a fifth of the time that they had been told."""
    TOLD_AGAIN_RATIO = "told_again_ratio"
    """Refusals of people who had a place in the waiting room already, for each of them who was let in."""
    LOST = "lost"
    """Photos acknowledged and not in the store."""
    UNEXPLAINED = "unexplained"
    """Attempts that the join of both ends can't explain."""
    UNBALANCED = "unbalanced"
    """Breaches in a programme's books: people, rupiah and payments that do not add up."""
    LATENESS_SECONDS = "lateness_seconds"
    """`quantile` of sent - due of first steps, in wall time."""


class Objective(BaseModel):
    """One expectation, judged on the record. No samples is a failure."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    name: str
    profile: str | None = None
    """Only for this profile; without it, for all."""
    measure: Measure
    step: list[StepName] = Field(default_factory=list)
    """Attempts at any of these; empty: all steps."""
    quantile: Annotated[Ratio, Field(gt=0, lt=1)] | None = None
    fate: Literal["finished", "gave_up", "rejected", "unreachable", "waiting", "cut", "unsent"] | None = None
    at_least: Annotated[FixedFloat | None, Dimension.FIXED] = None
    at_most: Annotated[FixedFloat | None, Dimension.FIXED] = None
    times_profile: str | None = None
    """The limits are multiples of what this other profile reached."""
    over_seconds: Annotated[tuple[float, float] | None, Dimension.FIXED] = None
    """Judge this window of people's time as a whole; without it, the whole run."""
    for_seconds: Annotated[FixedFloat | None, Dimension.FIXED] = None
    """Fails only when broken in every window for this long without a break."""
    within_seconds: Annotated[FixedFloat | None, Dimension.FIXED] = None
    """Must hold in some window that ends by then."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("without at_least and at_most; want at least one limit")
        needs_quantile = self.measure in (Measure.RESPONSE_SECONDS, Measure.LATENESS_SECONDS)
        if needs_quantile != (self.quantile is not None):
            raise ValueError(f"{self.measure} with quantile {self.quantile}; want one with a measure in seconds, none elsewhere")
        if (self.measure is Measure.PEOPLE_RATIO) != (self.fate is not None):
            raise ValueError(f"{self.measure} with fate {self.fate}; want one with people_ratio, none elsewhere")
        if self.for_seconds is not None and self.within_seconds is not None:
            raise ValueError("given for_seconds and within_seconds both; want one of them")
        return self
