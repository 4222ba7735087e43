"""A disk for photos alone: an ext4 in a file of the site's folder, behind a loop device, mounted where the photos go.

A disk of its own can be slow, or full, without the machine's being so: the kernel's limits are by device. What is on it is brought back
into the folder when the site ends, so that a run's folder holds its photos whoever looks. A server that was killed leaves the disk
mounted, and the photos can be read there; `umount` takes it away.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gelombang.errors import HostError

COMMAND_SECONDS = 60.0
PROGRAMS = ("mkfs.ext4", "mount", "umount")
_SEARCHED = "/usr/sbin:/sbin:/usr/bin:/bin"


def require_programs() -> None:
    """Raises HostError where a disk can't be made."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_SEARCHED) is None]
    if missing:
        raise HostError(f"no program {' or '.join(missing)} was found; want e2fsprogs and mount installed")


@contextmanager
def photo_disk(folder: Path, size_bytes: int) -> Iterator[str]:
    """`folder` on a disk of its own until the block ends; its `MAJOR:MINOR`. What was in the folder is on the disk, and what is on it at
    the end in the folder. Raises HostError."""
    require_programs()
    image, beside = folder.with_suffix(".disk"), folder.with_suffix(".kept")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with image.open("xb") as file:
            file.truncate(size_bytes)
        folder.rename(beside)
        folder.mkdir()
    except OSError as error:
        raise HostError(f"{error.filename} can't be made ({error.strerror}); want a folder that no other site uses") from error
    try:
        _run(("mkfs.ext4", "-q", "-F", str(image)))
        _run(("mount", "-o", "loop", str(image), str(folder)))
    except HostError:
        folder.rmdir()
        beside.rename(folder)
        image.unlink()
        raise
    try:
        _fill(folder, beside, size_bytes)
        yield _device_of(folder)
    finally:
        beside.mkdir(exist_ok=True)
        _bring_back(folder, beside)
        _run(("umount", str(folder)))
        folder.rmdir()
        beside.rename(folder)
        image.unlink()


def _fill(disk: Path, source: Path, size_bytes: int) -> None:
    try:
        _move_all(source, disk)
    except OSError as error:
        raise HostError(f"what is in {disk} can't be put on a disk of {size_bytes:,} bytes ({error}); want a larger one") from error
    source.rmdir()


def _bring_back(disk: Path, target: Path) -> None:
    try:
        _move_all(disk, target)
    except OSError as error:
        raise HostError(f"what is in {disk} can't be brought back into {target} ({error}); want room there; it stays mounted") from error


def _move_all(source: Path, target: Path) -> None:
    """What the target has already is whole there: it was not moved away for want of room."""
    for entry in sorted(source.iterdir()):
        if entry.name != "lost+found" and not (target / entry.name).exists():
            shutil.move(entry, target / entry.name)


def _device_of(folder: Path) -> str:
    """The device that is mounted there, as MAJOR:MINOR."""
    if not folder.is_mount():
        raise HostError(f"{folder} is not mounted any more; want nobody else to unmount it")
    device = folder.stat().st_dev
    return f"{os.major(device)}:{os.minor(device)}"


def _run(command: Sequence[str]) -> None:
    program = shutil.which(command[0], path=_SEARCHED)
    assert program is not None
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS)
    if done.returncode:
        words = (done.stderr or done.stdout).strip().replace("\n", " ")
        raise HostError(f"{' '.join(command[:1])} failed ({words}); want root, a free loop device and room on the disk")
