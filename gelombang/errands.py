"""Steps beside the journey: before anybody arrives (`[[setup]]`), for values that all share (`[[shared]]`), to clear up (`[[teardown]]`).

All of them are steps of the form `request`. Setup steps are walked once per run, one after the other, and what they capture is there for
everybody. A shared step is walked before arrivals and again each time nine tenths of the life of its values are over, by one task of each
generator process and never by the people; until the new value is there, the old one is used. Teardown steps are walked for one identity
after the other by `gelombang cleanup`, with the person's own fields, rows of feeds, and what setup and shared steps captured.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from gelombang.scale import Seconds
from gelombang.steps import PlaceholderName, RequestStep

STEPS_LIMIT = 32
RENEWED_AFTER_RATIO = 0.9
"""Of a shared value's life."""


class SharedStep(RequestStep):
    """A request whose captures are shared by everybody and renewed before they expire, such as a machine's access token."""

    for_seconds: Annotated[Seconds, Field(gt=0)] | None = None
    """How long its values are good."""
    lifetime: PlaceholderName | None = None
    """Which of its captures says so, in seconds, such as OAuth2's `expires_in`."""

    @model_validator(mode="after")
    def _one_life(self) -> Self:
        if (self.for_seconds is None) == (self.lifetime is None):
            raise ValueError("given for_seconds and lifetime both, or neither; want exactly one of them")
        if not self.capture or (self.lifetime is not None and self.lifetime not in self.capture):
            raise ValueError(f"with the captures {', '.join(self.capture) or 'none'}; want those that are shared, and lifetime one of them")
        return self
