"""A fault that a rehearsal sets off: one number of the site that is another one from a moment on.

For drills only: no command sets one, and a run without them is the site as its profile says. Settings of the profile are given at full
size and in the people's time, as in the profile, and scaled with it; the moment, and the disk's delay, are wall time.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gelombang.profile import Profile
from gelombang.scale import Dimension


class FaultSetting(StrEnum):
    """What can change while the site runs."""

    PHOTO_LIMIT = "uploads.photo_limit_bytes"
    ANSWER_WITHIN = "uploads.answer_within_seconds"
    STORE_CAPACITY = "store.capacity_bytes"
    REGISTRY_RATE = "registry.lookups_per_second"
    BACKLOG = "api.backlog"
    SYNC_DELAY = "disk.sync_delay_seconds"
    """Not of the profile: how long each sync of a photo stands still before it begins."""


class RehearsedFault(BaseModel):
    """From `at_seconds` of wall time after the server's zero on, the setting has this value."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    setting: FaultSetting
    at_seconds: Annotated[float, Dimension.FIXED, Field(ge=0)]
    value: Annotated[float, Dimension.FIXED, Field(ge=0)]


def changed(profile: Profile, fault: RehearsedFault) -> Profile:
    """The profile, at full size, with the fault's setting. The disk's delay changes nothing in it."""
    table_name, _, name = fault.setting.partition(".")
    if fault.setting is FaultSetting.SYNC_DELAY:
        return profile
    table: BaseModel = getattr(profile, table_name)
    value = type(getattr(table, name))(fault.value)
    return profile.model_copy(update={table_name: table.model_copy(update={name: value})})
