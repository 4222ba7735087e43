"""Real limits, by the kernel: a control group and a disk of its own. They want root; elsewhere these tests are skipped."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gelombang.errors import HostError
from gelombang_server.control_group import Limits, limited, require_groups
from gelombang_server.photo_disk import photo_disk, require_programs
from system.test_server_command import get, orders, running

pytestmark = pytest.mark.system
DISK_BYTES = 100_000_000


@pytest.fixture(autouse=True)
def _able() -> None:
    try:
        require_groups()
        require_programs()
    except HostError as error:
        pytest.skip(str(error))


@pytest.fixture
def loop_device(tmp_path: Path) -> None:
    """A disk in a file can be mounted here."""
    probe = tmp_path / "probe"
    try:
        with photo_disk(probe, 67_108_864):
            pass
    except HostError as error:
        pytest.skip(str(error))
    probe.rmdir()


BURN = """
import sys, pathlib
stat = pathlib.Path(sys.argv[1])
while True:
    if any(line.split() > ["nr_throttled", "0"] and line.startswith("nr_throttled") for line in stat.read_text().splitlines()):
        break
    sum(range(100_000))
"""


@pytest.mark.usefixtures("loop_device")
def test_who_takes_more_than_the_limit_of_the_processor_is_throttled_and_nothing_of_the_group_is_left(tmp_path: Path) -> None:
    with photo_disk(tmp_path / "photos", DISK_BYTES) as device:
        with limited(Limits(0.2, 500_000_000, (device, 4_000_000))) as groups:
            assert all(str(os.getpid()) in (group.path / "cgroup.procs").read_text().split() for group in groups)
            subprocess.run([sys.executable, "-c", BURN, str(groups[0].path / "cpu.stat")], check=True, timeout=60)
        assert not any(group.path.exists() for group in groups)
        assert all(str(os.getpid()) in (group.home / "cgroup.procs").read_text().split() for group in groups)


@pytest.mark.usefixtures("loop_device")
def test_a_disk_of_its_own_takes_what_was_there_is_full_by_itself_and_gives_everything_back(tmp_path: Path) -> None:
    photos = tmp_path / "the photos"
    photos.mkdir()
    (photos / "earlier.jpg").write_bytes(b"earlier")
    with photo_disk(photos, DISK_BYTES) as device:
        assert photos.stat().st_dev == os.makedev(*map(int, device.split(":")))
        assert (photos / "earlier.jpg").read_bytes() == b"earlier"
        (photos / "00").mkdir()
        (photos / "00" / "new.jpg").write_bytes(b"new")
        with pytest.raises(OSError, match="No space left on device"):
            (photos / "huge").write_bytes(bytes(DISK_BYTES))
        (photos / "huge").unlink()
    assert photos.stat().st_dev == tmp_path.stat().st_dev
    assert {str(path.relative_to(photos)): path.read_bytes() for path in photos.rglob("*.jpg")} == {
        "earlier.jpg": b"earlier",
        "00/new.jpg": b"new",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["the photos"]


@pytest.mark.usefixtures("loop_device")
def test_photos_that_do_not_fit_onto_the_disk_stay_where_they_are_and_nothing_is_left_mounted(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    there = {"1-fits.jpg": b"small", "2-does-not.jpg": bytes(DISK_BYTES), "3-comes-after.jpg": b"small, too"}
    for name, content in there.items():
        (photos / name).write_bytes(content)
    with pytest.raises(HostError, match=f"disk of {DISK_BYTES:,} bytes .*No space left on device"), photo_disk(photos, DISK_BYTES):
        pass
    assert {path.name: path.read_bytes() for path in photos.iterdir()} == there
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


@pytest.mark.usefixtures("loop_device")
def test_photos_that_can_not_be_brought_back_stay_on_their_disk_which_stays_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"

    def no_room(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))

    disk = photo_disk(photos, DISK_BYTES)
    disk.__enter__()
    try:
        (photos / "new.jpg").write_bytes(b"new")
        monkeypatch.setattr(shutil, "move", no_room)
        with pytest.raises(HostError, match=r"can't be brought back into .*No space left on device.*stays mounted"):
            disk.__exit__(None, None, None)
        assert photos.is_mount()
        assert (photos / "new.jpg").read_bytes() == b"new"
    finally:
        subprocess.run(["umount", str(photos)], check=True, timeout=60)


@pytest.mark.usefixtures("loop_device")
def test_the_server_runs_within_the_limits_of_its_profile_and_leaves_the_machine_as_it_was(tmp_path: Path) -> None:
    with running(orders(tmp_path, "physical")) as (server, ready):
        assert get(f"{ready['public_url']}/readyz")[0] == 200
        assert os.path.ismount(tmp_path / "site" / "photos")
        for pid in (server.pid, *ready["pids"]):
            assert f"gelombang-{server.pid}" in Path(f"/proc/{pid}/cgroup").read_text()
    assert server.returncode == 0
    assert not os.path.ismount(tmp_path / "site" / "photos")
    assert (tmp_path / "site" / "photos" / "quarantine").is_dir()
    assert not list(Path("/sys/fs/cgroup").glob(f"**/gelombang-{server.pid}"))
