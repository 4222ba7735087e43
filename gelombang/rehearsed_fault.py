"""A fault that a rehearsal sets off: one number of the site that is another one from a moment on.

`gelombang run --fault KEY=VALUE@SECONDS` sets one; a run without them is the site as its profile says. Settings of the profile are given
at full size and in the people's time, as in the profile, and scaled with it; the disk's delay is wall time. Moments count from the start of
the site, some seconds of wall time before the first person is due: in the people's time on the command line, in the wall's in the plan.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gelombang.errors import InputError
from gelombang.profile import Profile
from gelombang.scale import Dimension
from gelombang.validation import did_you_mean, faults_of

FAULTS_LIMIT = 8


class FaultSetting(StrEnum):
    """What can change while the site runs."""

    PHOTO_LIMIT = "uploads.photo_limit_bytes"
    ANSWER_WITHIN = "uploads.answer_within_seconds"
    STORE_CAPACITY = "store.capacity_bytes"
    REGISTRY_RATE = "registry.lookups_per_second"
    BACKLOG = "api.backlog"
    SYNC_DELAY = "disk.sync_delay_seconds"
    """Not of the profile: how long each sync of a photo stands still before it begins."""
    SYNC_FAILS = "disk.sync_fails"
    """Nor this one: 1, and each sync of a photo fails as on a disk that lost its writes; 0, and it does not any more."""


_WHOLE = frozenset({FaultSetting.PHOTO_LIMIT, FaultSetting.STORE_CAPACITY, FaultSetting.BACKLOG, FaultSetting.SYNC_FAILS})
OF_THE_DISK = frozenset({FaultSetting.SYNC_DELAY, FaultSetting.SYNC_FAILS})
"""What the profile knows nothing of."""


class RehearsedFault(BaseModel):
    """From `at_seconds` of wall time after the server's zero on, the setting has this value."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    setting: FaultSetting
    at_seconds: Annotated[float, Dimension.FIXED, Field(ge=0)]
    value: Annotated[float, Dimension.FIXED, Field(ge=0)]


def changed(profile: Profile, fault: RehearsedFault) -> Profile:
    """The profile, at full size, with the fault's setting. A fault of the disk changes nothing in it."""
    table_name, _, name = fault.setting.partition(".")
    if fault.setting in OF_THE_DISK:
        return profile
    table: BaseModel = getattr(profile, table_name)
    value = int(fault.value) if fault.setting in _WHOLE else fault.value
    return profile.model_copy(update={table_name: table.model_copy(update={name: value})})


def parse_faults(given: Sequence[str], speed: float) -> tuple[RehearsedFault, ...]:
    """`["registry.lookups_per_second=1.5@1800"]` as faults, in their order. Raises InputError."""
    if len(given) > FAULTS_LIMIT:
        raise InputError(f"--fault is given {len(given)} times; want {FAULTS_LIMIT} at most")
    return tuple(_parsed(text, speed) for text in given)


def _parsed(text: str, speed: float) -> RehearsedFault:
    name, equals, rest = text.partition("=")
    value, at, moment = rest.partition("@")
    if not equals or not at:
        raise InputError(f"--fault is {text!r}; want KEY=VALUE@SECONDS such as registry.lookups_per_second=1.5@1800")
    known = [str(setting) for setting in FaultSetting]
    if name not in known:
        raise InputError(f"--fault {text} changes {name!r}; want {did_you_mean(name, known)}")
    found = {"value": _number(value), "moment": _number(moment)}
    for what, number in found.items():
        if number is None:
            raise InputError(f"--fault {text}: its {what} is {(value if what == 'value' else moment)!r}; want a number, 0 or more")
    assert found["value"] is not None
    assert found["moment"] is not None
    if FaultSetting(name) is FaultSetting.SYNC_FAILS and found["value"] not in (0, 1):
        raise InputError(f"--fault {text}: its value is {value!r}; want 1 (each sync of a photo fails) or 0")
    if FaultSetting(name) in _WHOLE and not found["value"].is_integer():
        raise InputError(f"--fault {text}: its value is {value!r}; want a whole number")
    return RehearsedFault(setting=FaultSetting(name), value=found["value"], at_seconds=found["moment"] / speed)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number >= 0 and math.isfinite(number) else None


def require_changeable(profile: Profile, faults: Sequence[RehearsedFault]) -> None:
    """Raises InputError for a fault that makes of the profile what no profile may be."""
    for fault in faults:
        if fault.setting is FaultSetting.STORE_CAPACITY and profile.store is None:
            raise InputError(f"--fault {fault.setting}: profile {profile.name} has no modelled store; want another setting")
        try:
            Profile.model_validate(changed(profile, fault).model_dump())
        except ValidationError as error:
            raise InputError(f"--fault {fault.setting}={fault.value:g}: {faults_of(error, Profile)[0]}") from None
