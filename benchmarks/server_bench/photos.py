"""Photos for the rows: a drawn JPEG of about a size, made different by a comment, so that no two have the same digest."""

import hashlib
import io

from PIL import Image

_APP0_END = 20
"""SOI and JFIF's APP0 as Pillow writes them; the comment goes behind."""


def drawn(about_bytes: int) -> bytes:
    """A grey JPEG of noise, as near to the size as a whole number of rows of pixels comes."""
    low, high = 8, 4_096
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(_noise(middle)) <= about_bytes else (low, middle)
    return _noise(low)


def numbered(base: bytes, number: int) -> bytes:
    """The same picture with a number in it."""
    comment = b"\xff\xfe\x00\x0a" + number.to_bytes(8, "big")
    return base[:_APP0_END] + comment + base[_APP0_END:]


def _noise(rows: int) -> bytes:
    width = 128
    file = io.BytesIO()
    Image.frombytes("L", (width, rows), hashlib.shake_128(b"noise").digest(width * rows)).save(file, "JPEG", quality=90)
    return file.getvalue()
