"""A site on a machine with real limits, as its profile's table `machine` says: a control group for all processes, a disk for photos."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
            if profile.store is None:
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
    with ExitStack() as stack:
        disk = None
        if (bandwidth := machine.disk_bandwidth_bytes_per_second) is not None:
            photos = Path(plan.folder) / SITE_FOLDER / PHOTOS_FOLDER
            disk = stack.enter_context(photo_disk(photos, machine.disk_bytes)), round(bandwidth)
        stack.enter_context(limited(Limits(machine.cores_limit, machine.memory_limit_bytes, disk)))
        yield
