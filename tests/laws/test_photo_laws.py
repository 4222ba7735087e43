"""Laws of the photos that people send: each is its own, each is a whole JPEG that decodes, and the same run sends the same again."""

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gelombang.attempt import Code
from gelombang_loadtests.drawing import PhotoKind
from gelombang_loadtests.photos import Photo, PhotoLibrary
from gelombang_server.inspect_jpeg import inspect_jpeg

LIMIT = 80_000
MANY = 20_000

sent = st.tuples(
    st.integers(0, (1 << 40) - 1), st.integers(0, 2_000_000), st.integers(0, 3), st.sampled_from(PhotoKind), st.integers(1, 2 * LIMIT)
)
"""Run, person, copy, kind, size."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> PhotoLibrary:
    return PhotoLibrary.build(tmp_path_factory.mktemp("drawn"), LIMIT)


def photo_of(library: PhotoLibrary, run: int, person: int, copy: int, kind: PhotoKind, size_bytes: int) -> Photo:
    return library.photo(kind, size_bytes, f"{run:x}.{person}.{copy}".encode())


@given(st.lists(sent, min_size=2, max_size=6, unique_by=lambda one: one[:3]))
def test_photos_differ_decode_to_their_end_and_come_again_the_same(
    library: PhotoLibrary, these: list[tuple[int, int, int, PhotoKind, int]]
) -> None:
    digests = set()
    for one in these:
        photo = photo_of(library, *one)
        body = b"".join(photo.parts)
        assert len(body) == photo.size_bytes
        assert photo.sha256 == hashlib.sha256(body).digest(), "continued from the drawing's digest, it is the digest of the bytes"
        assert photo_of(library, *one).sha256 == photo.sha256
        assert inspect_jpeg(body, 25_000_000) is Code.NONE, "the walk along the markers ends at the end marker and nothing comes after it"
        with Image.open(io.BytesIO(body)) as image:
            image.load()
        digests.add(photo.sha256)
    assert len(digests) == len(these)


def test_as_many_photos_as_a_large_run_sends_in_half_a_minute_are_all_different(library: PhotoLibrary) -> None:
    """Sizes are drawn from few, so that most photos have thousands of others of their size beside them."""
    digests = {photo_of(library, 7, person, 0, kind, 8_000 + person % 13 * 5_000).sha256 for person in range(MANY) for kind in PhotoKind}
    assert len(digests) == 2 * MANY
