"""What is found in files that call themselves photos: a corpus drawn by a program, each file hostile in one way."""

import io
import zipfile
from collections.abc import Callable

import pytest
from PIL import Image

from gelombang.attempt import Code
from gelombang_server.checking.verdict import HIDDEN, check_photo

LIMIT = 1_000_000


def drawn(form: str = "JPEG", size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    noise = bytes((17 * i * i + 31 * i) % 251 for i in range(size[0] * size[1]))
    file = io.BytesIO()
    Image.frombytes("L", size, noise).convert("RGB").save(file, form, **options)
    return file.getvalue()


SOUND = drawn()


def with_comment(text: bytes, photo: bytes = SOUND) -> bytes:
    return photo[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + photo[2:]


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("x.txt", "x")
    return file.getvalue()


def with_broken_tables() -> bytes:
    """A JPEG whose markers are in order, and whose Huffman codes can't be: more of them than there is room for."""
    at = SOUND.index(b"\xff\xc4") + 5
    return SOUND[:at] + b"\xff" * 16 + SOUND[at + 16 :]


def without_quantization() -> bytes:
    """A JPEG without the table that makes pixels of its coefficients."""
    at = SOUND.index(b"\xff\xdb")
    return SOUND[:at] + SOUND[at + 2 + int.from_bytes(SOUND[at + 2 : at + 4], "big") :]


def declaring(height: int, width: int) -> bytes:
    at = SOUND.index(b"\xff\xc0") + 5
    return SOUND[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + SOUND[at + 4 :]


HOSTILE: dict[str, tuple[Callable[[], bytes], Code]] = {
    "PNG called a photo": (lambda: drawn("PNG"), Code.PHOTO_WRONG_FORMAT),
    "GIF called a photo": (lambda: drawn("GIF"), Code.PHOTO_WRONG_FORMAT),
    "BMP called a photo": (lambda: drawn("BMP"), Code.PHOTO_WRONG_FORMAT),
    "page called a photo": (lambda: b"<html><body onload=x()></body></html>", Code.PHOTO_WRONG_FORMAT),
    "cut in the middle": (lambda: SOUND[: len(SOUND) // 2], Code.PHOTO_TRUNCATED),
    "nothing": (lambda: b"", Code.PHOTO_TRUNCATED),
    "bomb: 65,000 × 65,000 pixels declared": (lambda: declaring(65_000, 65_000), Code.PHOTO_TOO_MANY_PIXELS),
    "archive behind the end": (lambda: SOUND + archive(), Code.PHOTO_POLYGLOT),
    "photo behind the photo": (lambda: SOUND + SOUND, Code.PHOTO_POLYGLOT),
    "archive in a comment": (lambda: with_comment(archive()), Code.PHOTO_POLYGLOT),
    "tables that can not be": (with_broken_tables, Code.PHOTO_UNDECODABLE),
    "a table that is missing": (without_quantization, Code.PHOTO_UNDECODABLE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_each_hostile_file_is_refused_by_name(name: str) -> None:
    make, code = HOSTILE[name]
    assert check_photo(make(), LIMIT) is code


@pytest.mark.parametrize("sign", HIDDEN, ids=repr)
def test_what_another_program_would_run_or_open_is_a_polyglot_wherever_it_hides(sign: bytes) -> None:
    assert check_photo(with_comment(b"innocent " + sign + b" more"), LIMIT) is Code.PHOTO_POLYGLOT


def test_text_that_a_browser_would_run_is_found_in_any_case() -> None:
    assert check_photo(with_comment(b"innocent <ScRiPt>"), LIMIT) is Code.PHOTO_POLYGLOT


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": b"Exif\0\0\xff\xd9"}, {"comment": b"a holiday"}], ids=str)
def test_sound_photos_are_validated(options: dict[str, object]) -> None:
    assert check_photo(drawn(**options), LIMIT) is Code.NONE  # type: ignore[arg-type]


def test_pixels_are_limited_before_any_is_decoded() -> None:
    assert check_photo(SOUND, 64 * 48) is Code.NONE
    assert check_photo(SOUND, 64 * 48 - 1) is Code.PHOTO_TOO_MANY_PIXELS
