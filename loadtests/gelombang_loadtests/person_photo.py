"""Which photo a person sends at a step: the first one, or a smaller copy; who sends the same again sends the same bytes."""

from collections.abc import Callable

from gelombang.person import Person, photo_bytes
from gelombang.steps import PhotoKind
from gelombang_loadtests.applicant import Applicant
from gelombang_loadtests.photos import Photo

MakePhoto = Callable[[PhotoKind, int, bytes], Photo]
"""(kind, size in bytes, serial) → the photo, whose bytes no other serial has."""


def photo_of(make: MakePhoto, kind: PhotoKind, applicant: Applicant, person: Person, step: int) -> Photo:
    """The photo of that kind that the person sends at the step now."""
    copy = applicant.copy(step)
    # Not the number of the try: who sends the same copy again sends the same bytes, as a browser does.
    serial = f"{person.run:x}.{person.index}.{copy}".encode()
    return make(kind, photo_bytes(person, kind, copy > 0, max(copy - 1, 0)), serial)
