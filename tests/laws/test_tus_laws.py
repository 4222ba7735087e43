"""A law of uploads that are gone on with: whatever is cut, taken back or asked for twice, in whichever process, a file holds exactly the
bytes that its offset says, of the photo that is sent; and the offset never passes what was sent, nor falls behind what was put away.

The file code is run as it is, with as many `PartialFiles` on one folder as there are processes; the model is a byte string.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gelombang_server.photofile import PhotoFiles
from gelombang_server.tus.partial import PartialFiles

PHOTO = bytes(range(256)) * 4
PROCESSES = 3
NAME = "0123456789abcdef" * 2

PIECES = st.lists(
    st.tuples(
        st.integers(0, PROCESSES - 1),
        st.lists(st.integers(0, 400), max_size=4),
        st.sampled_from(["put away", "cut", "taken back", "written early and cut", "written early and taken back"]),
    ),
    min_size=1,
    max_size=8,
)


async def _go_on(partials: PartialFiles, stands_at: int, sizes: list[int], how: str) -> int:
    """One request; where the upload should stand after it."""
    lock = partials.lock(7)
    assert lock is not None
    part = await partials.open(NAME, len(PHOTO), lock)
    assert part.began_at == stands_at == partials.offset(NAME, len(PHOTO))
    before = bytearray()
    await part.read(before.extend)
    assert bytes(before) == PHOTO[:stands_at]
    # Another process cannot have it meanwhile.
    assert partials.lock(7) is None
    at = stands_at
    for size in sizes:
        piece = PHOTO[at : at + size]
        part.take(piece)
        at += len(piece)
        if "early" in how:
            await part.flush()
    if "taken back" in how:
        part.take_back()
        at = stands_at
    if how == "put away":
        await part.suspend()
    part.discard()
    await partials.close()
    # What is whole and not stored stands one byte before its end.
    return min(at, len(PHOTO) - 1)


async def _run(folder: Path, steps: list[tuple[int, list[int], str]]) -> None:
    pools = [PhotoFiles(folder / "photos", 2, place=place, places=PROCESSES) for place in range(PROCESSES)]
    partials = [PartialFiles(folder / "photos", files) for files in pools]
    try:
        stands_at = 0
        for process, sizes, how in steps:
            stands_at = await _go_on(partials[process], stands_at, sizes, how)
            for other in partials:
                assert other.offset(NAME, len(PHOTO)) == stands_at
        lock = partials[0].lock(7)
        assert lock is not None
        part = await partials[0].open(NAME, len(PHOTO), lock)
        part.take(PHOTO[stands_at:])
        path = await part.keep()
        part.discard()
        await partials[0].close()
        assert (folder / "photos" / path).read_bytes() == PHOTO
        assert await partials[1].begun() == []
        assert all(files.gathered_bytes == 0 for files in pools)
    finally:
        for files in pools:
            files.close()


@settings(max_examples=60, deadline=None)
@given(PIECES)
def test_any_sequence_of_cuts_over_processes_comes_to_exactly_the_photo(steps: list[tuple[int, list[int], str]]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="tus-law-"))
    try:
        asyncio.run(_run(folder, steps))
    finally:
        shutil.rmtree(folder)
