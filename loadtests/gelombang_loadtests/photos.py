"""The photos that people send: a few drawn ones on disk, and from them any number of different ones of any size, without copying.

Promises: `photo` gives exactly the size that is asked for, as a JPEG that decodes, and no two serials give the same bytes. The idea: a JPEG
may carry comments (COM segments, ITU-T T.81, B.2.4.5); the serial stands in the first comment and the rest pads the largest drawn photo
that fits. Drawn photos are memory-mapped, the padding is one constant: a photo is a handful of views.

The comments stand behind the last scan, just before the end marker, so that all photos from one drawing begin alike and its digest is
continued, not computed again: a photo costs what its comments cost. The standard's grammar has comments before scans only (B.2.1); that
decoders read them here as well, as they read what phones append, is tested with Pillow, and the reference server's walk allows them.

A size below the smallest drawn photo gives that photo with its serial, which is larger than asked: `Photo.size_bytes` is the truth.
Sizes over SIZE_LIMIT_BYTES are cut to it.
"""

import hashlib
import json
import mmap
import os
import shutil
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

import PIL

from gelombang.errors import HostError
from gelombang_loadtests.drawing import PIXELS_LIMIT, PhotoKind, draw_photo

SIZE_LIMIT_BYTES = 16_777_216
"""The largest photo that anybody sends; a lognormal distribution has no end of its own."""
SERIAL_LIMIT_BYTES = 256
BASES_PER_KIND = 12
SMALLEST_BYTES = 8_000
LARGEST_BYTES = 5_000_000
"""Drawn photos go from about the first to about the second; padding does the rest."""
LADDERS_LIMIT = 8
"""Of photos drawn for different sizes, kept at once: 15 MB each at most."""
MANIFEST = "manifest.json"
DRAWING_VERSION = 1
"""Changes with the drawings, so that cached ones are drawn again."""

_EOI = b"\xff\xd9"
_COMMENT_LIMIT_BYTES = 65_533
_SEGMENT_HEAD_BYTES = 4
_SEGMENT_LIMIT_BYTES = _SEGMENT_HEAD_BYTES + _COMMENT_LIMIT_BYTES
_PADDING = memoryview(b" " * _COMMENT_LIMIT_BYTES)
_FULL_SEGMENT = memoryview(b"\xff\xfe\xff\xff" + b" " * _COMMENT_LIMIT_BYTES)

# Bytes per pixel of the drawings at each quality, about: what a ladder of sizes needs to aim, not to hit.
_QUALITIES = ((75, 0.16), (85, 0.24), (95, 0.45))


class Photo:
    """One photo as the buffers it is sent from. `sha256` is computed when first asked for: most tries end before anybody needs it.
    `begun` is the digest of the first part, where that is known already; it is left as it is."""

    __slots__ = ("_begun", "_sha256", "parts", "size_bytes")

    def __init__(self, parts: tuple[bytes | memoryview, ...], size_bytes: int, begun: "hashlib._Hash | None" = None) -> None:
        self.parts = parts
        self.size_bytes = size_bytes
        self._begun = begun
        self._sha256 = b""

    @property
    def sha256(self) -> bytes:
        if not self._sha256:
            digest = hashlib.sha256() if self._begun is None else self._begun.copy()
            for part in self.parts if self._begun is None else self.parts[1:]:
                digest.update(part)
            self._sha256 = digest.digest()
        return self._sha256


@dataclass(frozen=True, slots=True)
class _Base:
    size_bytes: int
    drawn: memoryview
    """All but the end marker."""
    digest: "hashlib._Hash"
    """Of `drawn`."""


class PhotoLibrary:
    """Drawn photos of both kinds, mapped into memory for the life of the process."""

    def __init__(self, bases: dict[PhotoKind, list[_Base]]) -> None:
        self._bases = {kind: sorted(of_kind, key=lambda base: base.size_bytes) for kind, of_kind in bases.items()}
        self._sizes = {kind: [base.size_bytes for base in of_kind] for kind, of_kind in self._bases.items()}

    @classmethod
    def build(cls, folder: Path, sizes_limit: int = SIZE_LIMIT_BYTES) -> "PhotoLibrary":
        """Draw what `folder` lacks for photos up to `sizes_limit` bytes, and map it. Raises HostError when the folder can't be written."""
        assert sizes_limit > 0
        manifest = _read_manifest(folder, sizes_limit) or _draw_all(folder, sizes_limit)
        return cls({kind: [_map(folder / name) for name in manifest if name.startswith(kind)] for kind in PhotoKind})

    @classmethod
    def kept(cls, sizes_limit: int) -> "PhotoLibrary":
        """The same in the folder that runs share."""
        return cls.build(photos_folder(sizes_limit), sizes_limit)

    def photo(self, kind: PhotoKind | str, size_bytes: int, serial: bytes) -> Photo:
        """A photo of that size whose bytes no other serial has."""
        assert 0 < len(serial) <= SERIAL_LIMIT_BYTES
        kind = PhotoKind(kind)
        smallest_padding = _SEGMENT_HEAD_BYTES + len(serial)
        index = bisect_right(self._sizes[kind], min(size_bytes, SIZE_LIMIT_BYTES) - smallest_padding) - 1
        base = self._bases[kind][max(index, 0)]
        padding_bytes = min(size_bytes, SIZE_LIMIT_BYTES) - base.size_bytes if index >= 0 else smallest_padding
        return Photo((base.drawn, *_comments(padding_bytes, serial), _EOI), base.size_bytes + padding_bytes, base.digest)


