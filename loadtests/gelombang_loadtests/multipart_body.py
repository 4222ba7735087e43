"""A multipart/form-data body (RFC 7578) as buffers around its files: no file is copied."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

BOUNDARY = b"gelombang-8f0c6a4be1d24f7f9a3d5b7c2e60d918"
"""One for all requests: long enough that no drawn photo has it, and told in each request's Content-Type."""
CONTENT_TYPE = b"multipart/form-data; boundary=" + BOUNDARY

_DELIMITER = b"--" + BOUNDARY + b"\r\n"
_TAIL = b"\r\n--" + BOUNDARY + b"--\r\n"
_HEADS_KEPT_LIMIT = 256
_ESCAPES = {'"': "%22", "\r": "%0D", "\n": "%0A"}


@dataclass(frozen=True, slots=True)
class MultipartBody:
    """`parts` one after the other are the body, `length_bytes` long."""

    content_type: bytes
    parts: tuple[bytes | memoryview, ...]
    length_bytes: int


class FileField(NamedTuple):
    """A field whose value is a file."""

    name: str
    filename: str
    content_type: str
    content: Sequence[bytes | memoryview]


class TextField(NamedTuple):
    """A field whose value is a text."""

    name: str
    value: str


def multipart_form(fields: Sequence[FileField | TextField]) -> MultipartBody:
    """The body of a form with these fields in their order. Quotes and line ends in names are escaped as browsers do (HTML, 4.10.22.8)."""
    parts: list[bytes | memoryview] = []
    for i, field in enumerate(fields):
        if isinstance(field, TextField):
            parts.append(_head(i, field.name) + b"\r\n\r\n" + field.value.encode())
        else:
            parts.append(_file_head(i, field.name, field.filename, field.content_type))
            parts += field.content
    parts.append(_TAIL if fields else _TAIL[2:])
    return MultipartBody(CONTENT_TYPE, tuple(parts), sum(map(len, parts)))


def multipart_photo(photo: Sequence[bytes | memoryview], filename: bytes, field: bytes = b"photo") -> MultipartBody:
    """The body of a form with the one field `field`, a JPEG in the buffers `photo`."""
    return multipart_form([FileField(field.decode(), filename.decode(), "image/jpeg", photo)])


def _head(number: int, name: str) -> bytes:
    return b"\r\n" * (number > 0) + _DELIMITER + b'Content-Disposition: form-data; name="%b"' % _escaped(name)


@lru_cache(_HEADS_KEPT_LIMIT)
def _file_head(number: int, name: str, filename: str, content_type: str) -> bytes:
    """Kept made: most people's photos have the same names."""
    return _head(number, name) + b'; filename="%b"\r\nContent-Type: %b\r\n\r\n' % (_escaped(filename), content_type.encode())


def _escaped(text: str) -> bytes:
    return "".join(_ESCAPES.get(mark, mark) for mark in text).encode()
