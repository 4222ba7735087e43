"""Is a stored file one picture and nothing else? The marker walk, then what hides in its comments, then every pixel.

Pure but for reading the file; run in a process of its own, because a decoder is where hostile files do harm. Pillow's `verify` passes half
a JPEG, so the picture is loaded. Declared pixels are limited before anything is decoded (ITU-T T.81, B.2.2): a small file may declare
gigabytes. What is not found: a scan that breaks off before an end marker of its own, because libjpeg fills the rest in with grey and says
so in a warning that Pillow does not hand on.

A file that is a page, a program or an archive as well (a polyglot) carries that in a comment or an application segment, where a decoder
does not look: `HIDDEN` are the beginnings that other programs go by. It is a list, and no list is whole; that names are random, and that
photos are never served from the site's own origin, does not depend on it.
"""

import warnings
from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from gelombang.attempt import Code
from gelombang_server.inspect_jpeg import inspect_jpeg

HIDDEN = (b"<?php", b"<script", b"<html", b"<svg", b"%PDF-", b"PK\x03\x04", b"Rar!\x1a\x07", b"\x7fELF", b"#!/", b"<?xml-stylesheet")
"""Looked for in comments and application segments, in lower case where they are text."""
_SOS = 0xDA
_COMMENT = 0xFE
_APPLICATION = range(0xE0, 0xF0)


def check_photo(body: bytes, pixels_limit: int) -> Code:
    """Code.NONE for a sound picture, else what is wrong with it. Never raises, whatever the bytes."""
    walked = inspect_jpeg(body, pixels_limit)
    if walked is not Code.NONE:
        return walked
    if any(sign in part.lower() or sign in part for part in _told_parts(body) for sign in HIDDEN):
        return Code.PHOTO_POLYGLOT
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            with Image.open(BytesIO(body), formats=("JPEG",)) as picture:
                if picture.width * picture.height > pixels_limit:
                    return Code.PHOTO_TOO_MANY_PIXELS
                picture.load()
        except Exception:
            # Decoders raise whatever they like (OSError, SyntaxError, struct.error, …): each of them says that this is no picture.
            return Code.PHOTO_UNDECODABLE
    return Code.NONE


def _told_parts(body: bytes) -> Iterator[bytes]:
    """The comments and application segments of a JPEG that was walked, up to its first scan."""
    at = 2
    while at + 4 <= len(body) and body[at + 1] != _SOS:
        kind = body[at + 1]
        if kind == 0xFF:
            at += 1
            continue
        if kind == 0x01 or 0xD0 <= kind <= 0xD7:
            at += 2
            continue
        length = body[at + 2] << 8 | body[at + 3]
        if kind == _COMMENT or kind in _APPLICATION:
            yield body[at + 4 : at + 2 + length]
        at += 2 + length
