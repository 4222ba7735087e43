"""What the forms of steps need beside the network: one for all forms of a generator process."""

from dataclasses import dataclass, field

from gelombang_loadtests.complaints import Complaints
from gelombang_loadtests.exchanged import Headers
from gelombang_loadtests.loop import Loop
from gelombang_loadtests.own_files import OwnFiles
from gelombang_loadtests.parallel import Together, one_after_the_other
from gelombang_loadtests.person_photo import MakePhoto


@dataclass(frozen=True, slots=True)
class Gear:
    """Shared by all forms; nothing in it belongs to one person."""

    photo: MakePhoto
    files: OwnFiles = field(default_factory=OwnFiles)
    complaints: Complaints = field(default_factory=Complaints)
    loop: Loop | None = None
    """On whose clock people wait between two questions of one attempt."""
    together: Together = one_after_the_other
    cookies: bool = False
    """Whether people keep cookies at steps that do not say."""
    identity: Headers = ()
    """What a request says about its sender, where its form makes all of it (`guard` adds it to the others)."""
