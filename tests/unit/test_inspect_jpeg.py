"""The walk along a JPEG's markers, on real files drawn by Pillow and on files broken by hand."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gelombang.attempt import Code
from gelombang_server.inspect_jpeg import JpegWalk, inspect_jpeg

LIMIT = 1_000_000


def jpeg(width: int = 64, height: int = 48, *, progressive: bool = False, restart: int = 0, exif: bytes = b"") -> bytes:
    noise = bytes((17 * i * i + 31 * i) % 251 for i in range(width * height))
    file = io.BytesIO()
    image = Image.frombytes("L", (width, height), noise).convert("RGB")
    image.save(file, "JPEG", quality=90, progressive=progressive, restart_marker_rows=restart, exif=exif)
    return file.getvalue()


BASELINE = jpeg()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart": 1}, {"exif": b"Exif\0\0" + b"\xff\xd9" * 50}], ids=str)
def test_whole_photos_pass(options: dict[str, object]) -> None:
    assert inspect_jpeg(jpeg(**options), LIMIT) is Code.NONE  # type: ignore[arg-type]


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 20, 200, len(BASELINE) // 2, len(BASELINE) - 2, len(BASELINE) - 1])
def test_a_photo_cut_short_is_truncated(kept: int) -> None:
    assert inspect_jpeg(BASELINE[:kept], LIMIT) is Code.PHOTO_TRUNCATED


@pytest.mark.parametrize("other", [b"\x89PNG\r\n\x1a\n" + b"\0" * 100, b"GIF89a", b"%PDF-1.7", b"\xff\xff", b"\x00", b"<svg/>"])
def test_other_formats_are_the_wrong_format(other: bytes) -> None:
    assert inspect_jpeg(other, LIMIT) is Code.PHOTO_WRONG_FORMAT


def test_a_photo_with_something_behind_its_end_is_a_polyglot() -> None:
    assert inspect_jpeg(BASELINE + b"PK\x03\x04", LIMIT) is Code.PHOTO_POLYGLOT


def test_pixels_are_counted_before_anything_is_decoded() -> None:
    assert inspect_jpeg(BASELINE, 64 * 48) is Code.NONE
    assert inspect_jpeg(BASELINE, 64 * 48 - 1) is Code.PHOTO_TOO_MANY_PIXELS


def test_a_photo_without_height_is_the_wrong_format() -> None:
    at = BASELINE.index(b"\xff\xc0") + 5
    assert inspect_jpeg(BASELINE[:at] + b"\0\0" + BASELINE[at + 2 :], LIMIT) is Code.PHOTO_WRONG_FORMAT


def test_a_file_with_markers_and_no_scan_is_the_wrong_format() -> None:
    assert inspect_jpeg(b"\xff\xd8\xff\xd9", LIMIT) is Code.PHOTO_WRONG_FORMAT


def test_a_scan_before_its_frame_is_the_wrong_format() -> None:
    assert inspect_jpeg(b"\xff\xd8\xff\xda\x00\x04\x00\x00\xff\xd9", LIMIT) is Code.PHOTO_WRONG_FORMAT


@given(st.binary(max_size=600), st.integers(0, 3))
def test_garbage_never_raises(garbage: bytes, where: int) -> None:
    start = (b"", b"\xff\xd8", BASELINE[:200], BASELINE)[where]
    assert inspect_jpeg(start + garbage, LIMIT) in {
        Code.NONE,
        Code.PHOTO_TRUNCATED,
        Code.PHOTO_WRONG_FORMAT,
        Code.PHOTO_TOO_MANY_PIXELS,
        Code.PHOTO_POLYGLOT,
    }


@given(st.lists(st.integers(1, 400), max_size=40), st.integers(0, 3), st.binary(max_size=3))
def test_how_the_bytes_are_cut_into_chunks_changes_nothing(cuts: list[int], kind: int, tail: bytes) -> None:
    photo = (BASELINE, jpeg(progressive=True), jpeg(restart=1), BASELINE[:-1])[kind] + tail
    walk = JpegWalk(LIMIT)
    at = 0
    for cut in [*cuts, len(photo)]:
        walk.feed(photo[at : at + cut])
        at += cut
    assert walk.verdict() is inspect_jpeg(photo, LIMIT)


def test_byte_by_byte_is_the_same() -> None:
    walk = JpegWalk(LIMIT)
    for value in jpeg(progressive=True, restart=1):
        walk.feed(bytes([value]))
    assert walk.verdict() is Code.NONE
