"""Who complains in public, as a scenario writes it: the table `[complaints]`. When they do in a run: `gelombang.public_complaints`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gelombang.distribution import Distribution
from gelombang.scale import Dimension, FixedFloat, Ratio


class Complaints(BaseModel):
    """People whose tries fail often write so where everybody reads it. It changes nothing that they do on the site."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    ratio: Annotated[Ratio, Field(ge=0, le=1)]
    """Share of people who complain at all, once they have failed often enough."""
    after_failures: Annotated[Distribution, Dimension.FIXED]
    """After how many failed tries, over the whole journey; rounded up, at least 1."""
    delay_seconds: Annotated[Distribution, Dimension.WAITING]
    """From the end of that try until it is written."""
    noticed_per_minute: Annotated[FixedFloat, Field(ge=0)]
    """How many complaints a minute of the people's time, at full size, somebody who reads along notices; the report says when."""
