"""Distributions as data: what a scenario writes, and the quantile function that live and simulated runs share.

A distribution is drawn by inverting its quantile function at a counter-based uniform number, so one draw is one number and the order of
draws does not matter. Nothing here is negative. Medians and bounds carry the unit of the field they stand in; sigma has none.
"""

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from gelombang.seeds import normal_quantile


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Fixed(_Strict):
    """Always the same value."""

    kind: Literal["fixed"] = "fixed"
    value: Annotated[float, Field(ge=0)]

    def quantile(self, probability: float) -> float:
        return self.value

    def times(self, factor: float) -> "Fixed":
        return Fixed(value=self.value * factor)


class Uniform(_Strict):
    """Equally likely between `low` and `high`."""

    kind: Literal["uniform"] = "uniform"
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0 <= self.low <= self.high:
            raise ValueError(f"low {self.low:g} with high {self.high:g}; want 0 or more, low not above high")
        return self

    def quantile(self, probability: float) -> float:
        return self.low + (self.high - self.low) * probability

    def times(self, factor: float) -> "Uniform":
        return Uniform(low=self.low * factor, high=self.high * factor)


class Lognormal(_Strict):
    """exp(Normal(ln median, sigma)); `limit`, when given, cuts the tail."""

    kind: Literal["lognormal"] = "lognormal"
    median: float
    sigma: float
    limit: float | None = None

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self.median <= 0 or self.sigma < 0:
            raise ValueError(f"median {self.median:g} with sigma {self.sigma:g}; want a median above 0 and a sigma of 0 or more")
        if self.limit is not None and self.limit < self.median:
            raise ValueError(f"limit {self.limit:g} with median {self.median:g}; want a limit not below the median")
        return self

    def quantile(self, probability: float) -> float:
        value = self.median * math.exp(self.sigma * normal_quantile(probability))
        return value if self.limit is None else min(value, self.limit)

    def times(self, factor: float) -> "Lognormal":
        limit = None if self.limit is None else self.limit * factor
        return Lognormal(median=self.median * factor, sigma=self.sigma, limit=limit)


def _tag(value: object) -> str:
    if isinstance(value, dict):
        if "kind" in value:
            return str(value["kind"])
        return "lognormal" if "median" in value else "uniform" if "low" in value else "fixed"
    return str(getattr(value, "kind", "fixed"))


Distribution = Annotated[
    Annotated[Fixed, Tag("fixed")] | Annotated[Uniform, Tag("uniform")] | Annotated[Lognormal, Tag("lognormal")],
    Discriminator(_tag),
]
