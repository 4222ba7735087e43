"""Photos on a real disk: what is there when `keep` has returned, and what a failing disk does."""

import asyncio
import threading
from pathlib import Path

import pytest

from gelombang_server import photofile
from gelombang_server.directory_sync import DirectorySync
from gelombang_server.photofile import PhotoFiles
from gelombang_server.photopart import SyncFailedError
from tests.support.upload_site import until


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "photos"


def photos_in(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def name_of(descriptor: int) -> str:
    return Path(f"/proc/self/fd/{descriptor}").readlink().name


def fail(descriptor: int) -> None:
    raise OSError(5, "Input/output error")


async def test_a_photo_has_its_bytes_under_its_name_and_nothing_else_is_left(root: Path) -> None:
    files = PhotoFiles(root, 4)
    path = await files.whole("abc", b"photo").keep()
    assert path == "00/abc.jpg"
    assert (root / path).read_bytes() == b"photo"
    assert photos_in(root) == ["00/abc.jpg"]
    files.close()


async def test_a_kept_photo_asks_no_thread_to_remove_what_is_not_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, removals = PhotoFiles(root, 1), list[object]()
    monkeypatch.setattr(files, "later", removals.append)
    kept, given_up = files.whole("kept", b"photo"), files.begin("given-up")
    await kept.keep()
    kept.discard()
    assert removals == []
    given_up.take(b"ph")
    await given_up.flush()
    given_up.discard()
    assert len(removals) == 1
    files.close()


async def test_a_photo_is_synced_before_it_gets_its_name_and_its_folder_after(root: Path) -> None:
    seen: list[str] = []

    def sync_file(descriptor: int) -> None:
        seen.append(name_of(descriptor))

    def sync_directory(descriptor: int) -> None:
        seen.append(f"{name_of(descriptor)}: {','.join(photos_in(root))}")

    files = PhotoFiles(root, 1, sync_file=sync_file, sync_directory=sync_directory)
    await files.whole("abc", b"photo").keep()
    assert seen[1:] == ["photos: ", "photos: ", "abc.part", "00: 00/abc.jpg"], "the site's folder is synced first"
    files.close()


async def test_finishers_share_a_sync_of_their_folder(root: Path) -> None:
    """While the first sync is held, seven others rename their photos; one more sync serves them all."""
    held, renamed = threading.Event(), threading.Semaphore(0)

    def sync_file(descriptor: int) -> None:
        renamed.release()

    def sync_directory(descriptor: int) -> None:
        if name_of(descriptor) == "00":
            assert held.wait(10)

    files = PhotoFiles(root, 8, sync_file=sync_file, sync_directory=sync_directory)
    first = asyncio.create_task(files.whole("0", b"x").keep())
    while not (root / "00" / "0.jpg").exists() or files.sync_count == 0:
        await asyncio.sleep(0.001)
    others = [asyncio.create_task(files.whole(str(n), b"x").keep()) for n in range(1, 8)]
    while len(photos_in(root)) < 8 or any(name.endswith(".part") for name in photos_in(root)):
        await asyncio.sleep(0.001)
    held.set()
    await asyncio.gather(first, *others)
    # A thread may come to its sync a moment after it renamed, when the second one has begun; never does each need its own.
    assert 2 <= files.sync_count <= 4
    files.close()


async def test_a_photo_whose_sync_failed_is_quarantined_and_not_tried_again(root: Path) -> None:
    calls = []

    def fail_once(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            fail(descriptor)

    files = PhotoFiles(root, 1, sync_file=fail_once)
    with pytest.raises(SyncFailedError):
        await files.whole("bad", b"photo").keep()
    assert photos_in(root) == ["quarantine/bad.part"]
    assert len(calls) == 1
    assert await files.whole("good", b"photo").keep() == "00/good.jpg"
    files.close()


async def test_a_folder_whose_sync_failed_is_not_used_again(root: Path) -> None:
    is_failing = threading.Event()

    def sync_directory(descriptor: int) -> None:
        if is_failing.is_set():
            fail(descriptor)

    files = PhotoFiles(root, 1, sync_directory=sync_directory)
    await files.whole("a", b"photo").keep()
    is_failing.set()
    with pytest.raises(SyncFailedError):
        await files.whole("b", b"photo").keep()
    is_failing.clear()
    assert await files.whole("c", b"photo").keep() == "01/c.jpg"
    assert photos_in(root) == ["00/a.jpg", "01/c.jpg", "quarantine/b.jpg"]
    files.close()


async def test_folders_are_filled_one_after_the_other(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photofile, "FOLDER_PHOTOS", 2)
    files = PhotoFiles(root, 1)
    assert [await files.whole(name, b"x").keep() for name in "abcde"] == ["00/a.jpg", "00/b.jpg", "01/c.jpg", "01/d.jpg", "02/e.jpg"]
    files.close()


async def test_what_a_killed_process_left_half_written_is_swept_away(root: Path) -> None:
    (root / "07").mkdir(parents=True)
    (root / "07" / "half.part").write_bytes(b"ph")
    (root / "07" / "whole.jpg").write_bytes(b"photo")
    PhotoFiles(root, 1).close()
    assert photos_in(root) == ["07/whole.jpg"]


async def test_a_dropped_photo_is_gone(root: Path) -> None:
    files = PhotoFiles(root, 1)
    await files.drop(await files.whole("a", b"photo").keep())
    assert photos_in(root) == []
    files.close()


def test_everybody_in_a_batch_is_told_that_it_failed(tmp_path: Path) -> None:
    begun, held = threading.Event(), threading.Event()
    told: list[tuple[list[int], int | None]] = []

    def slow_failure(descriptor: int) -> None:
        begun.set()
        assert held.wait(10)
        fail(descriptor)

    def tell(batch: list[int], error: OSError | None) -> None:
        told.append((batch, None if error is None else error.errno))

    folder = DirectorySync[int](tmp_path, slow_failure, tell)
    leader = threading.Thread(target=folder.sync, args=(0,))
    leader.start()
    assert begun.wait(10)
    for number in (1, 2, 3):
        folder.sync(number)
    assert told == [], "nobody waits in a thread, and nobody is told early"
    held.set()
    leader.join(10)
    folder.close()
    assert told == [([0], 5), ([1, 2, 3], 5)]
    assert folder.sync_count == 2


async def test_a_slow_disk_does_not_hold_up_the_end_by_what_waits_for_a_thread(root: Path) -> None:
    may_end, syncs = threading.Event(), 0

    def slow(_: int) -> None:
        nonlocal syncs
        syncs += 1
        assert may_end.wait(20)

    files = PhotoFiles(root, 1, sync_file=slow)
    keeping = [asyncio.create_task(files.whole(name, b"photo").keep()) for name in ("first", "second", "third")]
    await until(lambda: syncs == 1)
    closing = asyncio.create_task(asyncio.to_thread(files.close))
    await until(lambda: all(each.done() for each in keeping[1:]))
    may_end.set()
    await closing
    first, *others = await asyncio.gather(*keeping, return_exceptions=True)
    assert first == "00/first.jpg"
    assert all(isinstance(each, asyncio.CancelledError) for each in others)
    assert syncs == 1