def photos_folder(sizes_limit: int) -> Path:
    """Where photos drawn for sizes up to this are kept between runs: drawing them takes a second or two, and runs at several scales take
    turns. When there are LADDERS_LIMIT such folders, the oldest makes room."""
    cache = os.environ.get("XDG_CACHE_HOME")
    home = (Path(cache) if cache else Path.home() / ".cache") / "gelombang" / "photos"
    folder = home / f"{_largest(sizes_limit)}-bytes"
    if not folder.exists():
        by_age = sorted(home.glob("*-bytes"), key=lambda ladder: ladder.stat().st_mtime_ns)
        for old in by_age[: max(len(by_age) - LADDERS_LIMIT + 1, 0)]:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def _comments(size_bytes: int, serial: bytes) -> list[bytes | memoryview]:
    """COM segments of `size_bytes` in all, the first with the serial. No remainder of 1 to 3 bytes is left: a segment has at least 4."""
    first = _fitting(size_bytes)
    parts: list[bytes | memoryview] = [
        b"\xff\xfe" + (first - 2).to_bytes(2, "big") + serial,
        _PADDING[: first - _SEGMENT_HEAD_BYTES - len(serial)],
    ]
    left = size_bytes - first
    while left:
        segment = _fitting(left)
        if segment == _SEGMENT_LIMIT_BYTES:
            parts.append(_FULL_SEGMENT)
        else:
            parts += (b"\xff\xfe" + (segment - 2).to_bytes(2, "big"), _PADDING[: segment - _SEGMENT_HEAD_BYTES])
        left -= segment
    return parts


def _fitting(left: int) -> int:
    segment = min(left, _SEGMENT_LIMIT_BYTES)
    return segment - _SEGMENT_HEAD_BYTES if 0 < left - segment < _SEGMENT_HEAD_BYTES else segment


def _largest(sizes_limit: int) -> int:
    return max(min(sizes_limit, LARGEST_BYTES), SMALLEST_BYTES)


def _ladder(sizes_limit: int) -> list[tuple[int, int]]:
    """Pixels and quality of each drawn photo: sizes in equal ratios up to the limit, qualities in turn, as phones differ."""
    ratio = (_largest(sizes_limit) / SMALLEST_BYTES) ** (1 / BASES_PER_KIND)
    steps = []
    for step in range(BASES_PER_KIND):
        quality, bytes_per_pixel = _QUALITIES[step % len(_QUALITIES)]
        wanted = int(SMALLEST_BYTES * ratio**step / bytes_per_pixel)
        if wanted > PIXELS_LIMIT:
            quality, bytes_per_pixel = _QUALITIES[-1]
            wanted = min(int(SMALLEST_BYTES * ratio**step / bytes_per_pixel), PIXELS_LIMIT)
        steps.append((wanted, quality))
    return list(dict.fromkeys(steps))


def _identity(sizes_limit: int) -> dict[str, object]:
    return {"drawing": DRAWING_VERSION, "pillow": PIL.__version__, "ladder": [list(step) for step in _ladder(sizes_limit)]}


def _read_manifest(folder: Path, sizes_limit: int) -> list[str] | None:
    """The drawn files, when they are all there, whole, and what this version would draw; None otherwise: they are drawn again."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files: dict[str, str] = manifest.pop("files")
        if manifest != _identity(sizes_limit) or not files:
            return None
        for name, digest in files.items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return list(files)


def _draw_all(folder: Path, sizes_limit: int) -> list[str]:
    files: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in PhotoKind:
            for step, (pixels, quality) in enumerate(_ladder(sizes_limit)):
                name = f"{kind}-{step:02d}.jpg"
                data = draw_photo(kind, pixels, quality)
                _write(folder / name, data)
                files[name] = hashlib.sha256(data).hexdigest()
        _write(folder / MANIFEST, json.dumps({**_identity(sizes_limit), "files": files}, indent=1).encode())
    except OSError as error:
        raise HostError(f"{folder} can't take the drawn photos ({error.strerror}); want a folder that can be written") from error
    return list(files)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: another process of the same run may be drawing the same, and gets the same bytes."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_bytes(data)
    fresh.replace(path)


def _map(path: Path) -> _Base:
    with path.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    assert bytes(view[-2:]) == _EOI, path
    drawn = view[:-2]
    return _Base(len(view), drawn, hashlib.sha256(drawn))
