"""What a profile says of the programme after the registration: its calendar, what it gives, and the wallets that pay it out.

Figures of 2020 and their sources stand in `docs/facts.md`; the defaults are those that were published.
"""

from datetime import datetime
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from gelombang.distribution import Distribution
from gelombang.moment import Moment
from gelombang.profile_uploads import ProfilePart
from gelombang.programme.benefits import Terms
from gelombang.programme.wave import Wave
from gelombang.scale import Count, Dimension, FixedInt, Ratio, Seconds, SharedRate

NAME = r"^[a-z][a-z0-9-]{0,30}$"
WAVES_LIMIT = 200
"""A wave is a byte where looks are answered from memory."""
_US = 1e6


class WaveCalendar(ProfilePart):
    """One wave by the calendar."""

    name: Annotated[str, Field(pattern=NAME)]
    opens_at: Moment
    closes_at: Moment
    draws_at: Moment
    """When its draw is due; a wave that was not drawn before the run began is drawn then, by itself or by the operator."""
    publishes_at: Moment
    quota: Annotated[Count, Field(gt=0)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        moments = [datetime.fromisoformat(text) for text in (self.opens_at, self.closes_at, self.draws_at, self.publishes_at)]
        if not (moments[0] < moments[1] <= moments[2] <= moments[3]):
            raise ValueError(f"wave {self.name} opens, closes, draws and publishes in another order; want them one after the other")
        return self


class Announcing(ProfilePart):
    """How those who were drawn are told by SMS: in so many stages, or all at once in one."""

    stages: Annotated[FixedInt, Field(ge=1, le=1_000)] = 1
    stage_seconds: Annotated[Seconds, Field(ge=0)] = 3_600.0
    """From one stage to the next."""


class Benefits(ProfilePart):
    """What one NIK is given once, in whole rupiah."""

    training_rupiah: Annotated[FixedInt, Field(gt=0)] = 1_000_000
    incentive_rupiah: Annotated[FixedInt, Field(gt=0)] = 600_000
    incentives: Annotated[FixedInt, Field(ge=1, le=24)] = 4
    survey_rupiah: Annotated[FixedInt, Field(gt=0)] = 50_000
    surveys: Annotated[FixedInt, Field(ge=1, le=24)] = 3
    first_training_seconds: Annotated[Seconds, Field(gt=0)] = 2_592_000.0
    """Within it, or the place lapses."""
    month_seconds: Annotated[Seconds, Field(gt=0)] = 2_592_000.0
    """From one incentive to the next."""

    def terms(self) -> Terms:
        """For the rules; of a scaled profile, in wall time."""
        return Terms(
            self.training_rupiah,
            self.incentive_rupiah,
            self.incentives,
            self.survey_rupiah,
            self.surveys,
            round(self.first_training_seconds * _US),
            round(self.month_seconds * _US),
        )


class WalletPartner(ProfilePart):
    """One wallet, as the harness plays it."""

    name: Annotated[str, Field(pattern=NAME)]
    requests_per_second: Annotated[SharedRate, Field(gt=0)]
    """Beyond it the partner does nothing and says busy."""
    latency_seconds: Annotated[Distribution, Dimension.WAITING]
    silent_before_ratio: Annotated[Ratio, Field(ge=0, le=1)] = 0.0
    """Share of its requests that it never answers, nothing done."""
    silent_after_ratio: Annotated[Ratio, Field(ge=0, le=1)] = 0.0
    """Share that it never answers, the money moved."""


class Payouts(ProfilePart):
    """How this site pays through its partners."""

    answer_within_seconds: Annotated[Seconds, Field(gt=0)]
    """Then a partner is silent."""
    in_progress_limit: Annotated[FixedInt, Field(gt=0, le=1_000)]
    """Requests to one partner at the same time."""
    first_pause_seconds: Annotated[Seconds, Field(gt=0)]
    longest_pause_seconds: Annotated[Seconds, Field(gt=0)]


class Programme(ProfilePart):
    """Waves, draws, benefits and payments."""

    waves: Annotated[list[WaveCalendar], Field(min_length=1, max_length=WAVES_LIMIT)]
    announcing: Announcing = Field(default_factory=Announcing)
    benefits: Benefits = Field(default_factory=Benefits)
    partners: Annotated[list[WalletPartner], Field(min_length=1, max_length=20)]
    payouts: Payouts

    @model_validator(mode="after")
    def _one_after_the_other(self) -> Self:
        for what, names in (("waves", [wave.name for wave in self.waves]), ("partners", [partner.name for partner in self.partners])):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} of the same name; want names that differ")
        for earlier, later in pairwise(self.waves):
            if datetime.fromisoformat(later.opens_at) < datetime.fromisoformat(earlier.publishes_at):
                raise ValueError(f"wave {later.name} opens before {earlier.name} is published; want waves one after the other")
        return self

    def calendar(self, zero_at: str, zero_us: int, speed: float) -> list[Wave]:
        """The waves on a clock that shows `zero_us` at the moment `zero_at` and runs `speed` times as fast as the people's."""
        zero = datetime.fromisoformat(zero_at)

        def on_clock(moment: str) -> int:
            return zero_us + round((datetime.fromisoformat(moment) - zero).total_seconds() / speed * _US)

        return [
            Wave(
                wave.name,
                opens_us=on_clock(wave.opens_at),
                closes_us=on_clock(wave.closes_at),
                draws_us=on_clock(wave.draws_at),
                publishes_us=on_clock(wave.publishes_at),
                quota=wave.quota,
            )
            for wave in self.waves
        ]
