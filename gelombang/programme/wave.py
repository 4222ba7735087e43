"""A wave: when it can be joined, how many places it has, and what somebody in it is shown, moment by moment.

A wave is open from `opens_us` until `closes_us`. Then it is processed until its draw is held, evaluated until the result is published, and
from that instant on everybody is shown the same result for ever. The instant is announced with the draw, before it comes, so that every
process of a site turns over at the same time without asking anybody. A draw that is held late is published late; nobody is shown a result
that there is not.

Membership is one at a time: who was drawn is in for good, who is in a wave without a published result waits for it, who was not drawn keeps
everything and may join the next wave.
"""

from dataclasses import dataclass
from enum import StrEnum


class Shown(StrEnum):
    """What a person sees, as people saw it in 2020."""

    NOT_JOINED = "not_joined"
    WAITING_TO_CLOSE = "waiting_to_close"
    BEING_PROCESSED = "being_processed"
    BEING_EVALUATED = "being_evaluated"
    NOT_YET_SUCCESSFUL = "not_yet_successful"
    SELECTED = "selected"


class JoinFault(StrEnum):
    """Why somebody can't join."""

    NOT_OPEN_YET = "not_open_yet"
    CLOSED = "closed"
    MEMBER_ALREADY = "member_already"
    """In this wave, or in another whose result is not out."""
    SELECTED_ALREADY = "selected_already"


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave; times are microseconds since the site's zero."""

    name: str
    opens_us: int
    closes_us: int
    draws_us: int
    """When its draw is due."""
    publishes_us: int
    """When its result is due."""
    quota: int

    def __post_init__(self) -> None:
        assert self.opens_us < self.closes_us <= self.draws_us <= self.publishes_us, self.name
        assert self.quota > 0, self.name

    def is_open(self, now_us: int) -> bool:
        return self.opens_us <= now_us < self.closes_us


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody's latest wave."""

    wave: Wave
    published_us: int | None
    """When the result of its draw is out; None before the draw was held."""
    is_selected: bool
    """Whether the draw chose them; means nothing before the draw."""

    def shown(self, now_us: int) -> Shown:
        """What this person sees now."""
        if now_us < self.wave.closes_us:
            return Shown.WAITING_TO_CLOSE
        if self.published_us is None:
            return Shown.BEING_PROCESSED
        if now_us < self.published_us:
            return Shown.BEING_EVALUATED
        return Shown.SELECTED if self.is_selected else Shown.NOT_YET_SUCCESSFUL


def join_fault(wave: Wave, latest: Membership | None, now_us: int) -> JoinFault | None:
    """Why somebody can't join this wave now; None when they can."""
    if latest is not None:
        shown = latest.shown(now_us)
        if shown is Shown.SELECTED:
            return JoinFault.SELECTED_ALREADY
        if shown is not Shown.NOT_YET_SUCCESSFUL or latest.wave.name == wave.name:
            return JoinFault.MEMBER_ALREADY
    if now_us < wave.opens_us:
        return JoinFault.NOT_OPEN_YET
    return None if wave.is_open(now_us) else JoinFault.CLOSED


def published_us(wave: Wave, drawn_us: int) -> int:
    """When the result of a draw held at `drawn_us` comes out: when it is due, or as long after a late draw as after a punctual one."""
    return max(wave.publishes_us, drawn_us + wave.publishes_us - wave.draws_us)
