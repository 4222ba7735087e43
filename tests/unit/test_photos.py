"""Photos of any size: exact, decodable, all different, not copied, drawn once."""

import hashlib
import io
import json
import os
from pathlib import Path

import pytest
from PIL import Image

from gelombang.errors import HostError
from gelombang_loadtests.drawing import PhotoKind
from gelombang_loadtests.photos import LADDERS_LIMIT, LARGEST_BYTES, SIZE_LIMIT_BYTES, Photo, PhotoLibrary, photos_folder

LIMIT = 200_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos") / "drawn"
    PhotoLibrary.build(folder, LIMIT)
    return folder


@pytest.fixture(scope="module")
def library(folder: Path) -> PhotoLibrary:
    return PhotoLibrary.build(folder, LIMIT)


@pytest.fixture
def one_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One drawing per kind, to be quick."""
    monkeypatch.setattr("gelombang_loadtests.photos.BASES_PER_KIND", 1)


def whole(photo: Photo) -> bytes:
    return b"".join(photo.parts)


def decode(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        image.load()
        return image.size


SIZES = [12_000, 13_333, 20_000, 65_536, 100_000, 150_000, 199_999, 200_000, 300_000, 1_000_000]


@pytest.mark.parametrize("kind", ["ktp", "selfie"])
@pytest.mark.parametrize("size_bytes", SIZES)
def test_a_photo_has_exactly_the_wanted_size_and_decodes(library: PhotoLibrary, kind: str, size_bytes: int) -> None:
    photo = library.photo(kind, size_bytes, b"run-1 person-2 number-3")
    data = whole(photo)
    assert len(data) == photo.size_bytes == size_bytes
    decode(data)


def test_every_size_around_the_borders_of_segments_is_exact(library: PhotoLibrary, folder: Path) -> None:
    largest = max(path.stat().st_size for path in folder.glob("ktp-*.jpg"))
    for borders in (1, 2):
        for size_bytes in range(largest + borders * 65_537 - 8, largest + borders * 65_537 + 12):
            photo = library.photo("ktp", size_bytes, b"s")
            data = whole(photo)
            assert len(data) == size_bytes
            assert comments_bytes(data, largest) == size_bytes - largest, "the walk over the comments ends at the end marker"


def comments_bytes(data: bytes, drawn: int) -> int:
    """How long the COM segments are that stand behind a drawing of so many bytes, before the end marker."""
    at = drawn - 2
    while data[at : at + 2] == b"\xff\xfe":
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    assert data[at:] == b"\xff\xd9"
    return at - drawn + 2


def test_the_largest_photo_that_fits_is_the_one_that_is_padded(library: PhotoLibrary, folder: Path) -> None:
    sizes = sorted(path.stat().st_size for path in folder.glob("selfie-*.jpg"))
    for drawn in sizes:
        just_fits = whole(library.photo("selfie", drawn + 4 + 3, b"abc"))
        assert comments_bytes(just_fits, drawn) == 7
    too_small_by_one = whole(library.photo("selfie", sizes[-1] + 4 + 2, b"abc"))
    assert comments_bytes(too_small_by_one, sizes[-2]) > 7


def test_serials_make_different_photos_with_true_digests(library: PhotoLibrary) -> None:
    photos = [library.photo("ktp", 50_000, b"serial-%d" % number) for number in range(50)]
    assert len({photo.sha256 for photo in photos}) == 50
    assert all(photo.sha256 == hashlib.sha256(whole(photo)).digest() for photo in photos)
    assert library.photo("ktp", 50_000, b"serial-7").sha256 == photos[7].sha256


def test_a_size_below_the_smallest_drawing_is_told_truly(library: PhotoLibrary) -> None:
    photo = library.photo("ktp", 100, b"tiny")
    assert photo.size_bytes == len(whole(photo)) > 100
    decode(whole(photo))
    assert photo.sha256 != library.photo("ktp", 100, b"tinz").sha256


def test_a_size_over_the_limit_is_cut_to_it(library: PhotoLibrary) -> None:
    photo = library.photo("selfie", 40_000_000, b"huge")
    assert photo.size_bytes == sum(len(part) for part in photo.parts) == 16_777_216
    decode(whole(photo))


def test_parts_are_views_of_the_drawn_photo(library: PhotoLibrary) -> None:
    first, second = library.photo("ktp", 180_000, b"a"), library.photo("ktp", 180_000, b"b")
    assert first.parts[0] is second.parts[0]
    owned = sum(len(part) for part in first.parts if isinstance(part, bytes))
    assert owned < 50, "only the serial and the heads of segments are made anew"


def test_cards_lie_and_selfies_stand(library: PhotoLibrary) -> None:
    width, height = decode(whole(library.photo(PhotoKind.KTP, 30_000, b"s")))
    assert width > height
    width, height = decode(whole(library.photo(PhotoKind.SELFIE, 30_000, b"s")))
    assert width < height


def test_a_second_build_draws_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    monkeypatch.setattr("gelombang_loadtests.photos.draw_photo", None)
    PhotoLibrary.build(folder, LIMIT)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert len(before) == 2 * 12 + 1


@pytest.mark.usefixtures("one_drawing")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "ktp-00.jpg").write_bytes(b"not the drawing"),
        lambda folder: (folder / "selfie-00.jpg").unlink(),
        lambda folder: (folder / "manifest.json").write_bytes(b"[]"),
        lambda folder: (folder / "manifest.json").write_bytes(b"{"),
    ],
)
def test_a_spoilt_cache_is_drawn_again(tmp_path: Path, spoil: object) -> None:
    PhotoLibrary.build(tmp_path, 10_000)
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    spoil(tmp_path)  # type: ignore[operator]
    PhotoLibrary.build(tmp_path, 10_000)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == drawn


@pytest.mark.usefixtures("one_drawing")
def test_another_limit_draws_other_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PhotoLibrary.build(tmp_path, 10_000)
    monkeypatch.setattr("gelombang_loadtests.photos.BASES_PER_KIND", 2)
    small = json.loads((tmp_path / "manifest.json").read_bytes())
    PhotoLibrary.build(tmp_path, 60_000)
    large = json.loads((tmp_path / "manifest.json").read_bytes())
    assert small["ladder"] != large["ladder"]
    assert set(large["files"]) == {path.name for path in tmp_path.glob("*.jpg")}


def test_a_folder_that_cannot_be_made_is_an_operator_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(HostError, match=r"taken can't take the drawn photos \(.*\); want a folder that can be written"):
        PhotoLibrary.build(tmp_path / "taken")


def test_runs_at_several_scales_keep_photos_of_their_own_and_the_oldest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sizes = [20_000 + 1_000 * n for n in range(LADDERS_LIMIT + 1)]
    for age, size in enumerate(sizes):
        folder = photos_folder(size)
        folder.mkdir(parents=True)
        os.utime(folder, ns=(age, age))
        assert photos_folder(size) == folder
    assert {path.name for path in (tmp_path / "gelombang" / "photos").iterdir()} == {f"{size}-bytes" for size in sizes[1:]}
    assert photos_folder(LARGEST_BYTES) == photos_folder(SIZE_LIMIT_BYTES), "sizes above the largest drawn photo are padded ones"
