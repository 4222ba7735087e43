"""A multipart/form-data body (RFC 7578) with one photo, as buffers around the photo: the photo isn't copied."""

from collections.abc import Sequence
from dataclasses import dataclass

BOUNDARY = b"gelombang-8f0c6a4be1d24f7f9a3d5b7c2e60d918"
"""One for all requests: long enough that no drawn photo has it, and told in each request's Content-Type."""
CONTENT_TYPE = b"multipart/form-data; boundary=" + BOUNDARY

_TAIL = b"\r\n--" + BOUNDARY + b"--\r\n"


@dataclass(frozen=True, slots=True)
class MultipartBody:
    """`parts` one after the other are the body, `length_bytes` long."""

    content_type: bytes
    parts: tuple[bytes | memoryview, ...]
    length_bytes: int


def multipart_photo(photo: Sequence[bytes | memoryview], photo_bytes: int, filename: bytes, field: bytes = b"photo") -> MultipartBody:
    """The body of a form with the one field `field`, a JPEG of `photo_bytes` bytes in the buffers `photo`."""
    assert not any(mark in name for name in (filename, field) for mark in (b'"', b"\r", b"\n")), (filename, field)
    head = b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\nContent-Type: image/jpeg\r\n\r\n' % (
        BOUNDARY,
        field,
        filename,
    )
    return MultipartBody(CONTENT_TYPE, (head, *photo, _TAIL), len(head) + photo_bytes + len(_TAIL))
