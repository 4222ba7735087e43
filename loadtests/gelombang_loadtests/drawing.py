"""Drawn photos: an identity card and a face with a card, both marked CONTOH ("specimen"). Nobody's data: every NIK starts with 99.

Promises: the same kind and size give the same bytes with the same Pillow; what is drawn looks like what it stands for to a person and costs
a decoder what a photo costs. The idea: one drawing per kind, enlarged to the wanted size, with grain over it, because it is the grain
that makes a JPEG of a camera as large as it is.
"""

import io
from collections.abc import Callable
from enum import StrEnum
from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

from gelombang.seeds import draw_array

CARD_SIZE = (1280, 960)
SELFIE_SIZE = (960, 1280)
PIXELS_LIMIT = 12_000_000
"""A drawn photo is at most this large; what a bigger file needs more is quality, then padding."""

_GRAIN_PIXELS = 512
_GRAIN_PURPOSE = 0
_GRAIN_RANGE = 20
_PAPER = (206, 224, 236)
_INK = (28, 34, 46)
_RED = (176, 24, 32)
_SKIN = (214, 170, 132)
_TABLE = (118, 92, 70)
_FIELDS = (
    ("NIK", "9901015708950001"),
    ("Nama", "CONTOH SATU"),
    ("Tempat/Tgl Lahir", "CONTOH, 17-08-1995"),
    ("Jenis kelamin", "PEREMPUAN"),
    ("Alamat", "JALAN CONTOH NO. 0"),
    ("RT/RW", "000/000"),
    ("Kel/Desa", "CONTOH"),
    ("Kecamatan", "CONTOH"),
    ("Berlaku Hingga", "TIDAK BERLAKU"),
)

Box = tuple[float, float, float, float]


class PhotoKind(StrEnum):
    """The two photos of the registration."""

    KTP = "ktp"
    SELFIE = "selfie"


def draw_photo(kind: PhotoKind, pixels: int, quality: int) -> bytes:
    """A JPEG of about so many pixels (limited to PIXELS_LIMIT), of Pillow's quality 1 to 95."""
    assert 0 < pixels <= PIXELS_LIMIT
    drawing = _drawing(kind)
    factor = (pixels / (drawing.width * drawing.height)) ** 0.5
    size = (max(int(drawing.width * factor), 8), max(int(drawing.height * factor), 8))
    enlarged = drawing.resize(size, Image.Resampling.BILINEAR)
    grained = ImageChops.add(enlarged, _grain_of(size), 1.0, -_GRAIN_RANGE // 2)
    file = io.BytesIO()
    grained.save(file, "JPEG", quality=quality)
    return file.getvalue()


@cache
def _drawing(kind: PhotoKind) -> Image.Image:
    painters: dict[PhotoKind, Callable[[], Image.Image]] = {PhotoKind.KTP: _draw_card_on_table, PhotoKind.SELFIE: _draw_selfie}
    return painters[kind]()


def _draw_card_on_table() -> Image.Image:
    image = Image.new("RGB", CARD_SIZE, _TABLE)
    _lay(image, _card(1080).rotate(2.0, Image.Resampling.BICUBIC, expand=True), (90, 100))
    return image


def _draw_selfie() -> Image.Image:
    image = Image.new("RGB", SELFIE_SIZE, (188, 200, 196))
    pen = ImageDraw.Draw(image)
    pen.ellipse((60, 880, 900, 1700), fill=(62, 84, 120))
    _face(pen, (250, 180, 710, 830))
    _lay(image, _card(520).rotate(-4.0, Image.Resampling.BICUBIC, expand=True), (210, 900))
    _mark(image, (480, 720), 170)
    return image


def _card(width: int) -> Image.Image:
    """An identity card, 85.6 by 54 mm, with a drawn portrait, transparent around it."""
    image = Image.new("RGBA", (1080, 680), _PAPER)
    pen = ImageDraw.Draw(image)
    for row in range(0, 680, 12):
        pen.line((0, row, 1080, row + 40), fill=(190, 212, 228), width=3)
    pen.text((540, 30), "PROVINSI CONTOH", _INK, _font(44), anchor="ma")
    pen.text((540, 82), "KABUPATEN CONTOH", _INK, _font(36), anchor="ma")
    for line, (name, value) in enumerate(_FIELDS):
        pen.text((40, 150 + line * 54), name, _INK, _font(28))
        pen.text((300, 150 + line * 54), f": {value}", _INK, _font(30 if line else 38))
    pen.rectangle((800, 170, 1040, 490), fill=(64, 96, 156))
    _face(pen, (850, 210, 990, 400))
    pen.pieslice((810, 400, 1030, 640), 180, 360, fill=(60, 60, 70))
    _mark(image, (540, 400), 230)
    return image.resize((width, width * 680 // 1080), Image.Resampling.BICUBIC)


def _lay(image: Image.Image, card: Image.Image, corner: tuple[int, int]) -> None:
    image.paste(card, corner, card)


def _face(pen: ImageDraw.ImageDraw, box: Box) -> None:
    left, top, right, bottom = box
    width, height = right - left, bottom - top

    def spot(x: float, y: float, w: float, h: float) -> Box:
        return (left + width * (x - w), top + height * (y - h), left + width * (x + w), top + height * (y + h))

    pen.ellipse((left - width * 0.06, top - height * 0.08, right + width * 0.06, bottom - height * 0.2), fill=(30, 24, 22))
    pen.ellipse(box, fill=_SKIN)
    for x in (0.32, 0.68):
        pen.ellipse(spot(x, 0.42, 0.09, 0.035), fill=(250, 250, 250))
        pen.ellipse(spot(x, 0.42, 0.035, 0.03), fill=(40, 26, 20))
    pen.ellipse(spot(0.5, 0.58, 0.05, 0.06), fill=(196, 148, 112))
    pen.arc(spot(0.5, 0.7, 0.2, 0.08), 10, 170, fill=(150, 60, 60), width=max(int(height * 0.02), 2))


def _mark(image: Image.Image, centre: tuple[int, int], height: int) -> None:
    """CONTOH across the picture, as specimens are marked."""
    mark = Image.new("L", (image.width, int(height * 1.6)), 0)
    ImageDraw.Draw(mark).text((image.width // 2, mark.height // 2), "CONTOH", 190, _font(height), anchor="mm")
    turned = mark.rotate(14.0, Image.Resampling.BICUBIC, expand=True)
    image.paste(_RED, (centre[0] - turned.width // 2, centre[1] - turned.height // 2), turned)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _grain_of(size: tuple[int, int]) -> Image.Image:
    """One tile of noise, repeated: noise is what a camera's sensor adds, and repetition within a picture costs a JPEG the same."""
    tiles = Image.new("L", size)
    tile = _grain()
    for left in range(0, size[0], _GRAIN_PIXELS):
        for top in range(0, size[1], _GRAIN_PIXELS):
            tiles.paste(tile, (left, top))
    return Image.merge("RGB", (tiles, tiles, tiles))


@cache
def _grain() -> Image.Image:
    noise = draw_array(0, np.arange(_GRAIN_PIXELS * _GRAIN_PIXELS), _GRAIN_PURPOSE) % np.uint64(_GRAIN_RANGE)
    return Image.fromarray(noise.astype(np.uint8).reshape(_GRAIN_PIXELS, _GRAIN_PIXELS))
