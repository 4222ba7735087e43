"""Whose service a run is for, and what its owner allows: the `[target]` block of a scenario.

Off this machine no request leaves without one. Limits count what the target feels: people, requests and bytes as they are sent, in wall
time, after the scale. Whether a host may be spoken to is decided here; that nothing is sent to another is held in the generator.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gelombang.moment import Moment
from gelombang.scale import FixedFloat, FixedInt

RUN_HEADER = "X-Load-Test"
"""Every request to somebody's own service carries it, with the run's name."""
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252})$")]
Words = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True, populate_by_name=True)


class TimeWindow(_Part):
    """When load may be sent."""

    begins: Moment = Field(alias="from")
    until: Moment

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if datetime.fromisoformat(self.begins) >= datetime.fromisoformat(self.until):
            raise ValueError(f"{self.begins} to {self.until}; want a from before its until")
        return self


class TargetBlock(_Part):
    """What the owner of a service allows. Needed for every target that is not this machine."""

    allowed_hosts: list[HostName] = Field(min_length=1, max_length=50)
    """Names, without port, that may be sent to: the target's own and those that its answers lead to. All others are refused and counted."""
    owner: Words
    """Who answers for the service."""
    authorisation: Words
    """Where it is written that this may be done: a ticket, a letter, a date."""
    contact: Annotated[str, Field(min_length=3, max_length=120, pattern=r"^[!-'*-~][ -'*-~]*$")]
    """Who to call while it runs; stands in the User-Agent of every request."""
    max_arrivals_per_second: Annotated[FixedFloat, Field(gt=0)]
    """The highest planned rate of arrivals, in wall time, as sent."""
    max_people: Annotated[FixedInt, Field(gt=0)]
    """People of one run, as sent."""
    max_bytes: Annotated[FixedInt, Field(gt=0)]
    """Bytes that one run may send; estimated before it, and held while it runs."""
    window: TimeWindow
    """No load before or after; a run that would not be over by then is refused, and one that is not is stopped."""


@dataclass(frozen=True, slots=True)
class PlanNumbers:
    """What a run is about to do to a target, as the target feels it."""

    people: int
    peak_arrivals_per_second: float
    arrivals_wall_seconds: float
    bytes_sent: int | None = None
    """None before one person has been sent."""


def host_of(url: str) -> str:
    """The host of a URL, lower case, without port; empty when it has none."""
    return (urlsplit(url).hostname or "").lower()


def is_loopback_host(host: str) -> bool:
    """Whether this is surely this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def allowed_hosts(target_url: str, block: TargetBlock | None) -> frozenset[str]:
    """Hosts that the generator may send to, lower case. Without a block: the target's own, and on loopback this machine."""
    host = host_of(target_url)
    if block is not None:
        return frozenset(name.lower() for name in block.allowed_hosts)
    return frozenset((host, *_LOOPBACK_NAMES)) if is_loopback_host(host) else frozenset((host,))


def window_breaches(block: TargetBlock, begins: datetime, wall_seconds: float) -> list[str]:
    """Why a run that begins then and sends for so long is outside the window; empty when it is inside."""
    opens, closes = (datetime.fromisoformat(text).astimezone(UTC) for text in (block.window.begins, block.window.until))
    span = f"{block.window.begins} to {block.window.until}"
    if not opens <= begins < closes:
        return [f"it is {begins.isoformat(timespec='seconds')}; want a time inside [target] window, {span}"]
    if begins.timestamp() + wall_seconds > closes.timestamp():
        return [
            f"arrivals last {wall_seconds:.0f} s and the window closes in {closes.timestamp() - begins.timestamp():.0f} s; "
            f"want a run that is over by {block.window.until}"
        ]
    return []


def limit_breaches(block: TargetBlock, numbers: PlanNumbers) -> list[str]:
    """Every maximum that a plan is over, with both numbers; empty when it is inside all."""
    pairs: Iterable[tuple[str, float | None, float]] = (
        ("people", numbers.people, block.max_people),
        ("arrivals_per_second", numbers.peak_arrivals_per_second, block.max_arrivals_per_second),
        ("bytes", numbers.bytes_sent, block.max_bytes),
    )
    return [
        f"the plan has {_shown(found)} {name.replace('_', ' ')}; want at most {_shown(limit)}, [target] max_{name}"
        for name, found, limit in pairs
        if found is not None and found > limit
    ]


def host_breaches(block: TargetBlock, target_url: str) -> list[str]:
    """Why the target itself may not be sent to; empty when it may."""
    host, allowed = host_of(target_url), allowed_hosts(target_url, block)
    return [] if host in allowed else [f"--target is {host}; want one of [target] allowed_hosts: {', '.join(sorted(allowed))}"]


def user_agent(version: str, block: TargetBlock | None) -> str:
    """How the generator names itself to somebody's own service."""
    return f"gelombang/{version} ({block.contact})" if block is not None else f"gelombang/{version}"


def _shown(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:,.4g}"
