"""A site on a machine with real limits, as its profile's table `machine` says: a disk for photos, and a control group for all processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gelombang.errors import HostError
from gelombang.profile import Profile
from gelombang.runplan import ServerPlan
from gelombang.scale import scaled
from gelombang_server.config import SITE_FOLDER
from gelombang_server.control_group import Limits, limited, require_groups
from gelombang_server.keeper import PHOTOS_FOLDER
from gelombang_server.photo_disk import photo_disk, require_programs


def require_limits(profile: Profile) -> None:
    """Raises HostError where this machine can't set the limits that the profile wants."""
    if profile.machine is not None:
        try:
            require_groups()
            require_programs()
        except HostError as error:
            raise HostError(f"profile {profile.name}: {error}") from None


@contextmanager
def within_real_limits(plan: ServerPlan) -> Iterator[None]:
    """This process and its workers within the profile's limits, if it has any, until the block ends."""
    require_limits(plan.profile)
    machine = scaled(plan.profile, plan.scale.scale()).machine
    if machine is None:
        yield
        return
    bandwidth = round(machine.disk_bandwidth_bytes_per_second)
    with (
        photo_disk(Path(plan.folder) / SITE_FOLDER / PHOTOS_FOLDER, machine.disk_bytes) as device,
        limited(Limits(machine.cores_limit, machine.memory_limit_bytes, device, bandwidth)),
    ):
        yield
